package keys

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/signature/sshsig"
)

// secretKind and secretMagic begin OpenSSH's files of secret keys (PROTOCOL.key).
const (
	secretKind  = "OPENSSH PRIVATE KEY"
	secretMagic = "openssh-key-v1\x00"
)

// openSSH opens a key file. The agent is asked first: it need not be unlocked
// again, and of a key in hardware or another's hands there is nothing else.
func openSSH(ctx context.Context, path string, user User) (*Signer, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var line string
	block, _ := pem.Decode(data)
	switch {
	case block == nil:
		line = string(data)
	case block.Type == secretKind:
		if line, err = publicLine(block.Bytes); err != nil {
			return nil, fmt.Errorf("reading the secret key: %w", err)
		}
	default:
		return nil, fmt.Errorf("the file holds a %q, expected a key in OpenSSH's own format: \"ssh-keygen -p -f FILE\" writes it anew", block.Type)
	}
	holder, key, err := parseLine(line)
	if err != nil {
		return nil, err
	}
	s := &Signer{holder: holder, program: &agentKey{key}}
	held, err := agentHolds(ctx, key)
	if held {
		return s, nil
	}
	if beside, found := strings.CutSuffix(path, ".pub"); block == nil && found {
		if data, err := readFile(beside); err == nil { // what it signs is verified with the public key
			block, _ = pem.Decode(data)
			path = beside
		}
	}
	if block == nil {
		if err == nil {
			err = errors.New("the ssh agent does not hold it: \"ssh-add\" adds it, or name the file of the secret key")
		}
		return nil, fmt.Errorf("the file holds a public key, and its secret key cannot be used: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the key: %w", err)
	}
	s.program = &keygen{path: absolute, talk: user.Talk}
	return s, nil
}

// parseLine reads a line with a public key.
func parseLine(line string) (signature.Holder, sshsig.PublicKey, error) {
	holders, err := signature.ParseHolders([]byte(line))
	if err != nil {
		return signature.Holder{}, sshsig.PublicKey{}, err
	}
	if len(holders) != 1 || holders[0].Form != signature.SSH {
		return signature.Holder{}, sshsig.PublicKey{}, errors.New("the file holds something else than one ssh key")
	}
	parsed, err := sshsig.ParseHolders([]byte(line))
	if err != nil {
		return signature.Holder{}, sshsig.PublicKey{}, err
	}
	return holders[0], parsed[0].Key, nil
}

// lineOf returns the line of a public key, as files ".pub" have it.
func lineOf(blob []byte) (string, error) {
	public, err := sshsig.ParsePublicKey(blob)
	if err != nil {
		return "", err
	}
	return public.Type() + " " + base64.StdEncoding.EncodeToString(blob) + "\n", nil
}

// publicLine returns the public key of a file with a secret one, where it stands
// in the clear: after the magic, three strings (cipher, key derivation and its
// options), and the number of keys, which is 1 (PROTOCOL.key, section 1).
func publicLine(data []byte) (string, error) {
	rest, found := bytes.CutPrefix(data, []byte(secretMagic))
	if !found {
		return "", errors.New("it does not begin as one")
	}
	var blob []byte
	for i := range 4 {
		if i == 3 {
			if len(rest) < 4 || binary.BigEndian.Uint32(rest) != 1 {
				return "", errors.New("it does not hold exactly one key")
			}
			rest = rest[4:]
		}
		if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return "", errors.New("it ends early")
		}
		size := int(binary.BigEndian.Uint32(rest))
		blob, rest = rest[4:4+size], rest[4+size:]
	}
	return lineOf(blob)
}

// keygen signs with "ssh-keygen -Y sign", which asks for the passphrase, or the
// touch, itself.
type keygen struct {
	path string
	talk io.Writer
}

func (k *keygen) sign(ctx context.Context, d signature.Domain, m message) (sig []byte, err error) {
	in, err := m.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	sig, err = run{
		name: "ssh-keygen", args: []string{"-Y", "sign", "-f", k.path, "-n", d.Namespace()}, stdin: in, talk: k.talk, most: maxSignatureBytes,
	}.do(ctx)
	if err != nil && strings.Contains(err.Error(), "incorrect passphrase") {
		err = fmt.Errorf("%w (without a terminal, load the key into the ssh agent with \"ssh-add\")", err)
	}
	return sig, err
}

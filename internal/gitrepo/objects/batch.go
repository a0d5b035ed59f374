package objects

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/refusal"
)

// batch is a running "git cat-file --batch-command --buffer" (git-cat-file(1)):
// it answers as many questions as are asked, in order.
type batch struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *gitexec.Tail
	hash   *digest.ObjectHash
	buffer bytes.Buffer

	mu    sync.Mutex
	ended bool // waited for: its process id may be another's by now
}

// kill kills the process if it was not waited for yet.
func (b *batch) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		_ = gitexec.Kill(b.cmd)
	}
}

// end kills the process and waits for it. It may be called twice.
func (b *batch) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		_ = gitexec.Kill(b.cmd)
		_ = b.cmd.Wait()
		b.ended = true
	}
}

// flushEvery is the number of questions after which git answers: enough to keep
// both sides busy, few enough that git need not remember many.
const flushEvery = 1024

// question asks for the contents, or for the info (type and size), of objects.
type question struct {
	command string
	ids     []digest.ObjectID
}

// ask asks about objects and calls each with every answer. The questions are
// written while the answers are read. After any error the process is ended: it
// may be in the middle of an answer.
func (r *Reader) ask(ctx context.Context, q question, each func(i int, o Object) error) (err error) {
	for _, id := range q.ids {
		if id.Format() != r.Format {
			return refusal.New(refusal.GitFormat, "a %v id was asked for in a %v repository", id.Format(), r.Format).At(refusal.Unknown, id.String())
		}
	}
	if err := ctx.Err(); err != nil || len(q.ids) == 0 {
		return err //nolint:wrapcheck // the context's own error
	}
	b, err := r.openBatch()
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	stop := context.AfterFunc(ctx, b.kill)
	defer func() {
		if stopped := stop(); err != nil || !stopped {
			r.Close()
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	go func() { written <- b.write(q) }()
	for i, id := range q.ids {
		o, err := b.answer(id, q.command == "contents")
		if err == nil {
			err = each(i, o)
		}
		if err != nil {
			return err
		}
	}
	if err := <-written; err != nil {
		return b.failure(err)
	}
	return nil
}

// openBatch starts the process if it is not running.
func (r *Reader) openBatch() (*batch, error) {
	if r.batch != nil {
		return r.batch, nil
	}
	// The process outlives the call that starts it, so it has no context; ask
	// kills it when its own context ends, Close in any case.
	cmd := r.Program.Command(context.Background(), gitexec.Call{Args: []string{"cat-file", "--batch-command", "--buffer"}, GitDir: r.GitDir, Alternates: r.Alternates})
	b := &batch{cmd: cmd, stderr: new(gitexec.Tail), hash: digest.NewObjectHash(r.Format)}
	cmd.Stderr = b.stderr
	var err error
	if b.in, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting git cat-file: %v", err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting git cat-file: %v", err)
	}
	b.out = bufio.NewReaderSize(out, 1<<16)
	r.batch = b
	return b, nil
}

// write writes the questions.
func (b *batch) write(q question) error {
	w := bufio.NewWriterSize(b.in, 1<<16)
	for i, id := range q.ids {
		_, _ = w.WriteString(q.command + " " + id.String() + "\n")
		if (i+1)%flushEvery == 0 {
			_, _ = w.WriteString("flush\n")
		}
	}
	_, _ = w.WriteString("flush\n")
	return w.Flush() //nolint:wrapcheck // ask says what failed
}

// answer reads one answer: "ID missing", or "ID TYPE SIZE" and, if content is
// true, the content and a line feed.
func (b *batch) answer(id digest.ObjectID, content bool) (Object, error) {
	line, err := b.out.ReadString('\n')
	if err != nil {
		return Object{}, b.failure(err)
	}
	rest, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), id.String()+" ")
	if found && rest == "missing" {
		return Object{}, nil
	}
	name, size, _ := strings.Cut(rest, " ")
	kind, known := digest.ParseObjectType(name)
	n, err := strconv.ParseInt(size, 10, 64)
	if !found || !known || err != nil || n < 0 {
		return Object{}, fmt.Errorf("reading object %v: git cat-file answered %q", id, line)
	}
	o := Object{Type: kind, SizeBytes: n}
	if !content {
		return o, nil
	}
	if n > gitobject.MaxObjectBytes {
		return Object{}, refusal.New(refusal.GitLimit, "the %v has %d bytes, at most %d are accepted", kind, n, gitobject.MaxObjectBytes).At(refusal.Unknown, id.String())
	}
	b.buffer.Reset()
	if _, err := io.CopyN(&b.buffer, b.out, n+1); err != nil {
		return Object{}, b.failure(err)
	}
	o.Content = b.buffer.Bytes()[:n]
	return o, b.check(id, o)
}

// check hashes an object again.
func (b *batch) check(id digest.ObjectID, o Object) error {
	b.hash.Reset(o.Type, o.SizeBytes)
	_, _ = b.hash.Write(o.Content)
	ids, err := b.hash.Sum()
	return judge(id, o, ids, err)
}

// judge holds what an object hashes to, the outcome of digest.ObjectHash.Sum, to
// its id.
func judge(id digest.ObjectID, o Object, ids digest.IDs, err error) error {
	switch {
	case errors.Is(err, digest.ErrCollision):
		return refusal.New(refusal.GitSHA1Collision, "the %v carries a SHA-1 collision attack", o.Type).At(refusal.Unknown, id.String())
	case ids.In(id.Format()) != id:
		return refusal.New(refusal.GitHash, "the repository's %v of that id hashes to %v", o.Type, ids.In(id.Format())).At(refusal.Unknown, id.String())
	}
	return nil
}

// failure explains why the process ended early.
func (b *batch) failure(err error) error {
	b.end()
	if damage := b.damage(); damage != nil {
		return damage
	}
	return fmt.Errorf("reading objects: git cat-file ended early (%v); git said: %s", err, strings.Join(b.stderr.Lines(), "; "))
}

// damage returns a refusal if the process, which has ended, said that it could
// not decode an object (object-file.c, packfile.c).
func (b *batch) damage() *refusal.Refusal {
	said := strings.Join(b.stderr.Lines(), "; ")
	for _, word := range []string{"corrupt", "inflate", "unable to unpack", "unable to parse", "garbage at end", "is empty", "error: header for"} {
		if strings.Contains(said, word) {
			return refusal.New(refusal.GitHash, "git cannot decode an object of the repository, and said: %s", said)
		}
	}
	return nil
}

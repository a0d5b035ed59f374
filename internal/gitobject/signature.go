package gitobject

import "strings"

// The first words of the armours that git takes for a signature
// (gpg-interface.c: openpgp_sigs, x509_sigs, ssh_sigs), with the line that ends
// each.
func armours() [4][2]string {
	return [4][2]string{
		{"-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----"},
		{"-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"},
		{"-----BEGIN SIGNED MESSAGE-----", "-----END SIGNED MESSAGE-----"},
		{"-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"},
	}
}

// signatureAt returns the index of the first line in text that git would take
// for the beginning of a signature, or -1.
func signatureAt(text string) int {
	first := -1
	for _, armour := range armours() {
		i := 0
		if !strings.HasPrefix(text, armour[0]) {
			if i = strings.Index(text, "\n"+armour[0]) + 1; i == 0 {
				continue
			}
		}
		if first < 0 || i < first {
			first = i
		}
	}
	return first
}

// armourProblem says what is wrong with text as one armoured signature and
// nothing else, "" if it is one. GitHub ends its signatures with one empty
// line, which is accepted. Anything more could be added to a signed object
// without breaking its signature.
func armourProblem(text string) string {
	for _, armour := range armours() {
		inner, found := strings.CutPrefix(text, armour[0]+"\n")
		if !found {
			continue
		}
		inner, after, found := strings.Cut(inner, "\n"+armour[1])
		switch {
		case !found:
			return "a signature without an end line"
		case after != "" && after != "\n" && after != "\n\n":
			return "text after the end of its signature"
		case signatureAt(inner) >= 0:
			return "a second signature inside its signature"
		}
		return ""
	}
	return "no armoured signature of a known kind"
}

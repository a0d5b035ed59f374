package filter

// Checkout returns what git writes into a work tree for a blob, where no
// configuration says more than the attributes do: on a system whose own line
// ends are LF. It is the blob's content itself, not to be changed, where nothing
// is converted; names are the conversions that changed it, in git's order.
// Encodings and drivers are not modelled.
func Checkout(blob Blob, a Attributes) (content []byte, names []string) {
	content = blob.Content
	if a.Ident {
		if expanded := expandIdent(content, blob.ID); string(expanded) != string(content) {
			content, names = expanded, append(names, ConversionIdent)
		}
	}
	if a.CRLF {
		if converted := convertEOL(content, a.EOL); len(converted) != len(content) {
			content, names = converted, append(names, ConversionEOL)
		}
	}
	return content, names
}

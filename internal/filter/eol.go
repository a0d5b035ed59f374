package filter

import "bytes"

// textStat counts what git's gather_stats (convert.c) counts.
type textStat struct {
	nul, loneCR, loneLF, crlf int
	printable, nonPrintable   int
}

func gatherStats(content []byte) textStat {
	var s textStat
	for i := 0; i < len(content); i++ {
		switch c := content[i]; {
		case c == '\r' && i+1 < len(content) && content[i+1] == '\n':
			s.crlf++
			i++
		case c == '\r':
			s.loneCR++
		case c == '\n':
			s.loneLF++
		case c == 0:
			s.nul++
			s.nonPrintable++
		case c == '\b' || c == '\t' || c == '\f' || c == 0x1b:
			s.printable++
		case c < ' ' || c == 0x7f:
			s.nonPrintable++
		default:
			s.printable++
		}
	}
	if bytes.HasSuffix(content, []byte{0x1a}) { // DOS's end of file does not count
		s.nonPrintable--
	}
	return s
}

// isBinary is git's convert_is_binary: more than one unprintable byte in 128.
func (s textStat) isBinary() bool {
	return s.loneCR > 0 || s.nul > 0 || s.printable>>7 < s.nonPrintable
}

// convertEOL is git's crlf_to_worktree: every LF that has no CR before it gets
// one. With EOLAuto a file that holds any CR, or looks binary, stays as it is.
func convertEOL(content []byte, eol EOL) []byte {
	s := gatherStats(content)
	if eol == EOLNever || s.loneLF == 0 || eol == EOLAuto && (s.crlf > 0 || s.isBinary()) {
		return content
	}
	out := make([]byte, 0, len(content)+s.loneLF)
	for i, c := range content {
		if c == '\n' && (i == 0 || content[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// undoEOL turns every CRLF into LF: the inverse of convertEOL for content that
// had no CRLF before.
func undoEOL(image []byte) []byte {
	return bytes.ReplaceAll(image, []byte("\r\n"), []byte("\n"))
}

package knownfile

// binTable finds the forms whose sketch holds a byte in a bin.
type binTable struct {
	first [SketchSize*256 + 1]int32 // of each bin and byte, where its forms begin in all
	all   []int32                   // numbers of forms
}

func newBinTable(forms []Form) binTable {
	var t binTable
	for i := range forms {
		for bin, b := range forms[i].Sketch {
			t.first[bin*256+int(b)+1]++
		}
	}
	for i := range t.first[1:] {
		t.first[i+1] += t.first[i]
	}
	t.all = make([]int32, t.first[SketchSize*256])
	next := t.first
	for i := range forms {
		for bin, b := range forms[i].Sketch {
			at := &next[bin*256+int(b)]
			t.all[*at] = int32(i)
			*at++
		}
	}
	return t
}

func (t *binTable) forms(bin int, b byte) []int32 {
	at := bin*256 + int(b)
	return t.all[t.first[at]:t.first[at+1]]
}

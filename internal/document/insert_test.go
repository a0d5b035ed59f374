package document

import (
	"strings"
	"testing"
)

func TestInsert(t *testing.T) {
	for _, c := range []struct{ text, after, want string }{
		{"a = 1", KeyPlace("", "a"), "a = 1\nk = \"v\""},
		{"a = 1 # no end", KeyPlace("", "a"), "a = 1 # no end\nk = \"v\""},
		{"\n\ta = true\r\nb = 1\n", KeyPlace("", "a"), "\n\ta = true\r\n\tk = \"v\"\r\nb = 1\n"},
		{"t . \"a\" = 1\nb = 1\n", KeyPlace(KeyPlace("", "t"), "a"), "t . \"a\" = 1\nt . k = \"v\"\nb = 1\n"},
		{"t = {a = 'x' }\n", KeyPlace(KeyPlace("", "t"), "a"), "t = {a = 'x', k = \"v\" }\n"},
		{"t = {u.a = 1}\n", KeyPlace(KeyPlace(KeyPlace("", "t"), "u"), "a"), "t = {u.a = 1, u.k = \"v\"}\n"},
		{"[[t]]\na = 1\n[[t]]\na = '''\n\n'''\n\n", KeyPlace(ItemPlace(KeyPlace("", "t"), 1), "a"), "[[t]]\na = 1\n[[t]]\na = '''\n\n'''\nk = \"v\"\n\n"},
	} {
		got, err := Insert([]byte(c.text), []Insertion{{After: c.after, Key: "k", Value: "v"}})
		if err != nil || string(got) != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

func TestInsertFails(t *testing.T) {
	for _, c := range []struct{ text, after, says string }{
		{"a = ", KeyPlace("", "a"), "no TOML"},
		{"a = 1\n", KeyPlace("", "b"), "no value at"},
		{"a = 1\nk = 2\n", KeyPlace("", "a"), "inserting into"},
	} {
		if got, err := Insert([]byte(c.text), []Insertion{{After: c.after, Key: "k", Value: "v"}}); err == nil || got != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: got %q, %v, want %q", c.text, got, err, c.says)
		}
	}
}

func TestMayLack(t *testing.T) {
	d, err := Open([]byte("a = \"x\"\n[t]\n"))
	if err != nil {
		t.Fatal(err)
	}
	d.MayLack("k")
	sub := d.Table("t")
	if Required(d, "k", anything) != "" || Required(sub, "k", anything) != "" || d.First() != nil {
		t.Error(d.First())
	}
	if Required(sub, "l", anything); d.First() == nil {
		t.Error("other keys are still required")
	}
}

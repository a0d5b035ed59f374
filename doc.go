// Package countermark is the root of the program's source. It holds no code,
// only the tests of what must hold for all of it: which package may import
// what (deps_test.go), how the code is written (style_test.go), and that every
// rule is specified and tried (house_test.go).
package countermark

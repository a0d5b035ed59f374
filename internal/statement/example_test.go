package statement_test

import (
	"fmt"

	"github.com/countermark/countermark/internal/statement"
)

// What is no statement of ours is refused in one sentence.
func ExampleParse() {
	_, err := statement.Parse([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.org/other","predicate":{},"subject":[]}`))
	fmt.Println(err)
	_, err = statement.Parse([]byte(`{"_type":1,"_type":2}`))
	fmt.Println(err)
	// Output:
	// STM_TYPE: the type of its predicate is none that is known here
	// JSON_FORMAT: the key "_type" is there twice, at byte 11
}

package sandbox

import (
	"encoding/json"
	"fmt"
)

// maxStatusBytes is more than a line of bwrap's --json-status-fd has: 0.2 KB.
const maxStatusBytes = 4 << 10

// status is one line of what bwrap tells (bwrap(1), --json-status-fd).
type status struct {
	child   int    // the process id of the first process in the sandbox, 0 if not told
	network uint64 // the number of its network namespace, 0 if not told
	exit    *int   // the program's exit status, nil if not told
}

// parseStatus reads a line. Keys that later versions may have are passed over.
func parseStatus(line []byte) (status, error) {
	var said struct {
		Child   int    `json:"child-pid"`
		Network uint64 `json:"net-namespace"`
		Exit    *int   `json:"exit-code"`
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return status{}, fmt.Errorf("reading what bubblewrap tells: %v", err)
	}
	if said.Child < 0 || said.Exit != nil && (*said.Exit < 0 || *said.Exit > 255) {
		return status{}, fmt.Errorf("reading what bubblewrap tells: %q is out of range", line)
	}
	return status{child: said.Child, network: said.Network, exit: said.Exit}, nil
}

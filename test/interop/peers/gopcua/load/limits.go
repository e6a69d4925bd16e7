package main

import (
	"fmt"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// limits is what one request may carry. A longer one is refused, and `refused` is printed.
type limits struct{ read, items, browse int }

// At most so many nodes browsed at once: what lies below them stays below the 64 KiB of one chunk.
const maxBrowsed = 5

func limitsOf(perCall int) limits {
	return limits{read: perCall, items: perCall, browse: min(perCall, maxBrowsed)}
}

func (l limits) check(count, most int) error {
	if count <= most {
		return nil
	}
	fmt.Println("refused", count)
	return ua.StatusBadTooManyOperations
}

// told gives the value of a node of the standard that says a limit; gopcua does not have them, or has them too small.
func (l limits) told(node *ua.NodeID) (uint32, bool) {
	if node.Namespace() != 0 {
		return 0, false
	}
	switch node.IntID() {
	case id.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead:
		return uint32(l.read), true
	case id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall:
		return uint32(l.items), true
	case id.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse:
		return uint32(l.browse), true
	}
	return 0, false
}

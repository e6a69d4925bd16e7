// An OPC UA server that is not node-opcua: server PORT NAMESPACE_URI...
//
// Every namespace has the same variables; `Where` holds its URI. Commands come on standard input, one a line: `set NAME NUMBER`.
// Prints `ready` when it listens. Security policy None only: the library's server has no other.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"strconv"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"
)

const readable = byte(ua.AccessLevelTypeCurrentRead)
const writable = readable | byte(ua.AccessLevelTypeCurrentWrite)

var values = map[string]any{
	"Speed":      1.5,
	"Count":      int32(7),
	"MinInt64":   int64(math.MinInt64),
	"MaxUInt64":  uint64(math.MaxUint64),
	"Running":    true,
	"Name":       "Prëss",
	"Blob":       []byte{0, 1, 255},
	"NotANumber": float32(math.NaN()),
	"Locked":     int32(3),
}

func addVariable(namespace *server.NodeNameSpace, name string, value any) *server.Node {
	access := writable
	if name == "Locked" {
		access = readable
	}
	node := server.NewVariableNode(ua.NewStringNodeID(namespace.ID(), name), name, value)
	for _, attribute := range []ua.AttributeID{ua.AttributeIDAccessLevel, ua.AttributeIDUserAccessLevel} {
		// Version 0.8.0 sets it and returns an error all the same.
		_ = node.SetAttribute(attribute, server.DataValueFromValue(access))
	}
	namespace.AddNode(node)
	namespace.Objects().AddRef(node, id.HasComponent, true)
	return node
}

func main() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	plant := server.New(
		server.EndPoint("127.0.0.1", port),
		server.EnableSecurity("None", ua.MessageSecurityModeNone),
		server.EnableAuthMode(ua.UserTokenTypeAnonymous),
	)
	var nodes []*server.Node
	for _, uri := range os.Args[2:] {
		namespace := server.NewNodeNameSpace(plant, uri)
		for name, value := range values {
			node := addVariable(namespace, name, value)
			if name == "Speed" {
				nodes = append(nodes, node)
			}
		}
		addVariable(namespace, "Where", uri)
	}
	if err := plant.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	obey(plant, nodes)
}

func obey(plant *server.Server, nodes []*server.Node) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var value float64
		if _, err := fmt.Sscanf(lines.Text(), "set %s %g", &name, &value); err != nil {
			log.Fatal(err)
		}
		for _, node := range nodes {
			if node.ID().StringID() != name {
				continue
			}
			if err := node.SetAttribute(ua.AttributeIDValue, server.DataValueFromValue(value)); err != nil {
				log.Fatal(err)
			}
			plant.ChangeNotification(node.ID())
		}
	}
}

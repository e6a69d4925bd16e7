// An OPC UA server that can give more changes than a gateway may be asked to take: load-server PORT VARIABLES INTERVAL_MS [double|float [OTHER_PORT [PER_CALL]]]
//
// Transport, sessions and messages are gopcua's. Its subscription service is replaced, since it makes one lock, one channel and one
// reflection of each change. Every INTERVAL_MS all variables `v0` … of namespace `urn:bench` take the next number, so that a
// missing number is a lost change. Queues, their overflow bit and Republish are as in Part 4 §5.13 and §5.14. `set` takes numbers.
// PER_CALL is how much one request may carry; OTHER_PORT 0 is none.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"
)

func number(at int) int {
	value, err := strconv.Atoi(os.Args[at])
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	port, variables, interval := number(1), number(2), time.Duration(number(3))*time.Millisecond
	options := []server.Option{
		server.EndPoint("127.0.0.1", port),
		server.EnableSecurity("None", ua.MessageSecurityModeNone),
		server.EnableAuthMode(ua.UserTokenTypeAnonymous),
	}
	// It offers its endpoints only under a URL that it calls its own.
	if len(os.Args) > 5 && number(5) > 0 {
		options = append(options, server.EndPoint("127.0.0.1", number(5)))
	}
	plant := server.New(options...)
	space := &variableSpace{count: variables, isFloat: len(os.Args) > 4 && os.Args[4] == "float", written: map[int]float64{}}
	space.NodeNameSpace = server.NewNameSpace("urn:bench")
	plant.AddNamespace(space)
	perCall := 10_000
	if len(os.Args) > 6 {
		perCall = number(6)
	}
	load := &load{plant: plant, space: space, limits: limitsOf(perCall), interval: interval, subscriptions: map[uint32]*subscription{}, publishes: map[string][]publish{}}
	// What is registered before the start is not overwritten by it.
	plant.RegisterHandler(id.ReadRequest_Encoding_DefaultBinary, load.read)
	plant.RegisterHandler(id.BrowseRequest_Encoding_DefaultBinary, load.browse)
	plant.RegisterHandler(id.CreateSubscriptionRequest_Encoding_DefaultBinary, load.createSubscription)
	plant.RegisterHandler(id.DeleteSubscriptionsRequest_Encoding_DefaultBinary, load.deleteSubscriptions)
	plant.RegisterHandler(id.CreateMonitoredItemsRequest_Encoding_DefaultBinary, load.createMonitoredItems)
	plant.RegisterHandler(id.PublishRequest_Encoding_DefaultBinary, load.publish)
	plant.RegisterHandler(id.RepublishRequest_Encoding_DefaultBinary, load.republish)
	plant.RegisterHandler(id.CloseSessionRequest_Encoding_DefaultBinary, load.closeSession)
	if err := plant.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready %d\n", space.ID())
	go load.run()
	// Ends with whoever started it.
	_, _ = os.Stdin.Read(make([]byte, 1))
}

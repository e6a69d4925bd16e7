package main

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"
)

type load struct {
	mutex         sync.Mutex
	plant         *server.Server
	space         *variableSpace
	limits        limits
	interval      time.Duration
	lastID        uint32
	subscriptions map[uint32]*subscription
	// Publish requests by session, oldest first.
	publishes map[string][]publish
}

func sessionOf(request ua.Request) string { return request.Header().AuthenticationToken.String() }

// The finest publishing interval.
const turn = 10 * time.Millisecond

// run makes the changes, and publishes what is due.
func (l *load) run() {
	due := time.Now()
	for now := range time.NewTicker(turn).C {
		l.mutex.Lock()
		if isDue := !now.Before(due); isDue {
			due = due.Add(l.interval)
			l.change(now)
		}
		for _, s := range l.subscriptions {
			l.flush(s)
		}
		l.mutex.Unlock()
	}
}

func (l *load) change(now time.Time) {
	number := l.space.advance()
	for _, s := range l.subscriptions {
		s.sample(change{number: number, at: now})
	}
}

func (l *load) flush(s *subscription) {
	for len(l.publishes[s.session]) > 0 {
		message := s.turn(time.Now(), l.space)
		if message == nil {
			return
		}
		to := l.publishes[s.session][0]
		l.publishes[s.session] = l.publishes[s.session][1:]
		// One that is sent into the void is kept, and asked for again.
		_ = s.send(to, message)
	}
}

func (l *load) createSubscription(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	request := r.(*ua.CreateSubscriptionRequest)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lastID++
	period := max(time.Duration(request.RequestedPublishingInterval*float64(time.Millisecond)), turn)
	l.subscriptions[l.lastID] = &subscription{
		id:        l.lastID,
		session:   sessionOf(r),
		period:    period,
		next:      time.Now().Add(period),
		queueSize: math.MaxInt,
		kept:      map[uint32]*ua.NotificationMessage{},
		maxQuiet:  request.RequestedMaxKeepAliveCount,
	}
	return &ua.CreateSubscriptionResponse{
		ResponseHeader:            header(request.RequestHeader.RequestHandle, ua.StatusOK),
		SubscriptionID:            l.lastID,
		RevisedPublishingInterval: float64(period) / float64(time.Millisecond),
		RevisedLifetimeCount:      request.RequestedLifetimeCount,
		RevisedMaxKeepAliveCount:  request.RequestedMaxKeepAliveCount,
	}, nil
}

func (l *load) createMonitoredItems(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	request := r.(*ua.CreateMonitoredItemsRequest)
	if err := l.limits.check(len(request.ItemsToCreate), l.limits.items); err != nil {
		return nil, err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	s := l.subscriptions[request.SubscriptionID]
	if s == nil {
		return nil, ua.StatusBadSubscriptionIDInvalid
	}
	results := make([]*ua.MonitoredItemCreateResult, len(request.ItemsToCreate))
	for at, asked := range request.ItemsToCreate {
		results[at] = l.createItem(s, asked)
	}
	return &ua.CreateMonitoredItemsResponse{
		ResponseHeader:  header(request.RequestHeader.RequestHandle, ua.StatusOK),
		Results:         results,
		DiagnosticInfos: []*ua.DiagnosticInfo{},
	}, nil
}

// createItem: the shortest queue that was asked for is that of all items.
func (l *load) createItem(s *subscription, asked *ua.MonitoredItemCreateRequest) *ua.MonitoredItemCreateResult {
	node, wanted := asked.ItemToMonitor.NodeID, asked.RequestedParameters
	result := &ua.MonitoredItemCreateResult{FilterResult: ua.NewExtensionObject(nil)}
	if node.Namespace() != l.space.ID() || l.space.find(node) < 0 || asked.ItemToMonitor.AttributeID != ua.AttributeIDValue {
		result.StatusCode = ua.StatusBadNodeIDUnknown
		return result
	}
	s.queueSize = min(s.queueSize, max(1, int(wanted.QueueSize)))
	created := item{handle: wanted.ClientHandle, since: l.space.now() + 1}
	s.items = append(s.items, created)
	s.fresh = append(s.fresh, created)
	l.lastID++
	result.MonitoredItemID = l.lastID
	result.RevisedSamplingInterval = float64(l.interval) / float64(time.Millisecond)
	result.RevisedQueueSize = wanted.QueueSize
	return result
}

func (l *load) publish(channel *uasc.SecureChannel, r ua.Request, request uint32) (ua.Response, error) {
	asked := r.(*ua.PublishRequest)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, acknowledged := range asked.SubscriptionAcknowledgements {
		if s := l.subscriptions[acknowledged.SubscriptionID]; s != nil {
			delete(s.kept, acknowledged.SequenceNumber)
		}
	}
	session := sessionOf(r)
	// What came over a channel that broke can be answered no more.
	waiting := slices.DeleteFunc(l.publishes[session], func(old publish) bool { return old.channel != channel })
	l.publishes[session] = append(waiting, publish{channel, request, asked.RequestHeader.RequestHandle})
	for _, s := range l.subscriptions {
		if s.session == session {
			l.flush(s)
		}
	}
	// Answered when there is something to say.
	return nil, nil
}

func (l *load) republish(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	request := r.(*ua.RepublishRequest)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	s := l.subscriptions[request.SubscriptionID]
	if s == nil {
		return nil, ua.StatusBadSubscriptionIDInvalid
	}
	message := s.kept[request.RetransmitSequenceNumber]
	if message == nil {
		return nil, ua.StatusBadMessageNotAvailable
	}
	return &ua.RepublishResponse{
		ResponseHeader:      header(request.RequestHeader.RequestHandle, ua.StatusOK),
		NotificationMessage: message,
	}, nil
}

func (l *load) deleteSubscriptions(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	request := r.(*ua.DeleteSubscriptionsRequest)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, subscriptionID := range request.SubscriptionIDs {
		delete(l.subscriptions, subscriptionID)
	}
	return &ua.DeleteSubscriptionsResponse{
		ResponseHeader:  header(request.RequestHeader.RequestHandle, ua.StatusOK),
		Results:         make([]ua.StatusCode, len(request.SubscriptionIDs)),
		DiagnosticInfos: []*ua.DiagnosticInfo{},
	}, nil
}

func (l *load) closeSession(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	session := sessionOf(r)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.publishes, session)
	for subscriptionID, s := range l.subscriptions {
		if s.session == session {
			delete(l.subscriptions, subscriptionID)
		}
	}
	return &ua.CloseSessionResponse{ResponseHeader: header(r.Header().RequestHandle, ua.StatusOK)}, nil
}

func (l *load) read(_ *uasc.SecureChannel, r ua.Request, _ uint32) (ua.Response, error) {
	request := r.(*ua.ReadRequest)
	if err := l.limits.check(len(request.NodesToRead), l.limits.read); err != nil {
		return nil, err
	}
	results := make([]*ua.DataValue, len(request.NodesToRead))
	for at, asked := range request.NodesToRead {
		results[at] = l.attribute(asked.NodeID, asked.AttributeID)
	}
	return &ua.ReadResponse{ResponseHeader: header(request.RequestHeader.RequestHandle, ua.StatusOK), Results: results}, nil
}

func (l *load) attribute(node *ua.NodeID, attribute ua.AttributeID) *ua.DataValue {
	if limit, isLimit := l.limits.told(node); isLimit && attribute == ua.AttributeIDValue {
		return server.DataValueFromValue(limit)
	}
	space, err := l.plant.Namespace(int(node.Namespace()))
	if err != nil {
		return refused(ua.StatusBadNodeIDUnknown)
	}
	return space.Attribute(node, attribute)
}

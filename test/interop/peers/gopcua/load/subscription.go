package main

import (
	"context"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"
)

// At most so many changes in one message: it stays below the 64 KiB of one chunk, and gopcua sends no second one.
const changesPerMessage = 1_000

// As many messages are kept until they are acknowledged.
const maxKept = 1_000

type publish struct {
	channel *uasc.SecureChannel
	request uint32
	handle  uint32
}

type item struct {
	handle uint32
	// The first change that the item has seen.
	since uint64
}

type change struct {
	number uint64
	at     time.Time
	// The queue has lost what came before.
	isAfterLoss bool
}

type subscription struct {
	id      uint32
	session string
	period  time.Duration
	next    time.Time
	items   []item
	// New ones, whose value of then is still to be sent.
	fresh     []item
	queueSize int
	// What all items have waiting, oldest first, and what of it is being sent: [0, sending) up to the item `at`.
	waiting []change
	sending int
	at      int
	// The publishing interval is over; stays so until all is sent.
	isTurn   bool
	sequence uint32
	kept     map[uint32]*ua.NotificationMessage
	silent   uint32
	maxQuiet uint32
}

// sample adds one change of every item; a full queue loses its oldest.
func (s *subscription) sample(now change) {
	if len(s.items) == 0 {
		return
	}
	s.waiting = append(s.waiting, now)
	if unsent := len(s.waiting) - s.sending; unsent > s.queueSize {
		s.waiting = append(s.waiting[:s.sending], s.waiting[s.sending+1:]...)
		s.waiting[s.sending].isAfterLoss = true
	}
}

// message gives the next one of what is due, or nil.
func (s *subscription) message(space *variableSpace) *ua.NotificationMessage {
	var changes changes
	changes.isFloat = space.isFloat
	for ; len(s.fresh) > 0 && changes.count < changesPerMessage && s.isTurn; s.fresh = s.fresh[1:] {
		changes.add(s.fresh[0].handle, change{number: s.fresh[0].since - 1, at: time.Now()})
	}
	for s.sending > 0 && changes.count < changesPerMessage {
		for ; s.at < len(s.items) && changes.count < changesPerMessage; s.at++ {
			if item := s.items[s.at]; item.since <= s.waiting[0].number {
				changes.add(item.handle, s.waiting[0])
			}
		}
		if s.at == len(s.items) {
			s.waiting, s.sending, s.at = s.waiting[1:], s.sending-1, 0
		}
	}
	if changes.count == 0 {
		return nil
	}
	s.sequence++
	message := &ua.NotificationMessage{
		SequenceNumber: s.sequence,
		PublishTime:    time.Now(),
		NotificationData: []*ua.ExtensionObject{{
			EncodingMask: ua.ExtensionObjectBinary,
			TypeID:       ua.NewFourByteExpandedNodeID(0, id.DataChangeNotification_Encoding_DefaultBinary),
			Value:        &changes,
		}},
	}
	s.kept[s.sequence] = message
	delete(s.kept, s.sequence-maxKept)
	return message
}

// turn gives what is to be sent at this moment, or nil: changes, or after long silence a keep-alive.
func (s *subscription) turn(now time.Time, space *variableSpace) *ua.NotificationMessage {
	if !s.isTurn && !now.Before(s.next) {
		s.next = s.next.Add(s.period)
		if s.next.Before(now) {
			s.next = now.Add(s.period)
		}
		s.sending = len(s.waiting)
		s.isTurn = true
		s.silent++
	}
	if message := s.message(space); message != nil {
		s.silent = 0
		return message
	}
	s.isTurn = false
	if s.silent < s.maxQuiet {
		return nil
	}
	s.silent = 0
	return &ua.NotificationMessage{SequenceNumber: s.sequence + 1, PublishTime: now, NotificationData: []*ua.ExtensionObject{}}
}

func (s *subscription) send(to publish, message *ua.NotificationMessage) error {
	return to.channel.SendResponseWithContext(context.Background(), to.request, &ua.PublishResponse{
		ResponseHeader:           header(to.handle, ua.StatusOK),
		SubscriptionID:           s.id,
		MoreNotifications:        s.sending > 0,
		NotificationMessage:      message,
		AvailableSequenceNumbers: []uint32{},
		Results:                  []ua.StatusCode{},
		DiagnosticInfos:          []*ua.DiagnosticInfo{},
	})
}

func header(handle uint32, status ua.StatusCode) *ua.ResponseHeader {
	return &ua.ResponseHeader{
		Timestamp:          time.Now(),
		RequestHandle:      handle,
		ServiceResult:      status,
		ServiceDiagnostics: &ua.DiagnosticInfo{},
		StringTable:        []string{},
		AdditionalHeader:   ua.NewExtensionObject(nil),
	}
}

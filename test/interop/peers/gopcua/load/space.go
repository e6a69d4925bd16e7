package main

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/server/attrs"
	"github.com/gopcua/opcua/ua"
)

// variableSpace has `count` variables without an object for each.
type variableSpace struct {
	*server.NodeNameSpace
	count   int
	isFloat bool
	mutex   sync.Mutex
	current uint64
	written map[int]float64
}

func (space *variableSpace) advance() uint64 {
	space.mutex.Lock()
	defer space.mutex.Unlock()
	space.current++
	return space.current
}

func (space *variableSpace) now() uint64 {
	space.mutex.Lock()
	defer space.mutex.Unlock()
	return space.current
}

// find gives the number of the variable, or -1.
func (space *variableSpace) find(node *ua.NodeID) int {
	text, isOurs := strings.CutPrefix(node.StringID(), "v")
	index, err := strconv.Atoi(text)
	if !isOurs || err != nil || index < 0 || index >= space.count {
		return -1
	}
	return index
}

func refused(status ua.StatusCode) *ua.DataValue {
	return &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: status}
}

func (space *variableSpace) variant(value float64) *ua.Variant {
	if space.isFloat {
		return ua.MustVariant(float32(value))
	}
	return ua.MustVariant(value)
}

func (space *variableSpace) dataType() *ua.NodeID {
	if space.isFloat {
		return ua.NewNumericNodeID(0, id.Float)
	}
	return ua.NewNumericNodeID(0, id.Double)
}

// Attribute hides that of the embedded namespace.
func (space *variableSpace) Attribute(node *ua.NodeID, attribute ua.AttributeID) *ua.DataValue {
	index := space.find(node)
	if index < 0 {
		return refused(ua.StatusBadNodeIDUnknown)
	}
	var value *ua.Variant
	switch attribute {
	case ua.AttributeIDNodeID:
		value = ua.MustVariant(node)
	case ua.AttributeIDNodeClass:
		value = ua.MustVariant(int32(ua.NodeClassVariable))
	case ua.AttributeIDBrowseName:
		name := attrs.BrowseName(node.StringID())
		name.NamespaceIndex = space.ID()
		value = ua.MustVariant(name)
	case ua.AttributeIDDisplayName:
		value = ua.MustVariant(attrs.DisplayName(node.StringID(), ""))
	case ua.AttributeIDDataType:
		value = ua.MustVariant(space.dataType())
	case ua.AttributeIDValueRank:
		value = ua.MustVariant(int32(-1))
	case ua.AttributeIDAccessLevel, ua.AttributeIDUserAccessLevel:
		value = ua.MustVariant(byte(ua.AccessLevelTypeCurrentRead | ua.AccessLevelTypeCurrentWrite))
	case ua.AttributeIDValue:
		value = space.value(index)
	default:
		return refused(ua.StatusBadAttributeIDInvalid)
	}
	now := time.Now()
	return &ua.DataValue{
		EncodingMask:    ua.DataValueValue | ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp,
		Value:           value,
		SourceTimestamp: now,
		ServerTimestamp: now,
	}
}

func (space *variableSpace) value(index int) *ua.Variant {
	space.mutex.Lock()
	defer space.mutex.Unlock()
	if value, isWritten := space.written[index]; isWritten {
		return space.variant(value)
	}
	return space.variant(float64(space.current))
}

// SetAttribute keeps what was written for the next read; the changes that are published go on counting.
func (space *variableSpace) SetAttribute(node *ua.NodeID, attribute ua.AttributeID, given *ua.DataValue) ua.StatusCode {
	index := space.find(node)
	if index < 0 || attribute != ua.AttributeIDValue || given.Value == nil {
		return ua.StatusBadNodeIDUnknown
	}
	space.mutex.Lock()
	defer space.mutex.Unlock()
	switch value := given.Value.Value().(type) {
	case float64:
		space.written[index] = value
	case float32:
		space.written[index] = float64(value)
	default:
		return ua.StatusBadTypeMismatch
	}
	return ua.StatusOK
}

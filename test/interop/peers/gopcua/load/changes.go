package main

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/gopcua/opcua/ua"
)

// changes is the body of a DataChangeNotification (Part 4 §7.25.2), encoded as Part 6 §5.2 says.
type changes struct {
	isFloat bool
	count   uint32
	bytes   []byte
}

// InfoType DataValue, Overflow: Part 4 §7.39.
const overflow = 0x480

// Between 1601 and 1970, in 100 ns.
const epochOffset = 116_444_736_000_000_000

func dateTime(at time.Time) uint64 { return uint64(at.UnixNano()/100 + epochOffset) }

func (c *changes) add(handle uint32, of change) {
	c.count++
	mask := byte(ua.DataValueValue | ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp)
	if of.isAfterLoss {
		mask |= ua.DataValueStatusCode
	}
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, handle)
	c.bytes = append(c.bytes, mask)
	if c.isFloat {
		c.bytes = append(c.bytes, byte(ua.TypeIDFloat))
		c.bytes = binary.LittleEndian.AppendUint32(c.bytes, math.Float32bits(float32(of.number)))
	} else {
		c.bytes = append(c.bytes, byte(ua.TypeIDDouble))
		c.bytes = binary.LittleEndian.AppendUint64(c.bytes, math.Float64bits(float64(of.number)))
	}
	if of.isAfterLoss {
		c.bytes = binary.LittleEndian.AppendUint32(c.bytes, overflow)
	}
	c.bytes = binary.LittleEndian.AppendUint64(c.bytes, dateTime(of.at))
	c.bytes = binary.LittleEndian.AppendUint64(c.bytes, dateTime(of.at))
}

// Encode is called by gopcua's codec.
func (c *changes) Encode() ([]byte, error) {
	body := binary.LittleEndian.AppendUint32(make([]byte, 0, len(c.bytes)+8), c.count)
	body = append(body, c.bytes...)
	// No diagnostics: an array of length -1.
	return binary.LittleEndian.AppendUint32(body, math.MaxUint32), nil
}

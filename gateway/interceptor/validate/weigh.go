// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"errors"
	"math"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/prune"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of what checking one message may take, whatever a client sends (threats E1 and E4).
const (
	// maxWeight is how much memory a message may take that is built to be checked, in bytes.
	maxWeight = 64 << 20
	// maxSteps is how often the innermost of some loops may run.
	maxSteps = 10_000_000
	// manyElements is from how many on only the first violation of a rule is told.
	manyElements = 1000
)

// What messages take in memory when they are built, by measurement, roundly.
const (
	messageWeight = 512
	elementWeight = 64
)

// weigh returns how many elements lists and maps have in a message, all together; too many, or too much of what has to be built, is an error.
func weigh(d protoreflect.MessageDescriptor, data []byte, loops int) (int64, error) {
	if loops < 2 && len(data) <= manyElements {
		return 0, nil // an element has a byte at least
	}
	w := &scale{}
	if err := w.add(d, data, 1); err != nil {
		return 0, err
	}
	if loops > 1 && math.Pow(float64(w.elements), float64(loops)) > maxSteps {
		return 0, tooLarge("it has so many elements that its rules cannot be evaluated")
	}
	return w.elements, nil
}

// scale weighs one message.
type scale struct{ weight, elements int64 }

var errNoMessage = errors.New("the bytes are no protobuf")

// add weighs a message. What its type does not have is read past.
func (w *scale) add(d protoreflect.MessageDescriptor, data []byte, depth int) error {
	if depth > prune.MaxDepth {
		return malformed(errors.New("messages lie in each other too deep"))
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return malformed(errNoMessage)
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(number, kind, data)
		if size < 0 {
			return malformed(errNoMessage)
		}
		value := data[:size]
		data = data[size:]
		fd := d.Fields().ByNumber(number)
		if fd == nil {
			continue
		}
		if err := w.field(fd, kind, value, depth); err != nil {
			return err
		}
		if w.weight > maxWeight {
			return tooLarge("it has so many parts that it cannot be checked")
		}
	}
	return nil
}

// field weighs the value of a field.
func (w *scale) field(fd protoreflect.FieldDescriptor, kind protowire.Type, value []byte, depth int) error {
	inner := value
	switch kind {
	case protowire.BytesType:
		inner, _ = protowire.ConsumeBytes(value)
	case protowire.StartGroupType:
		inner, _ = protowire.ConsumeGroup(fd.Number(), value)
	default:
	}
	if fd.Cardinality() == protoreflect.Repeated {
		n := int64(1)
		if kind == protowire.BytesType && packable(fd.Kind()) {
			n = packed(fd.Kind(), inner)
		}
		w.elements += n
		w.weight += n * elementWeight
	}
	if fd.Message() == nil {
		w.weight += int64(len(inner))
		return nil
	}
	if kind != protowire.BytesType && kind != protowire.StartGroupType {
		return nil
	}
	w.weight += messageWeight
	return w.add(fd.Message(), inner, depth+1)
}

// packable tells whether elements of a kind can stand behind one tag.
func packable(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	default:
		return true
	}
}

// packed returns how many elements stand behind one tag.
func packed(k protoreflect.Kind, data []byte) int64 {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return int64(len(data) / 4)
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return int64(len(data) / 8)
	default:
	}
	n := int64(0)
	for _, b := range data {
		if b < 0x80 {
			n++
		}
	}
	return n
}

// tooLarge is for messages that would cost too much to check.
func tooLarge(what string) error {
	return status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "the message of the request is too large: %s", what)
}

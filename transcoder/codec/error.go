// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"strconv"
	"unicode/utf8"
)

// Kind says what is wrong with the input. The set may grow; an unknown kind is to be treated as [KindValue].
type Kind uint8

const (
	// KindSyntax is text that is not JSON, or more than one JSON value.
	KindSyntax Kind = iota + 1
	// KindUnknownField is a JSON member that names no field.
	KindUnknownField
	// KindType is a value of the wrong JSON type for its field.
	KindType
	// KindRange is a number or time outside what its field can hold.
	KindRange
	// KindEnum is a name or number that the enum does not have.
	KindEnum
	// KindBase64 is text of a bytes field that is not base64.
	KindBase64
	// KindValue is any other text that is not a value of its field: a timestamp, a duration, a field mask, a map key.
	KindValue
	// KindDuplicate is a field, a map key or a member of a oneof that is given twice.
	KindDuplicate
	// KindDepth is nesting beyond Config.MaxDepth.
	KindDepth
	// KindUTF8 is text that is not UTF-8, including lone surrogates.
	KindUTF8
	// KindAnyType is an Any whose type is missing or not in the schema.
	KindAnyType
	// KindWire is bytes that are not a message of their type.
	KindWire
	// KindUnsupported is a conversion that does not exist, such as the text form of a message.
	KindUnsupported
	// KindSchema is a message type that cannot be converted at all, such as a proto1 message set.
	KindSchema
)

var kindNames = [...]string{
	"", "syntax", "unknown field", "type", "range", "enum", "base64", "value", "duplicate", "depth", "utf-8",
	"any type", "wire", "unsupported", "schema",
}

// String gives the kind in one or two words, for logs and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) && k != 0 {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Error is what every method of this package returns when the input is at fault. The message is fit for a client: it
// shows the expected type and the value, cut to a limit, and no text of the host language.
type Error struct {
	// Kind says what is wrong.
	Kind Kind
	// Path is where, in JSON names from the message that was converted: "book.tags[3]", "labels[\"a\"]". Empty for the whole.
	Path string
	// Offset is the byte of the input at which the fault lies; -1 when that is not known.
	Offset int
	// Wire tells that the protobuf bytes are at fault, which is to say the backend, and not the JSON or text of a client.
	Wire bool
	// Message says what is wrong without the path.
	Message string
}

// Error gives the path, if there is one, and the message.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// maxShown is how many bytes of a value an error message shows.
const maxShown = 64

// show quotes a value for a message, cut to a limit.
func show(v []byte) string {
	if len(v) <= maxShown {
		return strconv.Quote(string(v))
	}
	n := maxShown
	for n > maxShown-utf8.UTFMax && !utf8.RuneStart(v[n]) {
		n--
	}
	return strconv.Quote(string(v[:n])) + "…"
}

// joinPath puts a step in front of a path.
func joinPath(step, path string) string {
	if path == "" || path[0] == '[' {
		return step + path
	}
	return step + "." + path
}

func errTooLong(wire bool) *Error {
	return &Error{Kind: KindRange, Offset: -1, Wire: wire, Message: "the input is longer than " + strconv.Itoa(maxInput) + " bytes"}
}

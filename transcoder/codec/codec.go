// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Types finds message types, for google.protobuf.Any, and extensions in one schema; *dynamicpb.Types is one. It must
// be safe for concurrent use, and its answers must not change.
type Types interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// DefaultMaxDepth is how deeply messages may be nested if Config does not say: where the C++ and Java runtimes stop too.
const DefaultMaxDepth = 100

const maxMaxDepth = 10_000

// Config configures a Codec. The zero value is useful.
type Config struct {
	// MaxDepth is how deeply messages may be nested, in JSON and on the wire, counted as on the wire: the outermost
	// message is 1, and each message, map entry and Any below it one more. 0 means DefaultMaxDepth; the most is 10,000.
	MaxDepth int
}

// Codec converts the messages of one schema. It is safe for concurrent use.
type Codec struct {
	types    Types
	maxDepth int

	messages sync.Map                            // protoreflect.MessageDescriptor → *Message
	anys     atomic.Pointer[map[string]*Message] // those met in an Any, by full name; replaced under mu

	mu    sync.Mutex
	enums map[protoreflect.EnumDescriptor]*enumTable // guarded by mu
}

// New gives a codec for the schema that types describes.
func New(types Types, cfg Config) (*Codec, error) {
	if types == nil {
		return nil, errors.New("codec: types is nil")
	}
	if cfg.MaxDepth == 0 {
		cfg.MaxDepth = DefaultMaxDepth
	}
	if cfg.MaxDepth < 1 || cfg.MaxDepth > maxMaxDepth {
		return nil, fmt.Errorf("codec: max depth is %d; it must be between 1 and %d", cfg.MaxDepth, maxMaxDepth)
	}
	c := &Codec{types: types, maxDepth: cfg.MaxDepth, enums: map[protoreflect.EnumDescriptor]*enumTable{}}
	c.anys.Store(&map[string]*Message{})
	return c, nil
}

// Message gives the converter of a message type. It compiles the type, and all that it can reach, on first use; what
// cannot be compiled is told by Message.Err and by every use.
func (c *Codec) Message(md protoreflect.MessageDescriptor) *Message {
	if m := c.known(md); m != nil {
		return m
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.compileLocked(md)
}

// known gives the table of a message if there is one yet.
func (c *Codec) known(md protoreflect.MessageDescriptor) *Message {
	v, _ := c.messages.Load(md)
	m, _ := v.(*Message)
	return m
}

// ByURL gives the converter of the message that the type URL of an Any names, in the schema or among the well-known types; nil if
// there is none.
func (c *Codec) ByURL(url string) *Message { return c.byURL([]byte(url)) }

// byURL gives the message that the type URL of an Any names: in the schema or, failing that, a well-known type. Only
// the part after the last slash counts, and nothing is fetched. It gives nil if there is none.
func (c *Codec) byURL(url []byte) *Message {
	name := url[bytes.LastIndexByte(url, '/')+1:]
	if m := (*c.anys.Load())[string(name)]; m != nil {
		return m
	}
	return c.findAny(protoreflect.FullName(name))
}

func (c *Codec) findAny(name protoreflect.FullName) *Message {
	md := builtin(name)
	if mt, err := c.types.FindMessageByName(name); err == nil {
		md = mt.Descriptor()
	}
	if md == nil {
		return nil
	}
	m := c.Message(md)
	c.mu.Lock()
	defer c.mu.Unlock()
	next := maps.Clone(*c.anys.Load())
	next[string(name)] = m
	c.anys.Store(&next)
	return m
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/prune"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Redacted stands in the place of the value of a header field that may be secret.
const Redacted = "(redacted)"

// Bounds of what is kept of header fields.
const (
	maxFields = 100
	maxValue  = 1 << 10
)

// credentials are header fields of which only the name is ever kept: those by which clients show who they are, in requests and in answers. A token
// of a WebSocket comes in sec-websocket-protocol.
var credentials = []string{
	"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-dragoman-debug", "x-dragoman-admin-token", "sec-websocket-protocol", "x-csrf-token", "x-xsrf-token",
	"x-amz-security-token", "x-goog-iap-jwt-assertion", "x-forwarded-client-cert",
}

// secrets says what may not be kept.
type secrets struct {
	headers map[string]bool
	names   map[string]bool                // of fields of messages, as in the .proto file or in JSON
	full    map[protoreflect.FullName]bool // of fields of messages

	mu      sync.Mutex
	pruners map[*schema.Schema]*prune.Pruner // guarded by mu
}

func newSecrets(fields, more []string) *secrets {
	s := &secrets{headers: map[string]bool{}, names: map[string]bool{}, full: map[protoreflect.FullName]bool{}, pruners: map[*schema.Schema]*prune.Pruner{}}
	for _, list := range [][]string{credentials, more} {
		for _, name := range list {
			s.headers[strings.ToLower(name)] = true
		}
	}
	for _, name := range fields {
		if full, ok := strings.CutPrefix(name, "."); ok {
			s.full[protoreflect.FullName(full)] = true
			continue
		}
		name = strings.TrimPrefix(name, "*.")
		s.names[name], s.headers[strings.ToLower(name)] = true, true
	}
	return s
}

// fields returns a copy of header fields without what is secret, and not more of them than is kept.
func (s *secrets) fields(of wire.Header) wire.Header {
	own := make(wire.Header, 0, min(len(of), maxFields))
	for i := range of[:min(len(of), maxFields)] {
		name, value := strings.Clone(of[i].Name), of[i].Value // they may be parts of a whole head
		switch {
		case s.headers[strings.ToLower(name)]:
			value = Redacted
		case len(value) > maxValue:
			value = value[:maxValue] + "…"
		default:
			value = strings.Clone(value)
		}
		own.Add(name, value)
	}
	return own
}

// maxSchemas is how many schemas are remembered: those of the snapshots that calls under way have.
const maxSchemas = 16

// plan returns what is taken out of messages of a type; nil for nothing.
func (s *secrets) plan(of *schema.Schema, d protoreflect.MessageDescriptor) *prune.Plan {
	s.mu.Lock()
	p := s.pruners[of]
	if p == nil {
		if len(s.pruners) >= maxSchemas {
			clear(s.pruners)
		}
		p = prune.New(prune.Config{Drop: s.drop, Types: of.Types()})
		s.pruners[of] = p
	}
	s.mu.Unlock()
	return p.Plan(d)
}

// drop tells whether a field may not be kept.
func (s *secrets) drop(fd protoreflect.FieldDescriptor) bool {
	if s.names[string(fd.Name())] || s.names[fd.JSONName()] || s.full[fd.FullName()] {
		return true
	}
	o, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && o.GetDebugRedact()
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// switchCode is the code of switches that cannot be followed.
const switchCode = "DG2103"

// off is in the place of the backend of methods that are switched off.
type off struct{ note string }

// Forward refuses a call.
func (o off) Forward(*transcoder.Call, transcoder.Stream) error {
	message := "the API is switched off"
	if o.note != "" {
		message += ": " + o.note
	}
	return status.Errorf(codes.Unavailable, status.ReasonSwitchedOff, "%s", message)
}

// Ready tells that it cannot be called.
func (off) Ready() bool { return false }

// Changes returns nothing: what is switched on is in another snapshot.
func (off) Changes() []<-chan struct{} { return nil }

// Traffic returns where the calls of a method go: where operators have switched them, or else where the configuration says. It is safe for concurrent
// use.
func (a *Assembly) Traffic(service, method string) (to config.Traffic, isOff, ok bool) {
	to, ok = a.config.TrafficFor(service, method)
	s, switched := a.parts.Switches.For(service, method)
	switch {
	case !switched:
	case s.Off:
		return to, true, ok
	case a.backends[s.Backend] != nil:
		to = config.Traffic{Path: "switch " + s.Match}
		to.Config = split.Config{Backend: s.Backend}
		return to, false, true
	}
	return to, false, ok
}

// lostSwitches tells of switches to backends that the configuration does not have any more: the configuration counts then.
func (a *Assembly) lostSwitches() []schema.Diagnostic {
	var all []schema.Diagnostic
	for _, s := range a.parts.Switches.List() {
		if s.Backend != "" && a.backends[s.Backend] == nil {
			all = append(all, schema.Diagnostic{
				Level: schema.Warning, Code: switchCode, Message: fmt.Sprintf("calls of %s were switched to backend %q, which is not there any more: they go where the configuration says", s.Match, s.Backend),
				Help: []string{"take the switch away, or switch the calls to a backend that is there"},
			})
		}
	}
	return all
}

// offBy returns what is in the place of the backend of a method that is switched off.
func (a *Assembly) offBy(m *transcoder.Method) off {
	s, _ := a.parts.Switches.For(m.Service, m.Name)
	return off{note: s.Note}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Fields of the trace that a call belongs to.
//
// https://www.w3.org/TR/2021/REC-trace-context-1-20211123/
// https://www.w3.org/TR/2022/CRD-baggage-20220929/
const (
	traceParent = "traceparent"
	traceState  = "tracestate"
	baggage     = "baggage"
)

// Bounds of what is passed on.
const (
	maxTraceState   = 512     // bytes; what is behind is cut off, by whole members
	maxStateMembers = 32      // of a tracestate
	maxStateKey     = 256     // bytes
	maxStateValue   = 256     // bytes
	maxBaggage      = 8 << 10 // bytes
)

// traceOf returns the id of the trace that a request says it belongs to, or "" where it says none, or nothing that can be understood.
func traceOf(h wire.Header) string {
	if h.Count(traceParent) != 1 {
		return ""
	}
	v := h.Get(traceParent)
	const (
		size         = 55 // of "00-" + trace + "-" + parent + "-" + flags
		traceEnd     = 35
		parentEnd    = 52
		versionEnd   = 2
		traceBegin   = versionEnd + 1
		parentBegin  = traceEnd + 1
		flagsBegin   = parentEnd + 1
		noVersion    = "ff"
		firstVersion = "00"
	)
	if len(v) < size || v[versionEnd] != '-' || v[traceEnd] != '-' || v[parentEnd] != '-' {
		return ""
	}
	version, trace, parent := v[:versionEnd], v[traceBegin:traceEnd], v[parentBegin:parentEnd]
	switch {
	case !isHex(version) || !isHex(trace) || !isHex(parent) || !isHex(v[flagsBegin:size]):
		return ""
	case version == noVersion, version == firstVersion && len(v) > size, len(v) > size && v[size] != '-': // later versions may say more
		return ""
	case strings.Trim(trace, "0") == "", strings.Trim(parent, "0") == "":
		return ""
	}
	return trace
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// passTrace leaves of the trace context in a call's metadata what a backend can trust to be well formed (T216, threat I8). Where traces are
// kept, the call is the parent of what the backend does (decision 21). Where they are not, none is made: a gateway that records no spans
// would decide for all behind it whether the trace is sampled, and be a parent that nobody finds (decision 14).
func passTrace(c *transcoder.Call) {
	parent, state, bag := said(c.Metadata)
	ours := c.Trace.Kept()
	switch {
	case ours && c.Trace.Parent == [8]byte{}, !ours && c.TraceID == "":
		if parent {
			c.Metadata.Del(traceParent)
		}
		if state {
			c.Metadata.Del(traceState)
		}
	case state:
		if state := stateOf(joined(c.Metadata, traceState)); state != "" {
			c.Metadata.Set(traceState, state)
		} else {
			c.Metadata.Del(traceState)
		}
	}
	if ours {
		c.Metadata.Set(traceParent, c.Trace.Text)
	}
	if bag && (!trusted(c.Request, c.Request.Remote.Addr().Unmap()) || len(joined(c.Metadata, baggage)) > maxBaggage) {
		c.Metadata.Del(baggage) // what a client says there, services believe as if one of them had
	}
}

// said tells which fields of a trace there are. Most calls have none, and looking for them is what all calls pay.
func said(h wire.Header) (parent, state, bag bool) {
	for i := range h {
		switch h[i].Name {
		case traceParent:
			parent = true
		case traceState:
			state = true
		case baggage:
			bag = true
		}
	}
	return parent, state, bag
}

// stateOf returns a tracestate without empty members and cut to its bounds, or "" for one that is not well formed.
func stateOf(list string) string {
	var members, keys []string
	size := 0
	for member := range strings.SplitSeq(list, ",") {
		member = strings.Trim(member, " \t")
		if member == "" {
			continue
		}
		key, value, ok := strings.Cut(member, "=")
		if !ok || !isStateKey(key) || !isStateValue(value) || slices.Contains(keys, key) || len(keys) == maxStateMembers {
			return ""
		}
		keys = append(keys, key)
		if size += len(member) + 1; size <= maxTraceState+1 {
			members = append(members, member)
		}
	}
	return strings.Join(members, ",")
}

func isStateKey(key string) bool {
	name, system, tenant := strings.Cut(key, "@")
	if len(key) > maxStateKey || name == "" || (tenant && (system == "" || system[0] < 'a' || system[0] > 'z')) {
		return false
	}
	if first := name[0]; (first < 'a' || first > 'z') && (!tenant || first < '0' || first > '9') {
		return false
	}
	for _, part := range []string{name, system} {
		for i := range len(part) {
			if c := part[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("_-*/", c) < 0 {
				return false
			}
		}
	}
	return true
}

func isStateValue(value string) bool {
	if value == "" || len(value) > maxStateValue || strings.HasSuffix(value, " ") {
		return false
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '=' { // no comma is left
			return false
		}
	}
	return true
}

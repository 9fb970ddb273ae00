// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"strconv"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// MaxStops is how many stops of a call are kept; a chain with more stages loses the last ones.
const MaxStops = 8

// Names of the stops that are no stages of a chain.
const (
	// StopMatch is finding out what is called.
	StopMatch = "match"
	// StopBackend is the backend's part, all attempts together.
	StopBackend = "backend"
)

// Stop is one of the places that a call comes by.
type Stop struct {
	// Name says which: StopMatch, StopBackend or a stage of the chain.
	Name string
	// Offset is when it came there, from the beginning of the call, and Took how long it stayed.
	Offset, Took time.Duration
}

// Elapsed is how long the call has gone on.
func (c *Call) Elapsed() time.Duration { return time.Since(c.Start) }

// Stopped keeps that the call has been at a stop since a time that Elapsed returned, and returns the time now. The goroutine that serves the
// call calls it.
func (c *Call) Stopped(name string, since time.Duration) time.Duration {
	now := c.Elapsed()
	if c.stopCount < MaxStops {
		c.stops[c.stopCount] = Stop{Name: name, Offset: since, Took: now - since}
		c.stopCount++
	}
	return now
}

// Stops returns the stops so far, in the order in which they ended. They are the call's.
func (c *Call) Stops() []Stop { return c.stops[:c.stopCount] }

// appendTimes appends where the time of a call went so far, and the id under which it is kept.
//
// https://www.w3.org/TR/2023/WD-server-timing-20230411/
func appendTimes(dst wire.Header, c *Call) wire.Header {
	var text []byte
	for i, s := range c.Stops() {
		if i > 0 {
			text = append(text, ", "...)
		}
		for j := range len(s.Name) {
			if s.Name[j] == ' ' { // names are tokens there
				text = append(text, '-')
			} else {
				text = append(text, s.Name[j])
			}
		}
		text = append(text, ";dur="...)
		text = strconv.AppendFloat(text, float64(s.Took.Microseconds())/1000, 'f', 3, 64)
	}
	if len(text) > 0 {
		dst.Add("server-timing", string(text))
	}
	dst.Add("x-dragoman-explain", c.RequestID)
	return dst
}

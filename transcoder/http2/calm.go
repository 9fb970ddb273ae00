// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"time"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// What a client may do that costs it next to nothing, and us something. Each is an allowance that is used up and comes back.
const (
	// resetBurst and resetRate are how many requests may be taken back before they were answered, or be made so that they are refused: at once, and
	// each second (threats D2, D3). A request that is answered gives one back.
	resetBurst, resetRate = 200, 33
	// idleBurst and idleRate are the same of frames that bring nothing: PING, SETTINGS, PRIORITY, empty and unknown ones (threat D5). A frame that brings
	// something, in whatever direction, gives back some: clients send PING and WINDOW_UPDATE for what comes, the latter for each few kilobytes.
	idleBurst, idleRate = 1000, 100
	idleBack            = 2
	idleBytes           = 1 << 10
	// idleMost is how much may be given back: a client that has taken nothing for a while grants its whole window at once.
	idleMost = 16 << 10
)

// calm counts what a client may still do.
type calm struct {
	resets, idle allowance
}

func newCalm(now time.Time) calm {
	return calm{
		resets: allowance{left: resetBurst, burst: resetBurst, most: resetBurst, rate: resetRate, at: now},
		idle:   allowance{left: idleBurst, burst: idleBurst, most: idleMost, rate: idleRate, at: now},
	}
}

type allowance struct {
	left  float64
	burst float64   // up to which it comes back by itself
	most  float64   // up to which it is given back
	rate  float64   // for each second
	at    time.Time // when left was right
}

// use takes one; it reports whether there was one.
func (a *allowance) use() bool {
	now := time.Now()
	a.left = max(a.left, min(a.burst, a.left+now.Sub(a.at).Seconds()*a.rate))
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// back gives some back.
func (a *allowance) back(n float64) { a.left = min(a.most, a.left+n) }

// nothing counts a frame that brings nothing. The caller holds mu.
func (c *Conn) nothing() error {
	if !c.calm.idle.use() {
		return &connError{frames.EnhanceYourCalm, "too many frames that bring nothing"}
	}
	return nil
}

// something counts one that does, with so many bytes. The caller holds mu.
func (c *Conn) something(n int) { c.calm.idle.back(idleBack + float64(n)/idleBytes) }

// takenBack counts a request that comes to nothing. The caller holds mu.
func (c *Conn) takenBack() error {
	if !c.calm.resets.use() {
		return &connError{frames.EnhanceYourCalm, "too many requests that come to nothing"}
	}
	return nil
}

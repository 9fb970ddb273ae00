// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// share is a backend with a weight.
type share struct {
	to     Backend
	label  string
	weight uint64
	seed   uint64 // a hash of the backend's name
}

// shares are the backends with a weight, and the sum of the weights.
type shares struct {
	list []share
	sum  uint64
}

func (s *shares) add(one share) {
	s.list = append(s.list, one)
	s.sum += one.weight
}

// choose returns the share of a call; nil where there are none.
func (s *shares) choose(c *transcoder.Call, key *Key) *share {
	if len(s.list) == 0 {
		return nil
	}
	if hash, ok := key.hash(c); ok {
		return s.of(hash)
	}
	n := rand.Uint64N(s.sum) //nolint:gosec // it shares out calls, and guards nothing
	for i := range s.list {
		if n < s.list[i].weight {
			return &s.list[i]
		}
		n -= s.list[i].weight
	}
	return nil // the sum is that of the list
}

// of returns the share of a key: weighted rendezvous hashing. Every share draws, from the key and its backend's name alone, how long the
// key would wait for it, by an exponential distribution whose rate is the weight, and the shortest wait wins. So a share is chosen
// in proportion to its weight; a weight that grows draws keys to its backend and moves none between the others; and neither
// their order nor the scale of the weights matters.
func (s *shares) of(key uint64) *share {
	var best *share
	shortest := math.Inf(1)
	for i := range s.list {
		one := &s.list[i]
		if one.weight == 0 {
			continue
		}
		const steps = 1 << 53 // as many as a float64 tells apart between 0 and 1
		uniform := (float64(mix(key^one.seed)>>11) + 0.5) / steps
		if wait := -math.Log(uniform) / float64(one.weight); wait < shortest {
			best, shortest = one, wait
		}
	}
	return best
}

// hash returns the hash of a call's key; false where the call has none.
func (k *Key) hash(c *transcoder.Call) (uint64, bool) {
	value := ""
	switch {
	case k.ClientAddress:
		if !c.Client.IsValid() {
			return 0, false
		}
		address := c.Client.As16()
		h := fnvOffset
		for _, b := range address {
			h = (h ^ uint64(b)) * fnvPrime
		}
		return mix(h), true
	case k.Header != "":
		value = c.Request.Header.Get(k.Header)
	case k.Cookie != "":
		value = cookie(c.Request.Header, k.Cookie)
	}
	return hashOf(value), value != ""
}

// cookie returns the value of a cookie; "" without one. HTTP/2 lets clients send one field for each cookie.
//
// https://www.rfc-editor.org/rfc/rfc6265#section-4.2.1
func cookie(h wire.Header, name string) string {
	for i := range h {
		if h[i].Name != "cookie" {
			continue
		}
		for pair := range strings.SplitSeq(h[i].Value, ";") {
			if value, ok := strings.CutPrefix(strings.TrimLeft(pair, " "), name); ok && strings.HasPrefix(value, "=") {
				return strings.TrimRight(value[1:], " ")
			}
		}
	}
	return ""
}

// The parameters of FNV-1a of 64 bits.
const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

// hashOf returns a hash that is the same in every process, so that a client stays on its side whichever gateway it comes by.
func hashOf(s string) uint64 {
	h := fnvOffset
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mix(h)
}

// mix spreads what differs in a few bits over all of them, as the end of SplitMix64 does.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

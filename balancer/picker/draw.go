// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "math/bits"

// mix returns x with its bits mixed: from one random number another, or from a hash a better one.
// The steps are those of the generator SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n-1 out of random bits, without the bias or the cost of a
// remainder.
func below(random uint64, n int) int {
	hi, _ := bits.Mul64(random, uint64(n))
	return int(hi)
}

// fraction returns a number from 0 to just under 1 out of random bits.
func fraction(random uint64) float64 { return float64(random>>11) / (1 << 53) }

// strider gives orders in which to visit some of n positions, each position at most once.
type strider struct {
	n, modulus int
}

// newStrider returns a strider over n positions.
func newStrider(n int) strider {
	m := max(n, 2)
	for !prime(m) {
		m++
	}
	return strider{n: n, modulus: m}
}

func prime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

// walk is one order. It needs no memory of where it was: with a prime as the modulus every step
// leads through all positions before it returns.
type walk struct {
	at, step, n, modulus int
}

// walk begins an order at a random position; it yields up to n positions, all different.
func (s strider) walk(random uint64) walk {
	return walk{
		at:   below(random, s.n),
		step: 1 + below(mix(random), s.modulus-1),
		n:    s.n, modulus: s.modulus,
	}
}

// next returns the next position.
func (w *walk) next() int {
	i := w.at
	for {
		w.at += w.step
		if w.at >= w.modulus {
			w.at -= w.modulus
		}
		if w.at < w.n {
			return i
		}
	}
}

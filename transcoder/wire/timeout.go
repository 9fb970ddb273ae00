// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxTimeoutDigits is what the gRPC and Connect specifications allow: 8 digits in
// grpc-timeout, 10 in Connect-Timeout-Ms.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#requests, "TimeoutValue";
// https://connectrpc.com/docs/protocol#unary-request, "Timeout-Milliseconds".
const (
	maxTimeoutDigits        = 8
	maxConnectTimeoutDigits = 10
)

// maxDuration is where durations saturate: a timeout too long for a
// time.Duration is as good as the longest one (threat E17).
const maxDuration = time.Duration(1<<63 - 1)

// ParseGRPCTimeout reads a grpc-timeout: 1 to 8 digits and a unit of H, M, S,
// m, u or n. What overflows is the longest duration (T173).
func ParseGRPCTimeout(s string) (time.Duration, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("grpc-timeout %q: it must be 1 to 8 digits and a unit of H, M, S, m, u or n", clip(s))
	}
	unit, known := grpcTimeoutUnit(s[len(s)-1])
	n, ok := digits(s[:len(s)-1], maxTimeoutDigits)
	if !known || !ok {
		return 0, fmt.Errorf("grpc-timeout %q: it must be 1 to 8 digits and a unit of H, M, S, m, u or n", clip(s))
	}
	return saturate(n, unit), nil
}

func grpcTimeoutUnit(c byte) (time.Duration, bool) {
	switch c {
	case 'H':
		return time.Hour, true
	case 'M':
		return time.Minute, true
	case 'S':
		return time.Second, true
	case 'm':
		return time.Millisecond, true
	case 'u':
		return time.Microsecond, true
	case 'n':
		return time.Nanosecond, true
	default:
		return 0, false
	}
}

// ParseConnectTimeout reads a Connect-Timeout-Ms: 1 to 10 digits of milliseconds (T173).
func ParseConnectTimeout(s string) (time.Duration, error) {
	n, ok := digits(s, maxConnectTimeoutDigits)
	if !ok {
		return 0, fmt.Errorf("connect-timeout-ms %q: it must be 1 to 10 digits", clip(s))
	}
	return saturate(n, time.Millisecond), nil
}

// ParseServerTimeout reads an X-Server-Timeout: decimal seconds, digits with at most one
// point. Signs, exponents, NaN and infinities are refused (T173).
func ParseServerTimeout(s string) (time.Duration, error) {
	whole, fraction, point := strings.Cut(s, ".")
	secs, ok := digits(whole, maxConnectTimeoutDigits)
	if !ok || (point && (fraction == "" || len(fraction) > 9 || !allDigits(fraction))) {
		return 0, fmt.Errorf("x-server-timeout %q: it must be decimal seconds, such as 1.5", clip(s))
	}
	d := saturate(secs, time.Second)
	if point {
		nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64) // nine digits: checked above
		d += time.Duration(nanos)
		if d < 0 {
			d = maxDuration
		}
	}
	return d, nil
}

// clientTimeouts are the fields in which a client may say how long it waits (T173).
var clientTimeouts = [...]struct {
	name  string
	parse func(string) (time.Duration, error)
}{
	{"grpc-timeout", ParseGRPCTimeout},
	{"connect-timeout-ms", ParseConnectTimeout},
	{"x-server-timeout", ParseServerTimeout},
}

// ClientTimeout returns how long a client waits whose protocol has no field of its own for it: the smallest of what the fields of its request
// say (T174); has is false where none does.
func ClientTimeout(h Header) (timeout time.Duration, has bool, err error) {
	for i := range clientTimeouts {
		t := &clientTimeouts[i]
		v := h.Get(t.name)
		if v == "" {
			continue
		}
		d, err := t.parse(v)
		if err != nil {
			return 0, false, err
		}
		if !has || d < timeout {
			timeout, has = d, true
		}
	}
	return timeout, has, nil
}

// AppendGRPCTimeout appends d in the form of grpc-timeout with at most 8
// digits. It rounds down, so that it never says more than what is left, but a
// d above zero is never written as zero (T175).
func AppendGRPCTimeout(dst []byte, d time.Duration) []byte {
	const limit = 100_000_000 // 8 digits
	if d <= 0 {
		return append(dst, '0', 'n')
	}
	for _, u := range [...]struct {
		unit time.Duration
		c    byte
	}{{1, 'n'}, {time.Microsecond, 'u'}, {time.Millisecond, 'm'}, {time.Second, 'S'}, {time.Minute, 'M'}} {
		if n := int64(d / u.unit); n < limit {
			return append(strconv.AppendInt(dst, n, 10), u.c)
		}
	}
	return append(strconv.AppendInt(dst, int64(d/time.Hour), 10), 'H')
}

// digits reads 1 to limit decimal digits and nothing else.
func digits(s string, limit int) (int64, bool) {
	if s == "" || len(s) > limit || !allDigits(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func saturate(n int64, unit time.Duration) time.Duration {
	if n > int64(maxDuration/unit) {
		return maxDuration
	}
	return time.Duration(n) * unit
}

// clip cuts a client's value for a message.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package head

import (
	"net/http"
	"sync/atomic"
	"time"
)

// now is the date of answers, which changes once a second.
var now atomic.Pointer[dated] //nolint:gochecknoglobals // all connections have the same

type dated struct {
	second int64
	text   string
}

// Date returns the value of the field date.
func Date() string {
	t := time.Now()
	if d := now.Load(); d != nil && d.second == t.Unix() {
		return d.text
	}
	d := &dated{t.Unix(), t.UTC().Format(http.TimeFormat)}
	now.Store(d)
	return d.text
}

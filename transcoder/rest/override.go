// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net/http"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// overrideField is where clients that can send no other method than POST say which one they mean.
const overrideField = "x-http-method-override"

// override makes the call one with the method that a POST asks for (T46). It comes before the route is looked for, so that nothing ever
// sees two methods: policies, logs and the backend know the call by the new one, and the field is gone. What cannot be
// meant is refused; a form is never an override, nor is a parameter.
func override(c *transcoder.Call) error {
	r := c.Request
	n := r.Header.Count(overrideField)
	if n == 0 {
		return nil
	}
	method := r.Header.Get(overrideField)
	switch {
	case n > 1:
		return overrideError("it is given more than once")
	case r.Method != http.MethodPost:
		return overrideError("only a POST may have it")
	case method != http.MethodPut && method != http.MethodPatch && method != http.MethodDelete:
		return overrideError("it may be PUT, PATCH or DELETE")
	}
	overridden := *r // the head as it came belongs to the exchange
	overridden.Method = method
	overridden.Header = slices.Clone(r.Header)
	overridden.Header.Del(overrideField)
	c.Request = &overridden
	return nil
}

func overrideError(what string) error {
	return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "header %q: %s", overrideField, what)
}

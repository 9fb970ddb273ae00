// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"slices"
	"strings"
)

// call is a request that is sent to both, and what is expected to differ.
type call struct {
	request
	// flips are the statements to which strict answers otherwise than the profile, in this call.
	flips []int
	// plain is the same request in a form that grpc-gateway understands, where it does not understand this one; plainSeen is what
	// it made of that.
	plain     *request
	plainSeen *observed
	// except are the exceptions that this call needs, each of them, beside those that are for all calls.
	except []exception
	// method is what must reach our backend, by its last name, and message the one message of that call, as text. They say what is
	// right where an exception replaces what grpc-gateway did.
	method  string
	message *string
}

// option is what a call has beside its request.
type option interface{ apply(c *call) }

// T is a statement to which strict answers otherwise than the profile.
type T int

func (n T) apply(c *call) { c.flips = append(c.flips, int(n)) }

// field is a header field, "name: value".
type field string

func (f field) apply(c *call) { c.fields = append(c.fields, string(f)) }

// plainly is the request in a form that grpc-gateway understands.
type plainly [2]string

func (p plainly) apply(c *call) {
	verb, target, _ := strings.Cut(p[0], " ")
	c.plain = &request{verb: verb, target: target, body: p[1]}
}

// reaches is the method that must reach our backend.
type reaches string

func (m reaches) apply(c *call) { c.method = string(m) }

// sends is the message, as text, that must reach our backend.
type sends string

func (m sends) apply(c *call) { c.message = (*string)(&m) }

func (e exception) apply(c *call) { c.except = append(c.except, e) }

// do is the call of "VERB /target" with a body, "" for none.
func do(line, body string, options ...option) call {
	verb, target, _ := strings.Cut(line, " ")
	c := call{request: request{verb: verb, target: target, body: body}}
	for _, o := range options {
		o.apply(&c)
	}
	return c
}

// calls returns all calls.
func calls() []call {
	return slices.Concat(
		bindingCalls(), escapeCalls(), scalarCalls(), queryCalls(), bodyCalls(), fieldMaskCalls(), jsonCalls(), answerCalls(), errorCalls(),
		streamCalls(), metadataCalls(), bookstoreCalls(),
	)
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// stricter is the exception of a call that Dragoman refuses with this status, and that grpc-gateway passes on or fails to.
func stricter(name string, status int, reason string) exception {
	return exception{name: name, reason: reason, explain: func(_ *call, ours, theirs *observed) error {
		if ours.Status != status || len(ours.Calls) > 0 {
			return fmt.Errorf("dragoman answers %d after %d calls; want a refusal with %d", ours.Status, len(ours.Calls), status)
		}
		if err := isRefusal(ours); err != nil {
			return err
		}
		if theirs.Status == ours.Status && len(theirs.Calls) == 0 {
			return errors.New("grpc-gateway refuses it, too")
		}
		*theirs = *ours.clone()
		return nil
	}}
}

// broader is the exception of a call that Dragoman understands and grpc-gateway does not: the answer must be the one that
// grpc-gateway gives to its plain form, or the call says what must be sent.
func broader(name, reason string) exception {
	return exception{name: name, reason: reason, explain: func(c *call, ours, theirs *observed) error {
		if ours.Status != http.StatusOK || theirs.Status < http.StatusBadRequest {
			return fmt.Errorf("status %d and %d; want 200 and a refusal", ours.Status, theirs.Status)
		}
		switch {
		case c.plainSeen != nil:
			*theirs = *c.plainSeen.clone()
			return nil
		case c.message != nil:
			return another(c, ours, theirs)
		}
		return errors.New("the call has no plain form, and does not say what is right")
	}}
}

// otherwise is the exception of a call that both take and understand in different ways. The call says what is right.
func otherwise(name, reason string) exception {
	return exception{name: name, reason: reason, explain: func(c *call, ours, theirs *observed) error {
		if len(ours.Calls) == 0 {
			return errors.New("dragoman calls no backend")
		}
		return another(c, ours, theirs)
	}}
}

// another takes our answer for theirs where the call says what is right, and ours is.
func another(c *call, ours, theirs *observed) error {
	if c.method == "" && c.message == nil {
		return errors.New("the call does not say what is right")
	}
	if err := isRight(c, ours); err != nil {
		return err
	}
	*theirs = *ours.clone()
	return nil
}

// isRight checks the one call that our backend saw.
func isRight(c *call, ours *observed) error {
	if len(ours.Calls) != 1 || len(ours.Calls[0].Messages) != 1 {
		return fmt.Errorf("our backend saw %d calls; want one with one message", len(ours.Calls))
	}
	seen := ours.Calls[0]
	if c.method != "" && !strings.HasSuffix(seen.Method, "/"+c.method) {
		return fmt.Errorf("our backend saw %s; want %s", seen.Method, c.method)
	}
	if c.message == nil {
		return nil
	}
	want := seen.Messages[0].ProtoReflect().New().Interface()
	if err := prototext.Unmarshal([]byte(*c.message), want); err != nil {
		return err
	}
	if !proto.Equal(want, seen.Messages[0]) {
		return fmt.Errorf("our backend saw %v; want %v", seen.Messages[0], want)
	}
	return nil
}

// replacing is the exception of a difference in the answer alone: check tells whether it is the one that is meant, and ours is taken
// for theirs.
func replacing(name, reason string, check func(ours, theirs *observed) error) exception {
	return exception{name: name, reason: reason, explain: func(_ *call, ours, theirs *observed) error {
		if err := check(ours, theirs); err != nil {
			return err
		}
		theirs.Status, theirs.Values, theirs.Text, theirs.Cut = ours.Status, ours.Values, ours.Text, ours.Cut
		theirs.Header.Del("Content-Type")
		for _, v := range ours.Header["Content-Type"] {
			theirs.Header.Add("Content-Type", v)
		}
		return nil
	}}
}

// pick is the exception of a difference in one thing, which is taken out of both.
func pick(name, reason string, explain func(ours, theirs *observed) error) exception {
	return exception{name: name, reason: reason, explain: func(_ *call, ours, theirs *observed) error { return explain(ours, theirs) }}
}

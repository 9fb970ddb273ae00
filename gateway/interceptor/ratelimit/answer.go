// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Fields of answers that tell clients of limits.
//
// https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
const (
	policyField = "ratelimit-policy"
	limitField  = "ratelimit"
)

// busyRetry is when a client may try again that has too many calls under way: nobody knows when one of them ends.
const busyRetry = time.Second

// texts are what a rule says of itself, made once.
type texts struct {
	item    string // its name, as the fields of answers have it
	policy  string // its item of RateLimit-Policy; "" without a rate
	limited string // why a call is refused
	busy    string
}

func newTexts(r *rule) texts {
	t := texts{
		item: strconv.Quote(r.Name),
		busy: "the limit of " + strconv.FormatUint(uint64(r.MaxInFlight), 10) + " calls at a time is reached (" + r.Name + ")",
	}
	if r.Rate == (Rate{}) {
		return t
	}
	// The window is the time in which as many come as there are at most: that of the rate, or longer where more can be saved up.
	quota, window := int64(r.Rate.Count), int64(r.Rate.Per/time.Second)
	if burst := int64(r.burst()); burst > quota {
		quota, window = burst, seconds(time.Duration(r.bucket.capacity))
	}
	t.policy = t.item + ";q=" + strconv.FormatInt(quota, 10) + ";w=" + strconv.FormatInt(window, 10)
	what := "calls"
	if r.Messages {
		what = "messages"
	}
	t.limited = "the limit of " + strconv.FormatUint(uint64(r.Rate.Count), 10) + " " + what + " " + per(r.Rate.Per) + " is reached (" + r.Name + ")"
	return t
}

func per(d time.Duration) string {
	switch d {
	case time.Second:
		return "a second"
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	default:
		return "a day"
	}
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// announce adds to the answer what the client is to know of a rule.
func (v verdict) announce(c *transcoder.Call, r *rule) {
	if r.texts.policy == "" {
		return
	}
	reset := v.full
	if v.kind == limited {
		reset = v.wait
	}
	state := r.texts.item + ";r=" + strconv.FormatInt(max(v.left, 0), 10) + ";t=" + strconv.FormatInt(max(seconds(reset), 0), 10)
	add(c, policyField, r.texts.policy)
	add(c, limitField, state)
}

// add adds an item to a list of the answer.
func add(c *transcoder.Call, name, item string) {
	for i := range c.AnswerFields {
		if c.AnswerFields[i].Name == name {
			c.AnswerFields[i].Value += ", " + item
			return
		}
	}
	c.AnswerFields.Add(name, item)
}

// err is what a client is told that is refused.
func (v verdict) err(r *rule) error {
	e := &status.Error{Code: codes.ResourceExhausted, Reason: status.ReasonRateLimited, Message: r.texts.limited, RetryAfter: v.wait, Metadata: map[string]string{"rule": r.Name}}
	switch v.kind {
	case busy:
		e.Reason, e.Message, e.RetryAfter = status.ReasonTooManyInFlight, r.texts.busy, busyRetry
	case unavailable:
		return errUnavailable()
	case admitted, limited:
	}
	return e
}

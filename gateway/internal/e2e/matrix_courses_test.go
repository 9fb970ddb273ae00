// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	gatewaystatus "github.com/dragoman-gateway/dragoman/transcoder/status"
)

// course is a way in which a call can go: what its backend does, what its client does, and what must come of it.
type course struct {
	name string
	// packs says that compression matters to it, so that it is run in each.
	packs bool
	// together says that all calls of a version are made at once, and wait for each other.
	together bool
	// silent says that the backend says nothing before it stalls, also where it streams.
	silent  bool
	missing func(c *cell) string
	gateway func(th *theatre) *dragoman
	prepare func(c *cell)
	script  func(c *cell) func(*play, grpc.ServerStream) error
	client  func(c *cell, call clientCall)
}

// wanted is what the verdict on an answer must be.
type wanted struct {
	messages []string
	codes    []codes.Code // any of them
	text     string       // part of the message
	details  []*anypb.Any
	metadata bool // the backend's
	rest     int  // HTTP status in REST; 0 for that of the code
}

// failure is the status with which backends fail.
const failureText = "ä\n%41 \"quoted\""

var (
	failureDetails = func() []*anypb.Any {
		first, _ := anypb.New(thing)
		second, _ := anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)})
		return []*anypb.Any{first, second}
	}()
	matrixHeader  = metadata.MD{"x-h": {"2", "1", "2"}, "x-h-bin": {"\x00\xff"}}
	matrixTrailer = metadata.MD{"x-t": {"b", "a"}, "x-t-bin": {"\xff"}}
)

func failure() error {
	st := grpcstatus.New(codes.FailedPrecondition, failureText).Proto()
	st.Details = failureDetails
	return grpcstatus.FromProto(st).Err()
}

// ask is the n-th request, and answerTo what the backend makes of one.
func ask(n int) string { return fmt.Sprintf("%d ", n) + strings.Repeat("medium ", mediumText/7) }

func answerTo(request string) string { return "answer to " + request }

func onMain(th *theatre) *dragoman { return th.main }

const clientCancels = "client cancels"

var courses = []*course{
	{name: "ok", packs: true, gateway: onMain, script: answers, client: well},
	{name: "error before the first message", gateway: onMain, script: failsBehind(0), client: badly(0)},
	{name: "error after the first message", gateway: onMain, script: failsBehind(1), client: badly(1)},
	{name: clientCancels, gateway: onMain, script: stalls, client: cancels},
	{name: "deadline of the client", gateway: onMain, script: stalls, client: runsOut, prepare: func(c *cell) { c.timeout = shortly }},
	{name: "deadline of the gateway", gateway: func(th *theatre) *dragoman { return th.hurried }, script: stalls, client: runsOut},
	{name: "request too large", packs: true, gateway: onMain, script: answers, client: asksTooMuch},
	{name: "answer too large", packs: true, gateway: onMain, script: answersTooMuch, client: tooLargeAnswer},
	{
		name: "connection to the backend cut", together: true, gateway: func(th *theatre) *dragoman { return th.dying }, script: stalls, client: isCut,
		prepare: func(c *cell) {
			if c.repeatable() {
				c.play.again = answers(c)
			}
		},
	},
	silently(&course{name: clientCancels, gateway: onMain, client: cancels}),
	silently(&course{name: "deadline of the client", gateway: onMain, client: runsOut, prepare: func(c *cell) { c.timeout = shortly }}),
	silently(&course{name: "connection to the backend cut", together: true, gateway: func(th *theatre) *dragoman { return th.dying }, client: isCut}),
	breaks(breaksByReset), breaks(breaksWithOK), breaks(breaksWithNone),
	{
		name: "gateway shuts down", together: true, script: stalls, client: isTold,
		gateway: func(th *theatre) *dragoman { return th.closing },
		missing: func(c *cell) string {
			if !c.kind.client && !c.kind.server {
				return "a unary call is waited for; it is not ended in its form"
			}
			return ""
		},
	},
}

// silently makes a course one before the first message.
func silently(o *course) *course {
	o.name += " before the first message"
	o.silent, o.script = true, stalls
	o.missing = func(c *cell) string {
		if !c.kind.server {
			return "where the answer is one message, all of this is before the first"
		}
		return ""
	}
	return o
}

// begin sends metadata.
func begin(s grpc.ServerStream) error {
	s.SetTrailer(matrixTrailer)
	return s.SetHeader(matrixHeader)
}

// answers is a backend that answers everything: each message with one, a stream with one, and one message with three where it streams.
func answers(c *cell) func(*play, grpc.ServerStream) error {
	return func(p *play, s grpc.ServerStream) error {
		if err := begin(s); err != nil {
			return err
		}
		last := ""
		for {
			request, err := p.receive(s)
			if errEnded(err) {
				break
			}
			if err != nil {
				return err
			}
			if last = request; c.kind.client && c.kind.server {
				if err := p.send(s, answerTo(request)); err != nil {
					return err
				}
			}
		}
		switch {
		case c.kind.client && c.kind.server:
			return nil
		case c.kind.server:
			for n := range 3 {
				if err := p.send(s, fmt.Sprint(n, answerTo(last))); err != nil {
					return err
				}
			}
			return nil
		}
		return p.send(s, answerTo(last))
	}
}

// requests are what a client sends.
func (c *cell) requests() []string {
	if c.kind.client {
		return []string{ask(1), ask(2), ask(3)}
	}
	return []string{ask(1)}
}

// toTheEnd reads an answer to its end.
func toTheEnd(call clientCall) *verdict {
	for {
		if _, more := call.receive(); !more {
			return call.settled()
		}
	}
}

func well(c *cell, call clientCall) {
	want := &wanted{codes: []codes.Code{codes.OK}, metadata: true}
	requests := c.requests()
	for _, r := range requests {
		call.send(r)
		if c.kind.client && c.kind.server {
			want.messages = append(want.messages, answerTo(r))
			if c.duplex() { // each is answered before the next is sent
				call.receive()
			}
		}
	}
	call.end()
	last := answerTo(requests[len(requests)-1])
	switch {
	case c.kind.client && c.kind.server:
	case c.kind.server:
		want.messages = []string{"0" + last, "1" + last, "2" + last}
	default:
		want.messages = []string{last}
	}
	got := toTheEnd(call)
	c.check(got, want)
	if seen := c.play.seen(); !slices.Equal(seen, requests) {
		c.t.Errorf("the backend was asked %.60q, want %.60q", seen, requests)
	}
	if diff := cmp.Diff(map[string][]string{"x-many": {"b", "a", "b"}, "x-raw-bin": {"\x00\xff"}}, c.play.mine); diff != "" {
		c.t.Errorf("metadata at the backend (-want +got):\n%s", diff)
	}
	if packs := c.packs(); got.packed != packs {
		c.t.Errorf("the answer is compressed: %t, want %t", got.packed, packs)
	}
}

// packs tells whether an answer comes compressed: in REST as a body that is whole, and in the other protocols where the backend's own
// compression is the client's.
func (c *cell) packs() bool {
	switch {
	case c.packing == "identity" || c.form.socket:
		return false
	case strings.HasPrefix(c.form.name, "REST"):
		return !c.kind.server
	}
	return c.packing == "gzip" && !c.form.json
}

// failsBehind is a backend that fails behind so many messages. It lets clients of HTTP/1.1 end their requests before: one that still writes when
// its connection is closed may lose the answer, which is TCP's doing.
func failsBehind(messages int) func(*cell) func(*play, grpc.ServerStream) error {
	return func(c *cell) func(*play, grpc.ServerStream) error {
		return func(p *play, s grpc.ServerStream) error {
			if err := begin(s); err != nil {
				return err
			}
			request, err := p.receive(s)
			for i := 0; i < messages && err == nil; i++ {
				err = p.send(s, answerTo(request))
			}
			for err == nil && c.kind.client && !c.duplex() {
				_, err = p.receive(s)
			}
			if err != nil && !errEnded(err) {
				return err
			}
			return failure()
		}
	}
}

// badly wants the failure. Where the answer is one message, the message is dropped (T152).
func badly(messages int) func(*cell, clientCall) {
	return func(c *cell, call clientCall) {
		for _, r := range c.requests() {
			call.send(r)
		}
		call.end()
		want := &wanted{codes: []codes.Code{codes.FailedPrecondition}, text: failureText, details: failureDetails, metadata: true}
		if c.kind.server {
			want.messages = slices.Repeat([]string{answerTo(ask(1))}, messages)
		}
		c.check(toTheEnd(call), want)
	}
}

// stalls is a backend that takes a message, answers it where it streams, and then does no more.
func stalls(c *cell) func(*play, grpc.ServerStream) error {
	return func(p *play, s grpc.ServerStream) error {
		request, err := p.receive(s)
		if err == nil && c.kind.server && !c.course.silent {
			err = p.send(s, answerTo(request))
		}
		if err != nil {
			return err
		}
		return p.wait(s)
	}
}

// reach makes a call to the point at which a stalling backend does no more: what it has said is there, with nothing behind it (T133). A stream of
// requests stays open where it can.
func (c *cell) reach(call clientCall) {
	call.send(ask(1))
	if !c.kind.client || c.kind.server && !c.duplex() {
		call.end()
	}
	if c.kind.server && !c.course.silent {
		if text, _ := call.receive(); text != answerTo(ask(1)) {
			c.t.Fatalf("the first message is %.60q; so far %+v", text, call.settled())
		}
	}
	select {
	case <-c.play.said:
	case <-within(c.t).Done():
		c.t.Fatalf("the call has not reached the backend; so far %+v", call.settled())
	}
}

// cancels goes away: the backend is told at once (T140, T177, fault 16).
func cancels(c *cell, call clientCall) {
	c.reach(call)
	from := time.Now()
	call.leave()
	c.took = c.wantEnded(from, context.Canceled)
}

// wantEnded fails unless the backend's call ends with an error, soon: in a moment, but for a machine that has hundreds of other calls to make.
func (c *cell) wantEnded(from time.Time, wants ...error) (took time.Duration) {
	c.t.Helper()
	select {
	case err := <-c.play.ended:
		if !slices.ContainsFunc(wants, func(want error) bool { return errors.Is(err, want) }) {
			c.t.Errorf("the backend's call ended with %v; want %v", err, wants)
		}
		if took = time.Since(from); took > soon {
			c.t.Errorf("the backend's call ended after %s; want at most %s", took, soon)
		}
	case <-within(c.t).Done():
		c.t.Error("the backend's call goes on")
	}
	return took
}

// runsOut wants DEADLINE_EXCEEDED, of a call or of a stream in which nothing moves (T145, T174).
func runsOut(c *cell, call clientCall) {
	call.send(ask(1))
	if !c.kind.client || c.kind.server && !c.duplex() {
		call.end()
	}
	got := toTheEnd(call)
	want := &wanted{codes: []codes.Code{codes.DeadlineExceeded}}
	if c.kind.server && len(got.messages) > 0 { // where it did not run out before
		want.messages = []string{answerTo(ask(1))}
	}
	if got.http == http.StatusRequestTimeout && c.play.arrived.Load() == 0 { // on a machine so busy that the request itself came too late
		want.rest = http.StatusRequestTimeout
	}
	c.check(got, want)
	select {
	case <-c.play.started:
		c.wantEnded(time.Now(), context.DeadlineExceeded, context.Canceled)
		if left := c.play.left; c.timeout > 0 && (left == 0 || left > c.timeout) { // T175
			c.t.Errorf("the backend had %s of %s", left, c.timeout)
		}
	default:
	}
}

// asksTooMuch sends a message that is over the limit (T104, T196).
func asksTooMuch(c *cell, call clientCall) {
	want := &wanted{codes: []codes.Code{codes.ResourceExhausted}, rest: http.StatusRequestEntityTooLarge}
	if c.kind.client {
		call.send(ask(1))
		if c.kind.server && c.duplex() {
			call.receive()
		}
	}
	call.send(strings.Repeat("large", largeRequest/5))
	call.end()
	got := toTheEnd(call)
	if c.kind.client && c.kind.server && len(got.messages) > 0 { // of the good one that came before
		want.messages = []string{answerTo(ask(1))}
	}
	if lost := got.http == 0 && c.kind.client && !c.duplex() && (errors.Is(got.why, syscall.EPIPE) || errors.Is(got.why, syscall.ECONNRESET)); !lost {
		c.check(got, want) // else it still wrote when its connection was closed, and could not read the answer
	}
	if !c.kind.client {
		select {
		case <-c.play.started:
			c.t.Error("the backend was called")
		default:
		}
		return
	}
	select {
	case <-c.play.started:
		c.wantEnded(time.Now(), context.Canceled)
	default: // it was refused first
	}
	if seen := c.play.seen(); len(seen) > 1 {
		c.t.Errorf("the backend was asked %.60q", seen)
	}
}

// answersTooMuch is a backend whose last message is over the limit. It cannot be compressed well enough to come under it.
func answersTooMuch(c *cell) func(*play, grpc.ServerStream) error {
	return func(p *play, s grpc.ServerStream) error {
		request, err := p.receive(s)
		if err == nil && c.kind.server {
			err = p.send(s, answerTo(request))
		}
		if err != nil {
			return err
		}
		return p.send(s, strings.Repeat("large", largeAnswer/5))
	}
}

func tooLargeAnswer(c *cell, call clientCall) {
	for _, r := range c.requests()[:1] {
		call.send(r)
	}
	call.end()
	want := &wanted{codes: []codes.Code{codes.ResourceExhausted}}
	if c.kind.server {
		want.messages = []string{answerTo(ask(1))}
	}
	c.check(toTheEnd(call), want)
}

// isCut loses its backend when all others have come as far: what then ends is never a whole answer (T136, T197, faults 2 and 48), and no call is made
// twice that may not be (H9).
func isCut(c *cell, call clientCall) {
	got := c.waits(call)
	times, want := int32(1), &wanted{codes: []codes.Code{codes.Unavailable}}
	if c.repeatable() && c.play.arrived.Load() > 1 { // it was made again, if not too many others were (fault 14), and its client learns nothing of it
		times, want = 2, &wanted{codes: []codes.Code{codes.OK}, messages: []string{answerTo(ask(1))}, metadata: true}
	}
	c.check(got, c.begun(want))
	if n := c.play.arrived.Load(); n != times {
		c.t.Errorf("the backend was called %d times, want %d", n, times)
	}
}

// repeatable tells whether a call may be made twice: calls by GET are of a method without side effects, and all others are not.
func (c *cell) repeatable() bool { return c.form.body == nil && !c.form.socket }

// waits makes a call to the point at which its backend does no more, waits for what ends all such calls, and reads the rest.
func (c *cell) waits(call clientCall) *verdict {
	var once sync.Once
	come := func() { once.Do(c.gate.come) }
	defer come()
	c.reach(call)
	come()
	<-c.gate.open
	return toTheEnd(call)
}

// begun adds what a stalling backend has said.
func (c *cell) begun(want *wanted) *wanted {
	if c.kind.server && !c.course.silent {
		want.messages = []string{answerTo(ask(1))}
	}
	return want
}

// isTold is a stream that is still open when the time of a drain is over: it ends in the form that its protocol has for that, and its backend is
// told, too (T146, fault 23).
func isTold(c *cell, call clientCall) {
	c.check(c.waits(call), c.begun(&wanted{codes: []codes.Code{codes.Unavailable}, text: "shutting down"}))
	c.wantEnded(time.Now(), context.Canceled)
}

// breaks is the course of a backend that ends in the middle of a message (T136, T154, T197, fault 48).
func breaks(how string) *course {
	return &course{
		name: "half a message, " + how, gateway: func(th *theatre) *dragoman { return th.broken },
		script: stalls,
		prepare: func(c *cell) {
			c.more = http.Header{howField: {how}}
			if c.kind.server {
				c.more[wholeFirstField] = []string{"1"}
			}
		},
		client: func(c *cell, call clientCall) {
			call.send(ask(1))
			call.end()
			want := &wanted{codes: []codes.Code{codes.Internal, codes.Unavailable, codes.Unknown}}
			if c.kind.server {
				want.messages = []string{answerTo("1")}
			}
			c.check(toTheEnd(call), want)
		},
	}
}

// check compares a verdict with what is wanted. The form decides how a failure is told: with its code, or, behind the first message of a form
// that has no words for it, by an answer that is cut off. None is ever taken for whole.
func (c *cell) check(got *verdict, want *wanted) {
	t := c.t
	t.Helper()
	isREST, unaryConnect := strings.HasPrefix(c.form.name, "REST"), c.unaryConnect()
	if !slices.Equal(got.messages, want.messages) {
		t.Errorf("messages are %.60q, want %.60q; %+v", got.messages, want.messages, got)
	}
	begun := c.kind.server && len(want.messages) > 0
	http := http.StatusOK
	wanted := want.codes[0]
	switch {
	case wanted == codes.OK:
		if got.cut || got.code != codes.OK {
			t.Errorf("it ends with %s %q, cut off: %t, %v", got.code, got.text, got.cut, got.why)
		}
	case begun && c.form.bare:
		if !got.cut {
			t.Errorf("it looks whole: %+v", got)
		}
	default:
		if got.cut || !slices.Contains(want.codes, got.code) || !strings.Contains(got.text, want.text) {
			t.Errorf("it ends with %s %q, cut off: %t, %v; want %s %q", got.code, got.text, got.cut, got.why, want.codes, want.text)
		}
		if diff := cmp.Diff(want.details, got.details, protocmp.Transform()); diff != "" && !c.form.socket && want.details != nil {
			t.Errorf("details (-want +got):\n%s", diff)
		}
		if isREST && !begun || unaryConnect {
			http = gatewaystatus.HTTP(got.code)
		}
		if isREST && !begun && want.rest != 0 {
			http = want.rest
		}
	}
	if c.form.socket {
		http = 101
	}
	if got.http != http {
		t.Errorf("HTTP status is %d, want %d", got.http, http)
	}
	c.checkHead(got, want, isREST, unaryConnect)
}

// checkHead compares the content type, which tells the truth (T131), and metadata.
func (c *cell) checkHead(got *verdict, want *wanted, isREST, unaryConnect bool) {
	t := c.t
	t.Helper()
	if c.form.socket {
		return
	}
	contentType := c.form.contentType
	switch {
	case got.http != http.StatusOK, isREST && !c.kind.server:
		contentType = "application/json"
	case unaryConnect:
		contentType = strings.Replace(contentType, "connect+", "", 1)
	}
	if outer := got.header.Get("Content-Encoding"); outer != "" && !isREST && !unaryConnect || got.header.Get("Grpc-Encoding") != "" && (isREST || unaryConnect) { // T200
		t.Errorf("messages are compressed, and the whole with %q: %v", outer, got.header)
	}
	if got.contentType != contentType {
		t.Errorf("content type is %q, want %q", got.contentType, contentType)
	}
	if !want.metadata {
		return
	}
	for name, values := range map[string][]string{"X-H": {"2", "1", "2"}, "X-H-Bin": {"AP8"}} {
		if found := got.header[name]; !slices.Equal(found, values) {
			t.Errorf("header %s is %q, want %q", name, found, values)
		}
	}
	for name, values := range map[string][]string{"X-T": {"b", "a"}, "X-T-Bin": {"/w"}} {
		if found := got.trailer[name]; !slices.Equal(found, values) && !got.cut {
			t.Errorf("trailer %s is %q, want %q", name, found, values)
		}
	}
}

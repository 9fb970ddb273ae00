// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// capturing has what calls say kept.
func capturing(own config.Capture) func(*config.Config) {
	return func(c *config.Config) { c.Admin.Capture = &own }
}

// saying makes a call by each protocol that says something, and something secret.
func saying(t *testing.T, d *dragoman) map[string]func(id string) {
	t.Helper()
	const body = `{"id":"a/b","text":"hello","secret":"s3cr3t"}`
	fields := func(id string) []string {
		return []string{"x-request-id", id, "x-tenant", "t1", "authorization", "Bearer s3cr3t", "cookie", "session=s3cr3t", "x-own-key", "s3cr3t"}
	}
	return map[string]func(id string){
		"rest": func(id string) {
			d.h1(t).call(t, http.MethodPost, "/canary/v1/echo", body, append(fields(id), "content-type", "application/json")...)
		},
		"grpc": func(id string) {
			ctx := metadata.AppendToOutgoingContext(within(t), fields(id)...)
			if _, err := testv1.NewEchoServiceClient(d.dial(t)).Echo(ctx, &testv1.CanaryRequest{Id: "a/b", Text: "hello", Secret: "s3cr3t"}); err != nil {
				t.Error(err)
			}
		},
		"grpc-web": func(id string) {
			c := d.h1(t)
			frames := frame{0, marshal(t, &testv1.CanaryRequest{Id: "a/b", Text: "hello", Secret: "s3cr3t"})}
			c.do(t, c.request(t, http.MethodPost, canaryEcho, string(frames.bytes()), web("application/grpc-web+proto", fields(id)...)...))
		},
		"connect": func(id string) {
			c := d.h2(t)
			c.do(t, c.request(t, http.MethodPost, canaryEcho, body, connectJSON(fields(id)...)...))
		},
		"websocket": func(id string) {
			k, _, err := d.tryConnect(t, canaryEcho, nil, fields(id)...)
			if err != nil {
				t.Fatal(err)
			}
			k.send(body)
			k.next(ws.MessageText)
			k.ends(1000, "")
		},
	}
}

// told waits for what is known of a call.
func told(t *testing.T, traffic adminv1.TrafficServiceClient, id string) *adminv1.CapturedCall {
	t.Helper()
	var found *adminv1.CapturedCall
	eventually(t, func() error {
		answer, err := traffic.GetCall(within(t), &adminv1.GetCallRequest{Id: id})
		found = answer.GetCall()
		return err
	})
	return found
}

// What calls say is kept by whatever protocol they come, without what is secret of it, and each can be sent again by the protocol that it came by, as what
// operators try is: counted nowhere.
func TestCaptureAndReplayInEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, capturing(config.Capture{Bodies: true, Redact: []string{"x-own-key"}}))
	traffic := adminv1.NewTrafficServiceClient(d.administer(t))
	for protocol, call := range saying(t, d) {
		id := "capture-" + protocol
		call(id)
		c := told(t, traffic, id)
		if c.GetSummary().GetProtocol() != protocol || !c.GetSummary().GetCaptured() || !c.GetReplayable() || !c.GetRedacted() || len(c.GetRequestMessages()) != 1 || len(c.GetResponseMessages()) != 1 {
			t.Fatalf("%s: %v", protocol, c)
		}
		if m := c.GetRequestMessages()[0]; !strings.Contains(m, `"text":"hello"`) || strings.Contains(m, "secret") {
			t.Errorf("%s: the request is %s", protocol, m)
		}
		if strings.Contains(fmt.Sprint(c.GetRequestHeaders()), "s3cr3t") || strings.Contains(c.GetCommand(), "s3cr3t") || strings.Contains(fmt.Sprint(c.GetRequestMessages()), "s3cr3t") {
			t.Errorf("%s: a secret is kept: %v", protocol, c)
		}
		fields := map[string]string{}
		for _, f := range c.GetRequestHeaders() {
			fields[f.GetName()] = f.GetValue()
		}
		if fields["x-tenant"] != "t1" || fields["authorization"] != "(redacted)" || fields["cookie"] != "(redacted)" || fields["x-own-key"] != "(redacted)" {
			t.Errorf("%s: the fields are %v", protocol, fields)
		}
		if !strings.HasPrefix(c.GetCommand(), "dragoman call dragoman.test.v1.EchoService/Echo --via "+strings.ReplaceAll(protocol, "-", "")+" -d '{") {
			t.Errorf("%s: the command is %s", protocol, c.GetCommand())
		}
		before := d.started.History.Totals().Calls
		again, err := traffic.ReplayCall(within(t), &adminv1.ReplayCallRequest{Id: id, Headers: []*adminv1.HeaderField{{Name: "Authorization", Value: "Bearer other"}}})
		if err != nil {
			t.Errorf("%s: %v", protocol, err)
			continue
		}
		n := again.GetCall()
		if s := n.GetSummary(); s.GetId() == id || s.GetCode() != "OK" || s.GetProtocol() != protocol || s.GetRoute() != c.GetSummary().GetRoute() || len(n.GetResponseMessages()) != 1 || len(n.GetRequestMessages()) != 1 ||
			n.GetRequestMessages()[0] != c.GetRequestMessages()[0] {
			t.Errorf("%s: again: %v", protocol, n)
		}
		notes := strings.Join(again.GetNotes(), "\n")
		if !strings.Contains(notes, "cookie") || !strings.Contains(notes, "x-own-key") || strings.Contains(notes, "authorization") || !strings.Contains(notes, "fields of the request") {
			t.Errorf("%s: the notes are %q", protocol, notes)
		}
		seen := map[string]string{}
		for _, f := range n.GetRequestHeaders() {
			seen[f.GetName()] = f.GetValue()
		}
		if seen["x-tenant"] != "t1" || seen["authorization"] != "(redacted)" || seen["cookie"] != "" {
			t.Errorf("%s: the fields of the replay are %v", protocol, seen)
		}
		if now := d.started.History.Totals().Calls; now != before {
			t.Errorf("%s: %d calls are counted, and %d were before the replay", protocol, now, before)
		}
	}
}

// Streams are sent again message after message; one that would not end is ended, and that is said.
func TestReplayOfStreams(t *testing.T) {
	t.Parallel()
	d := start(t, capturing(config.Capture{Bodies: true}))
	traffic := adminv1.NewTrafficServiceClient(d.administer(t))
	echo := testv1.NewEchoServiceClient(d.dial(t))
	stream, err := echo.Converse(metadata.AppendToOutgoingContext(within(t), "x-request-id", "both-ways"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := stream.Send(&testv1.CanaryRequest{Id: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if c := told(t, traffic, "both-ways"); len(c.GetRequestMessages()) != 3 || len(c.GetResponseMessages()) != 3 || !strings.HasPrefix(c.GetCommand(), `printf '%s\n' '{`) {
		t.Errorf("what was kept: %v", c)
	}
	again, err := traffic.ReplayCall(within(t), &adminv1.ReplayCallRequest{Id: "both-ways"})
	if err != nil || len(again.GetCall().GetResponseMessages()) != 3 || again.GetCall().GetSummary().GetCode() != "OK" || len(again.GetNotes()) != 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	// One that answers for longer than anybody wants to wait for.
	d.h1(t).call(t, http.MethodGet, "/canary/v1/stream?behavior.messages=300", "", "x-request-id", "many")
	told(t, traffic, "many")
	again, err = traffic.ReplayCall(within(t), &adminv1.ReplayCallRequest{Id: "many"})
	if err != nil || len(again.GetCall().GetResponseMessages()) < 100 || !strings.Contains(fmt.Sprint(again.GetNotes()), "ended after 100 messages") {
		t.Errorf("a long one: %d answers, %v, %v", len(again.GetCall().GetResponseMessages()), again.GetNotes(), err)
	}
}

// Only who may change something, where the configuration permits it, has calls captured, for a time, of the methods that he names; and what is not whole is
// not sent again.
func TestWhoMayCapture(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	call := func(d *dragoman, target, id string) adminv1.TrafficServiceClient {
		d.h1(t).call(t, http.MethodGet, target, "", "x-request-id", id)
		traffic := adminv1.NewTrafficServiceClient(d.administer(t))
		told(t, traffic, id)
		return traffic
	}
	refusal := func(about string, err error, want codes.Code) {
		t.Helper()
		if grpcstatus.Code(err) != want {
			t.Errorf("%s: %v; want %s", about, err, want)
		}
	}
	plain := call(start(t, nil), "/canary/v1/echo", "a")
	if k, err := plain.GetCapture(ctx, &adminv1.GetCaptureRequest{}); err != nil || k.GetCapture().GetPermitted() || k.GetCapture().GetOn() {
		t.Errorf("without a word in the configuration: %v, %v", k, err)
	}
	refusal("it is not permitted", second(plain.SetCapture(ctx, &adminv1.SetCaptureRequest{On: true})), codes.FailedPrecondition)
	refusal("nothing was captured", second(plain.ReplayCall(ctx, &adminv1.ReplayCallRequest{Id: "a"})), codes.FailedPrecondition)
	refusal("no such call", second(plain.ReplayCall(ctx, &adminv1.ReplayCallRequest{Id: "b"})), codes.NotFound)

	reads := call(start(t, func(c *config.Config) {
		c.Admin.ReadOnly, c.Admin.Capture = true, &config.Capture{Bodies: true}
	}), "/canary/v1/echo", "a")
	refusal("it is read-only", second(reads.SetCapture(ctx, &adminv1.SetCaptureRequest{})), codes.PermissionDenied)
	refusal("a replay where it is read-only", second(reads.ReplayCall(ctx, &adminv1.ReplayCallRequest{Id: "a"})), codes.PermissionDenied)

	d := start(t, capturing(config.Capture{OnDemand: true, MaxCall: 1 << 10}))
	traffic := call(d, "/canary/v1/echo", "before")
	if c := told(t, traffic, "before"); c.GetSummary().GetCaptured() || len(c.GetRequestHeaders()) > 0 {
		t.Errorf("before somebody wants it: %v", c)
	}
	for about, in := range map[string]*adminv1.SetCaptureRequest{
		"too long":   {On: true, Duration: durationpb.New(25 * time.Hour)},
		"no time":    {On: true, Duration: durationpb.New(0)},
		"no glob":    {On: true, Match: []string{"a.b/c.d"}},
		"many globs": {On: true, Match: make([]string, 65)},
	} {
		refusal(about, second(traffic.SetCapture(ctx, in)), codes.InvalidArgument)
	}
	set, err := traffic.SetCapture(ctx, &adminv1.SetCaptureRequest{On: true, Bodies: true, Errors: true, Match: []string{"dragoman.test.v1.EchoService/Echo"}})
	if k := set.GetCapture(); err != nil || !k.GetOn() || !k.GetBodies() || !k.GetErrors() || k.GetWho() != "127.0.0.1" || time.Until(k.GetUntil().AsTime()) > 10*time.Minute || len(k.GetMatch()) != 1 {
		t.Errorf("%v, %v", set, err)
	}
	for id, target := range map[string]string{
		"well": "/canary/v1/echo?id=1", "bad": "/canary/v1/echo?behavior.status.code=5", "other": "/canary/v1/stream?behavior.status.code=5", "none": "/no/such/route",
		"large": "/canary/v1/echo?behavior.status.code=5&text=" + strings.Repeat("x", 2000),
	} {
		call(d, target, id)
		c := told(t, traffic, id)
		if want := id == "bad" || id == "large"; c.GetSummary().GetCaptured() != want || c.GetReplayable() != (id == "bad") {
			t.Errorf("%s: captured: %t, replayable: %t", id, c.GetSummary().GetCaptured(), c.GetReplayable())
		}
	}
	if c := told(t, traffic, "large"); c.GetRequestLeftOut() != 1 || len(c.GetRequestMessages()) != 0 {
		t.Errorf("a message that is too large: %v", c)
	}
	refusal("it is not whole", second(traffic.ReplayCall(ctx, &adminv1.ReplayCallRequest{Id: "large"})), codes.FailedPrecondition)
	again, err := traffic.ReplayCall(ctx, &adminv1.ReplayCallRequest{Id: "bad"})
	if err != nil || again.GetCall().GetSummary().GetCode() != "NOT_FOUND" {
		t.Errorf("one that fails again: %v, %v", again, err)
	}
	off, err := traffic.SetCapture(ctx, &adminv1.SetCaptureRequest{AsConfigured: true, Clear: true})
	if k := off.GetCapture(); err != nil || k.GetOn() || k.GetUntil() != nil || k.GetCalls() != 0 || k.GetBytes() != 0 {
		t.Errorf("as before: %v, %v", off, err)
	}
}

// A call that is followed comes with what was captured of it, and header fields alone where no more is wanted.
func TestTailHasWhatWasCaptured(t *testing.T) {
	t.Parallel()
	d := start(t, capturing(config.Capture{}))
	traffic := adminv1.NewTrafficServiceClient(d.administer(t))
	tail, err := traffic.TailCalls(within(t), &adminv1.TailCallsRequest{Details: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if d.started.Feed.Subscribers() == 0 {
			return errors.New("nobody follows the calls")
		}
		return nil
	})
	d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", "", "x-tenant", "t1")
	got, err := tail.Recv()
	if err != nil || !got.GetCall().GetCaptured() || !strings.Contains(fmt.Sprint(got.GetDetails().GetRequestHeaders()), "t1") || len(got.GetDetails().GetRequestMessages()) > 0 ||
		got.GetDetails().GetReplayable() {
		t.Errorf("%v, %v", got, err)
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/admin/replay"
	"github.com/dragoman-gateway/dragoman/gateway/capture"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// mostGlobs is how many globs an operator can give.
const mostGlobs = 64

// summaryOf tells of a call, and whether more is kept of it.
func (a *API) summaryOf(r *telemetry.Record) *adminv1.CallSummary {
	s := summaryOf(r)
	if a.config.Capture != nil {
		_, s.Captured = a.config.Capture.Find(r.RequestID)
	}
	return s
}

// addCaptured adds to a call what was captured of it.
func (a *API) addCaptured(out *adminv1.CapturedCall) {
	if a.config.Capture == nil {
		return
	}
	c, ok := a.config.Capture.Find(out.GetSummary().GetId())
	if !ok {
		return
	}
	out.GetSummary().Captured = true
	out.RequestHeaders, out.ResponseHeaders, out.ResponseTrailers = fieldsOf(c.RequestFields), fieldsOf(c.AnswerFields), fieldsOf(c.Trailers)
	out.RequestMessages, out.ResponseMessages = c.Requests.Texts, c.Answers.Texts
	out.RequestLeftOut, out.ResponseLeftOut = number(c.Requests.LeftOut), number(c.Answers.LeftOut)
	out.Redacted, out.Replayable, out.Command = c.Requests.Redacted || c.Answers.Redacted, replay.Replayable(c), commandOf(c)
}

func fieldsOf(h wire.Header) []*adminv1.HeaderField {
	var all []*adminv1.HeaderField
	for i := range h {
		all = append(all, &adminv1.HeaderField{Name: clean(h[i].Name), Value: strings.ToValidUTF8(h[i].Value, "\ufffd")})
	}
	return all
}

// commandOf is a line for a shell that makes a call again; "" where its messages are not there.
func commandOf(c *capture.Call) string {
	if !replay.Replayable(c) {
		return ""
	}
	line := "dragoman call " + strings.TrimPrefix(c.Method, "/") + " --via " + string(replay.Via(c))
	switch texts := c.Requests.Texts; len(texts) {
	case 0:
	case 1:
		line += " -d " + quoted(texts[0])
	default:
		var all strings.Builder
		for _, t := range texts {
			all.WriteString(" " + quoted(t))
		}
		line = "printf '%s\\n'" + all.String() + " | " + line
	}
	return line
}

// quoted is a text as one word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// GetCapture tells how captures stand.
func (s *trafficServer) GetCapture(context.Context, *adminv1.GetCaptureRequest) (*adminv1.GetCaptureResponse, error) {
	return &adminv1.GetCaptureResponse{Capture: s.capture()}, nil
}

func (s *trafficServer) capture() *adminv1.Capture {
	k := s.api.config.Capture
	if k == nil {
		return &adminv1.Capture{}
	}
	state := k.State()
	out := &adminv1.Capture{
		Permitted: true, On: state.Rule.On, Bodies: state.Rule.Bodies, Errors: state.Rule.Errors, Match: state.Rule.Globs,
		Calls: number(state.Calls), MaxCalls: number(state.MaxCalls), Bytes: state.Bytes + state.Held, MaxBytes: state.MaxBytes, LeftOut: int64(state.LeftOut), //nolint:gosec // a count
	}
	if state.Order != nil {
		out.Until, out.Who = timeOf(state.Order.Until), state.Order.Who
	}
	return out
}

// SetCapture has calls captured, or no more.
func (s *trafficServer) SetCapture(ctx context.Context, in *adminv1.SetCaptureRequest) (*adminv1.SetCaptureResponse, error) {
	k := s.api.config.Capture
	if k == nil {
		return nil, status.Errorf(codes.FailedPrecondition, status.ReasonBadRequest, "the configuration does not permit it: it has no admin: {capture: {}}")
	}
	order, err := orderOf(in)
	if err != nil {
		return nil, err
	}
	if in.GetClear() {
		k.Clear()
	}
	if order != nil {
		order.Who = callerOf(ctx)
	}
	k.Say(order)
	s.api.config.Log.Warn("what is captured of calls was set by the admin API", slog.String("who", callerOf(ctx)), slog.Bool("on", in.GetOn()), slog.Bool("bodies", in.GetBodies()), slog.Any("match", in.GetMatch()), slog.Bool("as_configured", in.GetAsConfigured()))
	return &adminv1.SetCaptureResponse{Capture: s.capture()}, nil
}

// orderOf reads what an operator wants captured; nil for what the configuration says.
func orderOf(in *adminv1.SetCaptureRequest) (*capture.Order, error) {
	if in.GetAsConfigured() {
		return nil, nil //nolint:nilnil // no order is no error
	}
	lasts := capture.DefaultTime
	if d := in.GetDuration(); d != nil {
		if lasts = d.AsDuration(); d.CheckValid() != nil || lasts <= 0 || lasts > capture.MostTime {
			return nil, invalid("duration is %s; it must be more than 0s and at most %s", lasts, capture.MostTime)
		}
	}
	if n := len(in.GetMatch()); n > mostGlobs {
		return nil, invalid("match has %d globs; it may have %d", n, mostGlobs)
	}
	var globs []config.MethodGlob
	for i, text := range in.GetMatch() {
		g, err := config.ParseMethodGlob(text)
		if err != nil {
			return nil, invalid("match[%d] %s", i, err)
		}
		globs = append(globs, g)
	}
	now := time.Now()
	return &capture.Order{Rule: config.CaptureRule(in.GetOn(), in.GetBodies(), in.GetErrors(), globs), Since: now, Until: now.Add(lasts)}, nil
}

// Bounds of waiting for what is known of a call that has just ended.
const (
	replayWait = 2 * time.Second
	replayLook = 2 * time.Millisecond
)

// ReplayCall sends a call again.
func (s *trafficServer) ReplayCall(ctx context.Context, in *adminv1.ReplayCallRequest) (*adminv1.ReplayCallResponse, error) {
	if _, ok := s.api.config.Feed.Find(in.GetId()); !ok {
		return nil, notFound("there is no call %.64q among those that are kept", in.GetId())
	}
	header, err := givenHeader(in.GetHeaders())
	if err != nil {
		return nil, err
	}
	refused := func(err error) error {
		return status.Errorf(codes.FailedPrecondition, status.ReasonBadRequest, "%s", err)
	}
	if s.api.config.Capture == nil {
		return nil, refused(replay.ErrIncomplete)
	}
	c, ok := s.api.config.Capture.Find(in.GetId())
	if !ok {
		return nil, refused(replay.ErrIncomplete)
	}
	result, err := s.api.config.Replay.Replay(ctx, c, header)
	switch {
	case errors.Is(err, replay.ErrBusy):
		return nil, status.Errorf(codes.ResourceExhausted, status.ReasonTooManyInFlight, "%s", err)
	case err != nil:
		return nil, refused(err)
	}
	r, ok := s.api.ended(ctx, result.RequestID)
	if !ok {
		if result.Err == nil {
			result.Err = errors.New("nothing is known of the new call")
		}
		return nil, refused(result.Err)
	}
	return &adminv1.ReplayCallResponse{Call: s.api.callOf(&r), Notes: result.Notes}, nil
}

// ended waits until a call is over, and returns what is known of it.
func (a *API) ended(ctx context.Context, id string) (telemetry.Record, bool) {
	ctx, cancel := context.WithTimeout(ctx, replayWait)
	defer cancel()
	ticker := time.NewTicker(replayLook)
	defer ticker.Stop()
	for {
		if r, ok := a.config.Feed.Find(id); ok {
			return r, true
		}
		select {
		case <-ctx.Done():
			return telemetry.Record{}, false
		case <-ticker.C:
		}
	}
}

// givenHeader reads header fields that an operator gives.
func givenHeader(in []*adminv1.HeaderField) (wire.Header, error) {
	if len(in) > replay.MaxHeaders {
		return nil, invalid("headers has %d fields; it may have %d", len(in), replay.MaxHeaders)
	}
	var h wire.Header
	for i, f := range in {
		name := strings.ToLower(f.GetName())
		if !wire.ValidName(name) || strings.ContainsAny(f.GetValue(), "\r\n\x00") {
			return nil, invalid("headers[%d] is no header field", i)
		}
		h.Add(name, f.GetValue())
	}
	return h, nil
}

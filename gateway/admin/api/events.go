// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// statusInterval is how often the status is told although nothing of it has changed.
const statusInterval = 10 * time.Second

type eventServer struct {
	adminv1.UnimplementedEventServiceServer

	api *API
}

// defaultTopics are those of who asks for none.
var defaultTopics = []adminv1.Topic{adminv1.Topic_TOPIC_METRICS, adminv1.Topic_TOPIC_BACKENDS, adminv1.Topic_TOPIC_RELOADS, adminv1.Topic_TOPIC_STATUS}

// WatchEvents tells what happens.
func (s *eventServer) WatchEvents(in *adminv1.WatchEventsRequest, out grpc.ServerStreamingServer[adminv1.WatchEventsResponse]) error {
	topics := in.GetTopics()
	if len(topics) == 0 {
		topics = defaultTopics
	}
	if slices.Contains(topics, adminv1.Topic_TOPIC_UNSPECIFIED) {
		return invalid("topics has %s, which is none", adminv1.Topic_TOPIC_UNSPECIFIED)
	}
	level, err := levelOf(in.GetLogLevel())
	if err != nil {
		return err
	}
	w := &watch{api: s.api, out: out, wants: func(t adminv1.Topic) bool { return slices.Contains(topics, t) }}
	reloads, stop := s.api.sampler.reloads.read()
	defer stop()
	logs, stopLogs := s.api.config.Logs.read()
	defer stopLogs()
	calls, stopCalls, err := s.calls(in, topics)
	if err != nil {
		return err
	}
	defer stopCalls()
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	if err := w.tick(time.Now()); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-out.Context().Done():
			return out.Context().Err()
		case now := <-ticker.C:
			w.calls = 0
			err = w.tick(now)
		case r := <-calls:
			if w.calls++; w.calls > mostCalls {
				w.missed++
				continue
			}
			err = w.send(&adminv1.WatchEventsResponse{Event: &adminv1.WatchEventsResponse_Call{Call: s.api.summaryOf(&r)}})
		case r := <-reloads.values:
			if w.wants(adminv1.Topic_TOPIC_RELOADS) {
				w.missed += s.api.sampler.reloads.takeMissed(reloads)
				err = w.send(&adminv1.WatchEventsResponse{Event: &adminv1.WatchEventsResponse_Reload{Reload: r}})
			}
		case l := <-logs.values:
			if w.wants(adminv1.Topic_TOPIC_LOGS) && l.level >= level {
				w.missed += s.api.config.Logs.takeMissed(logs)
				err = w.send(&adminv1.WatchEventsResponse{Event: &adminv1.WatchEventsResponse_Log{Log: l.line()}})
			}
		}
		if err != nil {
			return err
		}
	}
}

// watch is one reader of events.
type watch struct {
	api    *API
	out    grpc.ServerStreamingServer[adminv1.WatchEventsResponse]
	wants  func(adminv1.Topic) bool
	number int64
	missed int64
	calls  int // in this second

	backends   *adminv1.ListBackendsResponse // as told last
	status     *adminv1.GetStatusResponse
	statusTime time.Time
}

func (w *watch) send(e *adminv1.WatchEventsResponse) error {
	w.number++
	e.Sequence, e.Time, e.Missed = w.number, timestamppb.Now(), w.missed
	w.missed = 0
	return w.out.Send(e)
}

// mostCalls is how many calls are told in a second.
const mostCalls = 50

// calls follows the calls, if they are wanted; nobody sends to what it returns otherwise.
func (s *eventServer) calls(in *adminv1.WatchEventsRequest, topics []adminv1.Topic) (<-chan telemetry.Record, func(), error) {
	if !slices.Contains(topics, adminv1.Topic_TOPIC_CALLS) {
		return nil, func() {}, nil
	}
	filter, err := filterOf(in.GetCalls())
	if err != nil {
		return nil, nil, err
	}
	followed, err := s.api.config.Feed.Subscribe(filter, tailBacklog)
	if err != nil {
		return nil, nil, status.Errorf(codes.ResourceExhausted, status.ReasonTooManyInFlight, "%s", err)
	}
	return followed.Records(), followed.Close, nil
}

// tick tells what is told every second, if anything of it changed.
func (w *watch) tick(now time.Time) error {
	if w.wants(adminv1.Topic_TOPIC_METRICS) {
		if err := w.send(&adminv1.WatchEventsResponse{Event: &adminv1.WatchEventsResponse_Point{Point: w.api.lastPoint(now)}}); err != nil {
			return err
		}
	}
	if w.wants(adminv1.Topic_TOPIC_BACKENDS) {
		if b := w.api.backends(); w.backends == nil || !proto.Equal(b, w.backends) {
			w.backends = b
			if err := w.send(&adminv1.WatchEventsResponse{Event: &adminv1.WatchEventsResponse_Backends{Backends: b}}); err != nil {
				return err
			}
		}
	}
	if w.wants(adminv1.Topic_TOPIC_STATUS) {
		s := w.api.status()
		if w.status == nil || now.Sub(w.statusTime) >= statusInterval || !sameStatus(s, w.status) {
			w.status, w.statusTime = s, now
			return w.send(&adminv1.WatchEventsResponse{Event: &adminv1.WatchEventsResponse_Status{Status: s}})
		}
	}
	return nil
}

// sameStatus compares all but what changes by itself.
func sameStatus(a, b *adminv1.GetStatusResponse) bool {
	plain := func(s *adminv1.GetStatusResponse) proto.Message {
		c := proto.Clone(s).(*adminv1.GetStatusResponse) //nolint:errcheck,forcetypeassert // a clone is of the same type
		c.Uptime = nil
		c.GetTotals().InFlight = 0
		return c
	}
	return proto.Equal(plain(a), plain(b))
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who follows the status learns of each event with a certificate when it happens, also of one that changes nothing else, such as an order.
func TestStatusTellsOfEvents(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{})
	d := start(t, &settings{authority: a, domains: "[later.acme.test]"})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.started.Admin.String()+"/events?topics=TOPIC_STATUS", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := direct(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	events := bufio.NewScanner(answer.Body)
	events.Buffer(nil, 1<<20)
	// told waits until the status tells of an event after another one, and holds it to the log of ACME.
	told := func(after time.Time, kinds string) (newest time.Time) {
		t.Helper()
		for events.Scan() {
			data, ok := strings.CutPrefix(events.Text(), "data:")
			if !ok {
				continue
			}
			var e struct {
				Status struct {
					Listeners []struct{ LastAcmeEvent time.Time }
				}
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			for _, l := range e.Status.Listeners {
				if l.LastAcmeEvent.After(newest) {
					newest = l.LastAcmeEvent
				}
			}
			if !newest.After(after) {
				continue
			}
			var log struct {
				Events []struct {
					Time time.Time
					Kind string
				}
			}
			d.admin(t, "/api/v1/certificates", &log)
			for _, event := range log.Events {
				if event.Time.Equal(newest) && strings.Contains(kinds, event.Kind) {
					return newest
				}
			}
		}
		t.Fatalf("the stream ended before there was one of %s: %v", kinds, events.Err())
		return newest
	}
	first := told(time.Time{}, "ACME_EVENT_KIND_ORDERED ACME_EVENT_KIND_FAILED")
	a.run(t)
	told(first, "ACME_EVENT_KIND_ISSUED ACME_EVENT_KIND_LOADED")
}

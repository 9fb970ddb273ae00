// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
)

// answersRuled has a rule that answers of the canary break whose calls come with x-break.
func answersRuled(t testing.TB, mode validate.Responses) func(*config.Config) {
	files := changed(t,
		"import \"google/api/annotations.proto\";", "import \"buf/validate/validate.proto\";\nimport \"google/api/annotations.proto\";",
		"message CanaryResponse {", "message CanaryResponse {\n  option (buf.validate.message).cel = {id: \"whole\" message: \"is broken\" expression: \"!this.seen.metadata.exists(m, m.key == 'x-break')\"};",
	)
	return func(c *config.Config) {
		files(c)
		c.Defaults.Validate = validate.Config{Responses: mode}
	}
}

// Answers that break a rule are refused or only counted, as the policy says, by every protocol; those of streams at the message that does.
func TestAnswersAreHeldToTheirSchema(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		mode   validate.Responses
		want   decision // of an answer that breaks a rule
		counts bool
	}{
		{validate.Ignore, decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}, false},
		{validate.Report, decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}, true},
		{validate.RefuseResponses, decision{Code: "INTERNAL", Reason: "response_invalid", RPC: "Echo", Arrived: 1}, true},
	} {
		d := start(t, answersRuled(t, row.mode))
		broken := 0
		for i, w := range ways {
			good, _ := d.decide(t, w, canaryEcho, fmt.Sprintf("%s-good-%d", row.mode, i))
			if want := (decision{Code: "OK", Reason: "ok", RPC: "Echo", Arrived: 1}); fmt.Sprint(good) != fmt.Sprint(want) {
				t.Errorf("%s, %s: a good answer:\n got %+v\nwant %+v", row.mode, w.name, good, want)
			}
			got, _ := d.decide(t, w, canaryEcho, fmt.Sprintf("%s-bad-%d", row.mode, i), "x-break", "1")
			broken++
			if fmt.Sprint(got) != fmt.Sprint(row.want) {
				t.Errorf("%s, %s: an answer that breaks a rule:\n got %+v\nwant %+v", row.mode, w.name, got, row.want)
			}
		}
		told := int64(0)
		for _, s := range d.started.BrokenAnswers() {
			if s.Service == "dragoman.test.v1.EchoService" && s.Method == "Echo" {
				told = s.Broken
			}
		}
		if row.counts != (told == int64(broken)) || !row.counts && told != 0 {
			t.Errorf("%s: %d are counted of %d", row.mode, told, broken)
		}
		n := sample(d.scrape(t), "dragoman_invalid_responses_total", "service", "dragoman.test.v1.EchoService", "method", "Echo")
		if n != float64(told) {
			t.Errorf("%s: Prometheus is told of %v; want %d", row.mode, n, told)
		}
		a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "x-break", "1")
		refused := row.mode == validate.RefuseResponses
		if refused != (a.status == http.StatusBadGateway) || strings.Contains(a.body, "whole") || refused && strings.Contains(a.body, "x-break") {
			t.Errorf("%s: the client is told %d %s; want nothing of the rule, nor of the answer", row.mode, a.status, a.body)
		}
		stream := d.h1(t).call(t, "GET", "/canary/v1/stream", "", "x-break", "1")
		if refused == (strings.Count(stream.body, "seen") == 10) {
			t.Errorf("%s: a stream of answers: %d %.200s", row.mode, stream.status, stream.body)
		}
	}
}

// A stored answer is held to the rules that are in force when it is sent, and not to those of when it was stored.
func TestStoredAnswersAreHeldToTheirSchema(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		answersRuled(t, validate.RefuseResponses)(c)
		c.Defaults.Cache = &config.CachePolicy{PolicyConfig: cache.PolicyConfig{TTL: minute().TTL, Vary: []string{`headers["x-break"]`}}}
	})
	for _, cached := range []string{"miss", "hit"} {
		if a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "x-break", "1", "x-request-id", cached); a.status != http.StatusBadGateway || d.cached(t, cached) != cached {
			t.Errorf("a %s: %d, a %s", cached, a.status, d.cached(t, cached))
		}
	}
}

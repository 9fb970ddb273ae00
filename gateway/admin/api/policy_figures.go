// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// providerOf tells of a provider of authentication, but for the methods that ask it.
func providerOf(p *assemble.ProviderState) *adminv1.AuthProvider {
	out := &adminv1.AuthProvider{
		Name: p.Config.Name, Accepted: int64(p.Figures.Accepted()), Refused: map[string]int64{}, //nolint:gosec // a count
		KeysRefreshed: timeOf(p.Report.KeysRead), KeysError: p.Report.KeysError,
	}
	out.Kind, out.Location = providerKind(p.Config)
	for cause, n := range p.Figures.Refused() {
		out.Refused[string(cause)] = int64(n) //nolint:gosec // a count
	}
	for _, k := range p.Report.Keys {
		out.Keys = append(out.Keys, &adminv1.SigningKey{Id: clean(k.ID), Algorithm: k.Algorithm})
	}
	if r := p.Report.Remembers; r != nil {
		out.CacheHits, out.CacheMisses, out.CacheEntries = int64(r.Hits), int64(r.Misses), int64(r.Entries) //nolint:gosec // counts
	}
	return out
}

// limits tells of the rules of limits.
func (a *API) limits(assembly *assemble.Assembly) []*adminv1.RateLimit {
	cfg := assembly.Config()
	hidden := hiddenParts(cfg.Observability.AccessLog.Redact)
	var all []*adminv1.RateLimit
	for _, s := range assembly.Limits() {
		out := &adminv1.RateLimit{
			Name: s.Rule.Name, Key: s.Rule.Key.String(), Limit: limitText(&s.Rule), Admitted: int64(s.Admitted), Refused: int64(s.Refused), //nolint:gosec // counts
			Keys: int64(s.Keys), Origin: "option", Shared: s.Rule.Shared, WithoutStore: int64(s.Alone), //nolint:gosec // a count
		}
		if s.Index >= 0 {
			out.Match, out.Origin = cfg.RateLimits.Rules[s.Index].Match.String(), fmt.Sprintf("rate_limits.rules[%d]", s.Index)
		}
		if s.Rule.Shared {
			if out.OnError = string(s.Rule.OnError); out.OnError == "" {
				out.OnError = string(ratelimit.CountLocally)
			}
		}
		for _, h := range s.Hottest {
			out.Hottest = append(out.Hottest, &adminv1.HotKey{Key: hotText(h.Parts, hidden), Refused: int64(h.Refused)}) //nolint:gosec // a count
		}
		out.AdmittedPerSecond, out.RefusedPerSecond = a.sampler.limitRates(&s)
		all = append(all, out)
	}
	return all
}

// limitText writes what a rule allows, such as "100/s", "100/s, 5 at a time" or "5 at a time".
func limitText(r *ratelimit.Rule) string {
	var all []string
	if r.Rate != (ratelimit.Rate{}) {
		all = append(all, r.Rate.String())
	}
	if r.MaxInFlight > 0 {
		all = append(all, fmt.Sprintf("%d at a time", r.MaxInFlight))
	}
	return strings.Join(all, ", ")
}

// loggedParts are the parts of keys that lines of the access log have, by the names of their fields there.
var loggedParts = map[string]string{"client_ip": "client.address", "subject": "auth.subject", "tenant": "auth.tenant"}

// hiddenParts returns the parts of keys of which nothing may be shown, because the access log may not show them.
func hiddenParts(redact []string) []string {
	var hidden []string
	for _, name := range redact {
		if part := loggedParts[name]; part != "" {
			hidden = append(hidden, part)
		}
	}
	return hidden
}

func hotText(parts []ratelimit.Entry, hidden []string) string {
	texts := make([]string, 0, len(parts))
	for _, p := range parts {
		if slices.Contains(hidden, p.Name) {
			p.Value = ratelimit.Mask(p.Value)
		}
		texts = append(texts, p.Name+"="+p.Value)
	}
	return strings.Join(texts, " + ")
}

// limitStoreOf tells of the store of limits; nil where there is none.
func limitStoreOf(assembly *assemble.Assembly) *adminv1.LimitStore {
	state, ok := assembly.LimitStore()
	if !ok {
		return nil
	}
	out := &adminv1.LimitStore{
		Ok: state.Up, Since: timeOf(state.Since), Asked: int64(state.Asked), Failed: int64(state.Failed), FallingBack: !state.Up, //nolint:gosec // counts
	}
	switch l := &assembly.Config().RateLimits; {
	case l.Redis != nil:
		out.Kind, out.Location = "redis", strings.Join(l.Redis.Addresses, ", ")
	case l.RLS != nil:
		out.Kind, out.Location = "rls", l.RLS.Backend
	}
	if state.Cause != nil {
		out.Error = state.Cause.Error()
	}
	if state.Latency > 0 {
		out.Latency = durationpb.New(state.Latency)
	}
	return out
}

// breakersOf tells of the circuit breakers, by backend.
func breakersOf(assembly *assemble.Assembly) []*adminv1.CircuitBreaker {
	cfg := assembly.Config()
	var all []*adminv1.CircuitBreaker
	for i, b := range assembly.Backends() {
		state := &b.Calls.Breaker
		all = append(all, &adminv1.CircuitBreaker{
			Backend: b.Name, State: state.Circuit.String(), Refused: b.Calls.Shut, Reason: state.Reason, Since: timeOf(state.Since), Until: timeOf(state.Until),
			Configured: cfg.Backends[i].CircuitBreaker.FailurePercent > 0,
		})
	}
	return all
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// times converts how long calls may take. Envoy's timeout is for the whole answer, of streams too; a client's own deadline counts only
// where a maximum of it is set.
func (c *conversion) times(s *source, a *routev3.RouteAction, path string, policy *settings) {
	if d := a.GetIdleTimeout(); d != nil {
		at := join(path, "idle_timeout")
		if d.AsDuration() <= 0 {
			c.note(s, at, Done, "streams may be silent for a day here, the longest that there is")
			policy.set("stream_idle_timeout", day)
		} else {
			policy.set("stream_idle_timeout", c.within(s, at, d.AsDuration(), millisecond, day))
		}
	}
	longest, limited := c.clientDeadlines(s, a, path)
	d := a.GetTimeout()
	if d == nil {
		c.once(s, s.where(path), path, Done, "without a timeout Envoy ends all answers after 15s, streams too; here calls that do not stream have 15s, and streams no such end (stream_timeout)")
		if limited {
			policy.set("max_timeout", longest)
			if const15 := 15 * second; longest < const15 {
				policy.set("timeout", longest)
			}
		}
		return
	}
	at := join(path, "timeout")
	timeout := d.AsDuration()
	if timeout <= 0 {
		c.note(s, at, Done, "Envoy waits for ever; here it is a day, the longest that there is")
		timeout = day
	} else {
		timeout = c.within(s, at, timeout, millisecond, day)
	}
	policy.set("stream_timeout", timeout)
	if !limited {
		longest = timeout
	}
	policy.set("timeout", min(timeout, longest))
	policy.set("max_timeout", longest)
}

// clientDeadlines returns how long a deadline of a client may be, if it counts.
func (c *conversion) clientDeadlines(s *source, a *routev3.RouteAction, path string) (longest time.Duration, counts bool) {
	d, at := a.GetMaxGrpcTimeout(), join(path, "max_grpc_timeout") //nolint:staticcheck // people have it
	if m := a.GetMaxStreamDuration(); m != nil {
		own := join(path, "max_stream_duration")
		c.rest(s, m, own, "grpc_timeout_header_max")
		if m.GetGrpcTimeoutHeaderMax() != nil {
			d, at = m.GetGrpcTimeoutHeaderMax(), join(own, "grpc_timeout_header_max")
		}
	}
	if d == nil {
		return 0, false
	}
	if d.AsDuration() <= 0 {
		c.note(s, at, Done, "the longest deadline of a client is a day here")
		return day, true
	}
	return c.within(s, at, d.AsDuration(), millisecond, day), true
}

// retryCodes are our codes by Envoy's words. An empty code is for what is always done here.
var retryCodes = map[string]string{
	"unavailable": "UNAVAILABLE", "resource-exhausted": "RESOURCE_EXHAUSTED", "deadline-exceeded": "DEADLINE_EXCEEDED", "internal": "INTERNAL",
	"5xx": "UNAVAILABLE", "gateway-error": "UNAVAILABLE", "reset": "UNAVAILABLE",
	"connect-failure": "", "refused-stream": "", "reset-before-request": "",
}

// retry converts when calls are tried again.
func (c *conversion) retry(s *source, r *routev3.RetryPolicy, path string, policy *settings) {
	if r == nil {
		return
	}
	c.rest(s, r, path, "retry_on", "num_retries", "per_try_timeout", "retry_back_off")
	own := newSettings()
	attempts := uint32(2)
	if v := r.GetNumRetries(); v != nil {
		const most = 5
		attempts = c.number(s, join(path, "num_retries"), min(v.GetValue(), most)+1, 1, most)
	}
	own.set("attempts", attempts)
	var on []string
	for word := range strings.SplitSeq(r.GetRetryOn(), ",") {
		word = strings.TrimSpace(word)
		code, known := retryCodes[word]
		switch {
		case !known && word != "":
			c.note(s, join(path, "retry_on"), Left, "%q has no equal in retry.on", word)
		case code == "" || slices.Contains(on, code):
		default:
			on = append(on, code)
		}
	}
	own.set("on", on)
	if d := r.GetPerTryTimeout(); d != nil {
		own.set("per_try_timeout", c.within(s, join(path, "per_try_timeout"), d.AsDuration(), millisecond, hour))
	}
	if b := r.GetRetryBackOff(); b != nil {
		at := join(path, "retry_back_off")
		c.rest(s, b, at, "base_interval", "max_interval")
		base := c.within(s, join(at, "base_interval"), b.GetBaseInterval().AsDuration(), millisecond, time.Minute)
		own.set("backoff", base)
		if b.GetMaxInterval() != nil {
			own.set("max_backoff", c.within(s, join(at, "max_interval"), b.GetMaxInterval().AsDuration(), base, time.Minute))
		}
	}
	if len(on) > 0 {
		own.set("treat_as_idempotent", true)
		c.note(s, path, Done, "Envoy tries calls of every method again, and so does treat_as_idempotent; take it out for methods that must not be carried out twice")
	}
	policy.set("retry", own)
}

// corsFields are what both policies of CORS have.
type corsFields interface {
	GetAllowOriginStringMatch() []*matcherv3.StringMatcher
	GetAllowMethods() string
	GetAllowHeaders() string
	GetExposeHeaders() string
	GetMaxAge() string
	GetAllowCredentials() *wrapperspb.BoolValue
}

// cors converts the older form, which stands at hosts and routes.
func (c *conversion) cors(s *source, m *routev3.CorsPolicy, path string, f *filtered, policy *settings) {
	if m == nil {
		return
	}
	c.rest(s, m, path, "allow_origin_string_match", "allow_methods", "allow_headers", "expose_headers", "max_age", "allow_credentials", "filter_enabled")
	enabled := m.GetFilterEnabled()
	if enabled == nil || c.percent(s, enabled, join(path, "filter_enabled")) > 0 {
		c.origins(s, m, path, f, policy)
		return
	}
	c.note(s, join(path, "filter_enabled"), Done, "is for no call, so the policy is left out")
}

func (c *conversion) corsPolicy(s *source, m *corsv3.CorsPolicy, path string, f *filtered, policy *settings) {
	c.rest(s, m, path, "allow_origin_string_match", "allow_methods", "allow_headers", "expose_headers", "max_age", "allow_credentials", "filter_enabled")
	enabled := m.GetFilterEnabled()
	if enabled == nil || c.percent(s, enabled, join(path, "filter_enabled")) > 0 {
		c.origins(s, m, path, f, policy)
		return
	}
	c.note(s, join(path, "filter_enabled"), Done, "is for no call, so the policy is left out")
}

func (c *conversion) origins(s *source, m corsFields, path string, f *filtered, policy *settings) {
	if !f.cors {
		c.note(s, path, Done, "has no effect in Envoy without the filter envoy.filters.http.cors, and is left out")
		return
	}
	own := newSettings()
	var origins []string
	clear := false
	for i, o := range m.GetAllowOriginStringMatch() {
		at := item(join(path, "allow_origin_string_match"), i)
		origin := c.origin(s, o, at)
		clear = clear || strings.HasPrefix(origin, "http://")
		if origin == "*" {
			origins = []string{"*"}
			break
		}
		if origin != "" {
			origins = append(origins, origin)
		}
	}
	const most = 256
	if origins = unique(origins); len(origins) > most {
		c.note(s, join(path, "allow_origin_string_match"), Left, "there may be %d origins; the others are left out", most)
		origins = origins[:most]
	}
	if len(origins) == 0 {
		c.note(s, path, Left, "no origin is left, so pages of other sites cannot call; write cors.allow_origins by hand")
		return
	}
	own.set("allow_origins", origins)
	own.set("allow_headers", c.headerList(s, m.GetAllowHeaders(), join(path, "allow_headers")))
	own.set("expose_headers", c.headerList(s, m.GetExposeHeaders(), join(path, "expose_headers")))
	if m.GetAllowMethods() != "" {
		c.note(s, join(path, "allow_methods"), Done, "follows from the methods and their routes here")
	}
	switch any := origins[0] == "*"; {
	case m.GetAllowCredentials().GetValue() && any:
		c.note(s, join(path, "allow_credentials"), Left, "pages of any origin cannot send credentials here: name the origins")
	case m.GetAllowCredentials().GetValue():
		own.set("allow_credentials", true)
	case m.GetAllowCredentials() != nil:
		c.note(s, join(path, "allow_credentials"), Done, "is false, as here without a setting")
	}
	if m.GetMaxAge() != "" {
		at := join(path, "max_age")
		seconds, err := strconv.ParseUint(m.GetMaxAge(), 10, 31)
		if err != nil {
			c.note(s, at, Left, "is no number of seconds")
		} else {
			own.set("max_age", c.within(s, at, time.Duration(seconds)*second, second, day)) //nolint:gosec // of 31 bits
		}
	}
	if clear {
		own.set("dangerously_allow_http", true)
		c.note(s, path, Left, "has origins of http: who is on the way to such a page calls as its user; take out dangerously_allow_http and them")
	}
	policy.set("cors", own)
}

// originPattern is what an origin looks like that our setting takes.
var originPattern = regexp.MustCompile(`(?i)^https?://(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9][0-9]{0,4})?$`)

// origin converts what origins are matched by; "" where it has no equal. Envoy asks a matcher about "*", too: one that matches it stands for all.
func (c *conversion) origin(s *source, m *matcherv3.StringMatcher, path string) string {
	if m.GetIgnoreCase() {
		c.note(s, join(path, "ignore_case"), Done, "origins are compared without regard to case")
	}
	switch p := m.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		if p.Exact == "*" || originPattern.MatchString(p.Exact) {
			return strings.ToLower(p.Exact)
		}
	case *matcherv3.StringMatcher_Prefix:
		if p.Prefix == "*" || p.Prefix == "" {
			return "*"
		}
	case *matcherv3.StringMatcher_Suffix:
		host, dot := strings.CutPrefix(p.Suffix, ".")
		if origin := "https://*." + host; dot && originPattern.MatchString(origin) {
			c.note(s, path, Done, "is %s here, and not http or another port", origin)
			return strings.ToLower(origin)
		}
	case *matcherv3.StringMatcher_SafeRegex:
		if e := p.SafeRegex.GetRegex(); e == ".*" || e == `\*` || e == ".+" {
			return "*"
		}
	}
	c.note(s, path, Left, "has no equal: origins here are https://host, https://*.host and http://localhost:*")
	return ""
}

// headerList converts a list of names with commas between.
func (c *conversion) headerList(s *source, list, path string) []string {
	var names []string
	const most = 64
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "" || slices.Contains(names, name):
		case fieldName.MatchString(name) && len(names) < most:
			names = append(names, name)
		default:
			c.note(s, path, Left, "%q is no name that can stand here: name each field, %d at most; those of the protocols are there by themselves", name, most)
		}
	}
	return names
}

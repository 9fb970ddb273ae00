// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"fmt"
	"time"

	localv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
)

// localLimit converts a limit that each gateway keeps by itself.
func (c *conversion) localLimit(s *source, m *localv3.LocalRateLimit, path, match string) {
	c.rest(s, m, path, "stat_prefix", "token_bucket", "filter_enabled", "filter_enforced", "rate_limited_as_resource_exhausted", "enable_retry_after_header", "enable_x_ratelimit_headers",
		"status")
	const hundred = 100
	enabled := c.percent(s, m.GetFilterEnabled(), join(path, "filter_enabled"))
	enforced := c.percent(s, m.GetFilterEnforced(), join(path, "filter_enforced"))
	bucket := m.GetTokenBucket()
	switch {
	case bucket == nil:
		c.note(s, path, Done, "has no token_bucket of its own, and needs no setting")
		return
	case enabled == 0 || enforced == 0:
		c.note(s, path, Done, "refuses no call in Envoy (filter_enabled and filter_enforced), and is left out")
		return
	case enabled < hundred || enforced < hundred:
		c.note(s, path, Done, "is for all calls here, and not for %d %% of %d %%", enforced, enabled)
	}
	at := join(path, "token_bucket")
	c.rest(s, bucket, at, "max_tokens", "tokens_per_fill", "fill_interval")
	fill := uint32(1)
	if v := bucket.GetTokensPerFill(); v != nil {
		fill = v.GetValue()
	}
	limit, exact := rate(fill, bucket.GetFillInterval().AsDuration())
	if limit == "" {
		c.note(s, at, Guard, "is no limit that can be said here, which are whole numbers of calls in a second, a minute, an hour or a day")
		return
	}
	if !exact {
		c.note(s, at, Done, "is %s here, for limits are whole numbers", limit)
	}
	own := newSettings()
	name := "local"
	if len(c.limits) > 0 {
		name = fmt.Sprintf("local-%d", len(c.limits)+1)
	}
	own.set("name", name)
	if match != everything.service {
		own.set("match", match)
	}
	own.set("limit", limit)
	const most = 1000000000
	own.set("burst", c.number(s, join(at, "max_tokens"), bucket.GetMaxTokens(), 1, most))
	c.limits = append(c.limits, own)
	for field, set := range map[string]bool{
		"rate_limited_as_resource_exhausted": m.GetRateLimitedAsResourceExhausted(), "enable_retry_after_header": m.GetEnableRetryAfterHeader(),
	} {
		if set {
			c.note(s, join(path, field), Done, "is always so here")
		}
	}
	if m.GetEnableXRatelimitHeaders() != 0 {
		c.note(s, join(path, "enable_x_ratelimit_headers"), Left, "clients are told by RateLimit and RateLimit-Policy here, of refusals; rate_limits.announce tells them in every answer")
	}
	if m.GetStatus() != nil {
		c.note(s, join(path, "status"), Left, "refusals are 429 here, and RESOURCE_EXHAUSTED")
	}
}

// rate writes a number of calls in a time as a setting; exact is false where it had to be rounded down, and "" is for what cannot be said.
func rate(calls uint32, each time.Duration) (limit string, exact bool) {
	if calls == 0 || each <= 0 {
		return "", false
	}
	units := []struct {
		name string
		time time.Duration
	}{{"s", time.Second}, {"m", time.Minute}, {"h", hour}, {"d", day}}
	const most = 1000000000
	best := ""
	for _, u := range units {
		whole := float64(calls) * float64(u.time) / float64(each)
		if whole > most {
			break
		}
		if n := uint64(whole); n > 0 {
			best = fmt.Sprintf("%d/%s", n, u.name)
			if float64(n) == whole {
				return best, true
			}
		}
	}
	return best, false
}

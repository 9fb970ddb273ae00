// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"strconv"
	"strings"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// leastDebugToken is how long a token is at least: who guesses it learns how long things take.
const leastDebugToken = 16

func (k *compiler) observability(m *configv1.Observability) {
	const path = "observability"
	o := &k.cfg.Observability
	if level := m.GetLog().GetLevel(); level != "" {
		if err := o.Log.Level.UnmarshalText([]byte(level)); err != nil {
			k.on(path+".log.level", "", "%s", err)
		}
	}
	o.Log.Format, o.Log.Endpoint = Format(m.GetLog().GetFormat()), m.GetLog().GetOtlpEndpoint()
	k.accessLog(m.GetAccessLog(), path+".access_log")
	from := m.GetTracing()
	o.Tracing = Tracing{
		Endpoint: from.GetOtlpEndpoint(), IgnoreParent: from != nil && from.ObeyParent != nil && !from.GetObeyParent(),
		SamplePercent: k.percent(from.GetSamplePercent(), path+".tracing.sample_percent"), Link: k.traceLink(from.GetLink(), path+".tracing.link"),
	}
	o.Metrics = Metrics{
		Path: m.GetMetrics().GetPath(), Off: m.GetMetrics().GetOff(), Endpoint: m.GetMetrics().GetOtlpEndpoint(), Interval: m.GetMetrics().GetInterval().AsDuration(),
	}
	k.metricsPath(o.Metrics.Path, path+".metrics.path")
	o.OTLP = OTLP{
		Headers: m.GetOtlp().GetHeaders(), CA: k.file(m.GetOtlp().GetCa()), Gzip: m.GetOtlp().GetGzip(), Timeout: m.GetOtlp().GetTimeout().AsDuration(),
	}
	o.HideReason = m != nil && m.ReasonHeader != nil && !m.GetReasonHeader()
	if o.DebugToken = m.GetDebugToken(); o.DebugToken != "" && len(o.DebugToken) < leastDebugToken {
		k.on(path+".debug_token", "", "has %d characters; it must have at least %d", len(o.DebugToken), leastDebugToken)
	}
}

// traceLink returns the link of a trace, and reports what looks as one and is no URL.
func (k *compiler) traceLink(link, at string) string {
	if link == "" || k.isRefused(at) {
		return link
	}
	if u, err := url.Parse(strings.Replace(link, TraceIDPlace, "0", 1)); err != nil || u.Hostname() == "" {
		k.on(at, "", "%s", patternSentence("trace_id"))
	}
	return link
}

// metricsPath reports a path that something else has.
func (k *compiler) metricsPath(path, at string) {
	for _, taken := range []string{"/", "/livez", "/readyz", "/backends", "/events"} {
		if path == taken {
			k.on(at, "", "is %s, which is something else on the admin address", path)
		}
	}
	if strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/debug/") {
		k.on(at, "", "is %s, which is something else on the admin address", path)
	}
}

func (k *compiler) accessLog(m *configv1.AccessLog, path string) {
	a := &k.cfg.Observability.AccessLog
	*a = AccessLog{
		Output: m.GetOutput(), Format: Format(m.GetFormat()), OTLP: m.GetOtlp(), Headers: m.GetHeaders(), Redact: m.GetRedact(),
		SamplePercent: k.percent(m.GetSamplePercent(), path+".sample_percent"), AlwaysOver: m.GetAlwaysOver().AsDuration(),
	}
	k.distinct(a.Headers, path+".headers")
	k.distinct(a.Redact, path+".redact")
	switch output := a.Output; {
	case output == "", output == OutputStdout, output == OutputStderr, output == OutputOff:
	case strings.ContainsAny(output, `/\`):
		a.Output = k.file(output)
	default:
		hint := "to write to a file here, say ./" + output
		if best := closest(output, []string{OutputStdout, OutputStderr, OutputOff}); best != "" {
			hint = "did you mean " + best + "?"
		}
		if k.place(path+".output").raw != "" {
			hint = ""
		}
		k.on(path+".output", hint, "must be stdout, stderr, off, or the path of a file, with a slash in it")
	}
}

// percent returns a percentage; nil when it is not set.
func (k *compiler) percent(s, path string) *float64 {
	if s == "" || k.isRefused(path) {
		return nil
	}
	const all = 100
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n > all {
		k.on(path, "", "%s", patternSentence("{1,4})?"))
		return nil
	}
	return &n
}

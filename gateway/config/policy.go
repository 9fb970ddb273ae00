// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
)

// Policy is what one place of the configuration says about calls. A zero field says nothing.
type Policy struct {
	// Deadline bounds how long calls take.
	Deadline deadline.Config
	// REST says how methods are served over REST.
	REST REST
	// JSON says how messages are written as JSON and read from it.
	JSON JSON
	// Headers say which header fields of a request reach the backend.
	Headers headers.Config
	// CORS says which pages of other origins may call.
	CORS *cors.Config
	// HideInternalErrors keeps what INTERNAL and UNKNOWN say from clients.
	HideInternalErrors *bool
	// Retry says when a call is tried again.
	Retry backend.RetryConfig
	// Hedge says that a call which is not answered soon is made once more; nil says that it is not.
	Hedge *backend.HedgeConfig
	// Auth are alternatives of who may call: names of providers with a plus between, or Everybody.
	Auth []string
	// Validate says what the messages of requests are held to.
	Validate validate.Config
	// Redact says which fields are taken out of answers.
	Redact *Redaction
	// Cache says which answers are stored; nil says that none is.
	Cache *CachePolicy
}

// Service says which backend serves some services, and by which policy.
type Service struct {
	// Match names the services.
	Match Glob
	// Backend is the name of the backend, for calls that no rule of Split takes; "" where Split says of all where they go.
	Backend string
	// Split sends calls to other backends, in this order.
	Split []split.Rule
	// Sticky keeps calls on one side of Split.
	Sticky split.Key
	// Mirror is where copies of calls go; nil sends none.
	Mirror *Mirror
	// Passthrough passes methods that no schema has on to the backend.
	Passthrough bool
	// Policy is for all their methods.
	Policy Policy
	// Methods are exceptions; their names are unique.
	Methods []Method
}

// Method returns the index of the exception for a method, or -1.
func (s *Service) Method(name string) int {
	return slices.IndexFunc(s.Methods, func(m Method) bool { return m.Name == name })
}

// Method is an exception for one method.
type Method struct {
	// Name is the method's, without its service.
	Name string
	// Policy is the method's own.
	Policy Policy
	// HTTP are the method's HTTP rules, instead of its annotation and of the rules of files; none leaves it those.
	HTTP []HTTPRule
	// Backend, Split and Sticky are instead of those of the service, where Backend or Split is set.
	Backend string
	Split   []split.Rule
	Sticky  split.Key
	// Mirror is instead of the service's; nil leaves it that.
	Mirror *Mirror
}

// Origin says which rule set a value: the path of the setting, such as services[1].policy.timeout, or the field of an option in the schema,
// (dragoman.policy.v1.method).timeout. "" is the built-in default.
type Origin string

// InSchema tells whether an option in the schema set the value, of the method's service or its own.
func (o Origin) InSchema() bool { return strings.HasPrefix(string(o), "(") }

// BuiltIn is the origin of a value that no setting set.
const BuiltIn Origin = ""

// Origins say for each value of a policy which rule set it, by the value's name in the file, such as timeout or json.emit_defaults.
// Values that no rule set are not in it, but for the deadlines, which always have a value.
type Origins map[string]Origin

// ServiceFor returns the index of the entry of Services that is in force for a service, by its full name: the most specific
// of those that match it, and of several that are equally specific the first. It is false when none matches.
func (c *Config) ServiceFor(service string) (int, bool) {
	best := -1
	for i := range c.Services {
		g := c.Services[i].Match
		if g.Match(service) && (best < 0 || g.compare(c.Services[best].Match) < 0) {
			best = i
		}
	}
	return best, best >= 0
}

// PolicyFor returns the policy of a method: each value from the most specific place that has it, the method, the entry of
// Services that is in force, Defaults, or what is built in; and which of them it was. The service's name is the full one,
// the method's is its own alone. Every value is set.
func (c *Config) PolicyFor(service, method string) (Policy, Origins) {
	i, ok := c.ServiceFor(service)
	if !ok {
		return c.PolicyAt(-1, -1)
	}
	return c.PolicyAt(i, c.Services[i].Method(method))
}

// PolicyAt returns the policy of the methods that an exception of an entry of Services is for, by their indices: -1 for none.
func (c *Config) PolicyAt(service, method int) (Policy, Origins) {
	return c.PolicyWith(service, method, nil, nil)
}

// PolicyWith is PolicyAt for a method whose schema says something: the option of its service, and its own; nil for none. The more specific place
// counts, and of two that are equally specific the configuration.
func (c *Config) PolicyWith(service, method int, ofService, ofMethod *Option) (Policy, Origins) {
	layers := []layer{c.base(), {path: "defaults", policy: &c.Defaults}}
	if ofService != nil {
		layers = append(layers, layer{path: ofService.Name, policy: &ofService.Policy})
	}
	if i := service; i >= 0 {
		layers = append(layers, layer{path: fmt.Sprintf("services[%d].policy", i), policy: &c.Services[i].Policy})
	}
	if ofMethod != nil {
		layers = append(layers, layer{path: ofMethod.Name, policy: &ofMethod.Policy})
	}
	if i, j := service, method; i >= 0 && j >= 0 {
		layers = append(layers, layer{path: fmt.Sprintf("services[%d].methods[%d].policy", i, j), policy: &c.Services[i].Methods[j].Policy})
	}
	return resolve(layers)
}

// base is what the file says for all calls outside of any policy.
func (c *Config) base() layer {
	return layer{policy: &Policy{JSON: c.JSON, REST: REST{
		UnknownQuery: c.Routes.UnknownQuery, IgnoredQueryParameters: c.Routes.IgnoredQueryParameters, MaxQueryParameters: c.Routes.MaxQueryParameters,
	}}}
}

// layer is a policy and where it stands; the path of the base is "".
type layer struct {
	path   string
	policy *Policy
}

// origin is where the layer's value of that name stands.
func (l *layer) origin(name string) Origin {
	if l.path == "" {
		return Origin(strings.Replace(name, "rest.", "routes.", 1))
	}
	return Origin(l.path + "." + name)
}

// value is one value of a policy.
type value struct {
	name string
	set  func(*Policy) bool
	take func(to, from *Policy)
	at   func(*Policy) any
}

// of describes the value that at points to. A zero value is not set.
func of[T any](name string, at func(*Policy) *T) value {
	return value{
		name: name,
		set:  func(p *Policy) bool { return !reflect.ValueOf(at(p)).Elem().IsZero() },
		take: func(to, from *Policy) { *at(to) = *at(from) },
		at:   func(p *Policy) any { return at(p) },
	}
}

// policyValues are all that a policy can say. A test holds that none is missing.
var policyValues = []value{
	of("timeout", func(p *Policy) *time.Duration { return &p.Deadline.Timeout }),
	of("max_timeout", func(p *Policy) *time.Duration { return &p.Deadline.MaxTimeout }),
	of("stream_idle_timeout", func(p *Policy) *time.Duration { return &p.Deadline.StreamIdle }),
	of("stream_timeout", func(p *Policy) *time.Duration { return &p.Deadline.StreamTimeout }),

	of("rest.profile", func(p *Policy) *string { return &p.REST.Profile }),
	of("rest.unknown_query", func(p *Policy) *UnknownQuery { return &p.REST.UnknownQuery }),
	of("rest.ignored_query_parameters", func(p *Policy) *[]string { return &p.REST.IgnoredQueryParameters }),
	of("rest.max_query_parameters", func(p *Policy) *int { return &p.REST.MaxQueryParameters }),
	of("rest.any_content_type", func(p *Policy) **bool { return &p.REST.AnyContentType }),
	of("rest.success_status", func(p *Policy) *int { return &p.REST.SuccessStatus }),
	of("rest.no_content_for_empty", func(p *Policy) **bool { return &p.REST.NoContentForEmpty }),
	of("rest.status_from", func(p *Policy) **StatusFrom { return &p.REST.StatusFrom }),
	of("rest.etag", func(p *Policy) *string { return &p.REST.ETag }),
	of("rest.cache_control", func(p *Policy) *string { return &p.REST.CacheControl }),
	of("rest.request_headers", func(p *Policy) *map[string]string { return &p.REST.RequestHeaders }),
	of("rest.response_headers", func(p *Policy) *map[string]string { return &p.REST.ResponseHeaders }),
	of("rest.trailers_as_headers", func(p *Policy) *[]string { return &p.REST.TrailersAsHeaders }),
	of("rest.errors", func(p *Policy) **Errors { return &p.REST.Errors }),
	of("rest.multipart", func(p *Policy) **bool { return &p.REST.Multipart }),
	of("rest.stream_format", func(p *Policy) *string { return &p.REST.StreamFormat }),
	of("rest.sse_id", func(p *Policy) *string { return &p.REST.SSEID }),
	of("rest.sse_retry", func(p *Policy) *time.Duration { return &p.REST.SSERetry }),
	of("rest.capture_query_into", func(p *Policy) *string { return &p.REST.CaptureQueryInto }),
	of("rest.max_query_list_elements", func(p *Policy) *int { return &p.REST.MaxQueryListElements }),
	of("rest.json_parameters", func(p *Policy) **bool { return &p.REST.JSONParameters }),
	of("rest.mask_field", func(p *Policy) *string { return &p.REST.MaskField }),
	of("rest.any_mask_path", func(p *Policy) **bool { return &p.REST.AnyMaskPath }),
	of("rest.compression", func(p *Policy) **Compression { return &p.REST.Compression }),
	of("rest.bind_every_message", func(p *Policy) **bool { return &p.REST.BindEvery }),

	of("json.proto_field_names", func(p *Policy) **bool { return &p.JSON.ProtoFieldNames }),
	of("json.int64_as_number", func(p *Policy) **bool { return &p.JSON.Int64AsNumber }),
	of("json.enums_as_numbers", func(p *Policy) **bool { return &p.JSON.EnumsAsNumbers }),
	of("json.emit_defaults", func(p *Policy) *EmitDefaults { return &p.JSON.EmitDefaults }),
	of("json.reject_unknown_fields", func(p *Policy) **bool { return &p.JSON.RejectUnknownFields }),
	of("json.strip_enum_prefix", func(p *Policy) **bool { return &p.JSON.StripEnumPrefix }),
	of("json.fold_enum_case", func(p *Policy) **bool { return &p.JSON.FoldEnumCase }),
	of("json.drop_redacted", func(p *Policy) **bool { return &p.JSON.DropRedacted }),
	of("json.refuse_unknown_any", func(p *Policy) **bool { return &p.JSON.RefuseUnknownAny }),

	of("headers.allow", func(p *Policy) *[]string { return &p.Headers.Allow }),
	of("headers.deny", func(p *Policy) *[]string { return &p.Headers.Deny }),
	of("headers.request.drop", func(p *Policy) *[]string { return &p.Headers.Request.Drop }),
	of("headers.request.rename", func(p *Policy) *map[string]string { return &p.Headers.Request.Rename }),
	of("headers.request.set", func(p *Policy) *map[string]string { return &p.Headers.Request.Set }),
	of("headers.request.append", func(p *Policy) *map[string]string { return &p.Headers.Request.Append }),
	of("headers.response.drop", func(p *Policy) *[]string { return &p.Headers.Response.Drop }),
	of("headers.response.rename", func(p *Policy) *map[string]string { return &p.Headers.Response.Rename }),
	of("headers.response.set", func(p *Policy) *map[string]string { return &p.Headers.Response.Set }),
	of("headers.response.append", func(p *Policy) *map[string]string { return &p.Headers.Response.Append }),
	of("cors", func(p *Policy) **cors.Config { return &p.CORS }),
	of("retry.attempts", func(p *Policy) *int { return &p.Retry.Attempts }),
	of("retry.on", func(p *Policy) *[]codes.Code { return &p.Retry.On }),
	of("retry.backoff", func(p *Policy) *time.Duration { return &p.Retry.Backoff }),
	of("retry.max_backoff", func(p *Policy) *time.Duration { return &p.Retry.MaxBackoff }),
	of("retry.per_try_timeout", func(p *Policy) *time.Duration { return &p.Retry.PerTryTimeout }),
	of("retry.treat_as_idempotent", func(p *Policy) **bool { return &p.Retry.TreatAsIdempotent }),

	of("hedge", func(p *Policy) **backend.HedgeConfig { return &p.Hedge }),

	of("hide_internal_errors", func(p *Policy) **bool { return &p.HideInternalErrors }),
	of("auth", func(p *Policy) *[]string { return &p.Auth }),
	of("validate_requests", func(p *Policy) **bool { return &p.Validate.Requests }),
	of("validate_responses", func(p *Policy) *validate.Responses { return &p.Validate.Responses }),
	of("field_behavior.required", func(p *Policy) **bool { return &p.Validate.Required }),
	of("redact", func(p *Policy) **Redaction { return &p.Redact }),
	of("field_behavior.output_only", func(p *Policy) *validate.OutputOnly { return &p.Validate.OutputOnly }),
	of("cache", func(p *Policy) **CachePolicy { return &p.Cache }),
}

// resolve puts policies over each other, the most specific last.
func resolve(layers []layer) (Policy, Origins) {
	var p Policy
	origins := Origins{}
	for i := range layers {
		l := &layers[i]
		for _, v := range policyValues {
			if v.set(l.policy) {
				v.take(&p, l.policy)
				origins[v.name] = l.origin(v.name)
			}
		}
	}
	d := &p.Deadline
	builtIn := func(name string, dst *time.Duration, value time.Duration) {
		if *dst == 0 {
			*dst = value
			origins[name] = BuiltIn
		}
	}
	builtIn("max_timeout", &d.MaxTimeout, deadline.DefaultMaxTimeout)
	builtIn("timeout", &d.Timeout, min(deadline.DefaultTimeout, d.MaxTimeout)) // who only lowers max_timeout need not lower both
	builtIn("stream_idle_timeout", &d.StreamIdle, deadline.DefaultStreamIdle)
	return p, origins
}

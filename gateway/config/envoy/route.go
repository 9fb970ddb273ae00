// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"net"
	"regexp"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	localv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
)

// rule is a route: the calls that it is for, and where they go.
type rule struct {
	pattern  pattern
	listener string
	hosts    []string          // none for all
	headers  map[string]string // as conditions of a split have them
	targets  []target          // none for a route that ends calls
	policy   *settings
	mirror   *settings

	source *source
	path   string
	used   bool
}

// target is a backend and its share.
type target struct {
	backend string
	weight  uint32
}

// conditional says whether a rule leaves calls of its pattern to others.
func (r *rule) conditional() bool { return len(r.hosts) > 0 || len(r.headers) > 0 }

// hosts converts virtual hosts, the most specific first.
func (c *conversion) hosts(s *source, t *routev3.RouteConfiguration, path string, f *filtered) {
	type host struct {
		*routev3.VirtualHost

		path  string
		hosts []string
	}
	var list []host
	for i, v := range t.GetVirtualHosts() {
		at := item(path, i)
		c.rest(s, v, at, "name", "domains", "routes", "cors", "typed_per_filter_config", "retry_policy")
		hosts, ok := c.domains(s, v.GetDomains(), join(at, "domains"))
		if ok {
			list = append(list, host{v, at, hosts})
		}
	}
	slices.SortStableFunc(list, func(a, b host) int { return specific(b.hosts) - specific(a.hosts) })
	if len(list) == 1 && len(list[0].hosts) > 0 {
		c.note(s, join(list[0].path, "domains"), Done, "calls are served whatever their host is: there is one virtual host, and the services are not told apart by hosts")
		list[0].hosts = nil
	}
	for i, v := range list {
		policy := newSettings()
		c.cors(s, v.GetCors(), join(v.path, "cors"), f, policy) //nolint:staticcheck // people have it
		c.perFilter(s, v.GetTypedPerFilterConfig(), join(v.path, "typed_per_filter_config"), f, policy, everything, len(list) == 1)
		c.retry(s, v.GetRetryPolicy(), join(v.path, "retry_policy"), policy)
		closed := false
		for j, r := range v.GetRoutes() {
			rule := c.route(s, r, item(join(v.path, "routes"), j), f)
			if rule == nil {
				continue
			}
			rule.hosts = append(rule.hosts, v.hosts...)
			inherit(rule.policy, policy)
			closed = closed || rule.pattern == everything && len(rule.headers) == 0
			c.rules = append(c.rules, rule)
		}
		if i+1 < len(list) && !closed && len(v.hosts) > 0 {
			c.note(s, v.path, Left, "calls of these hosts that no route of theirs takes go on to the routes of other hosts here")
		}
	}
}

// inherit gives a policy what it does not say itself.
func inherit(policy, wider *settings) {
	for i := 0; i < len(wider.node.Content); i += 2 {
		if name := wider.node.Content[i].Value; !policy.has(name) {
			policy.node.Content = append(policy.node.Content, wider.node.Content[i], wider.node.Content[i+1])
		}
	}
}

// specific orders hosts: names before patterns, and these before all.
func specific(hosts []string) int {
	most := 0
	for _, h := range hosts {
		n := len(h)
		if !strings.HasPrefix(h, "*") {
			const longest = 1000
			n += longest
		}
		most = max(most, n)
	}
	return most
}

var hostName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// domains converts the domains of a virtual host; none stand for all.
func (c *conversion) domains(s *source, list []string, path string) (hosts []string, ok bool) {
	const most = 64
	for i, d := range list {
		at := item(path, i)
		if d == "*" {
			return nil, true
		}
		name := d
		if h, _, err := net.SplitHostPort(d); err == nil {
			name = h
			c.once(s, s.where(at), at, Done, "ports of hosts are not looked at here")
		}
		if !hostName.MatchString(name) || len(name) > 253 || slices.Contains(hosts, name) {
			if !slices.Contains(hosts, name) {
				c.note(s, at, Left, "is no host that a rule here can have, which are names, and *. before a name")
			}
			continue
		}
		if len(hosts) == most {
			c.note(s, at, Left, "a rule has %d hosts at most", most)
			break
		}
		hosts = append(hosts, name)
	}
	if len(hosts) == 0 {
		c.note(s, path, Left, "the virtual host is left out: no host of its can be said here")
	}
	return hosts, len(hosts) > 0
}

// route converts one route; nil where it has no place.
func (c *conversion) route(s *source, r *routev3.Route, path string, f *filtered) *rule {
	own := &rule{headers: map[string]string{}, policy: newSettings(), source: s, path: path}
	c.rest(s, r, path, "name", "match", "route", "typed_per_filter_config", "direct_response", "redirect", "stat_prefix")
	if !c.match(s, r.GetMatch(), join(path, "match"), f, own) {
		return nil
	}
	switch {
	case r.GetDirectResponse() != nil:
		c.note(s, join(path, "direct_response"), Left, "no answer can be written here; such calls are answered as calls of a method that is not there")
		return own
	case r.GetRedirect() != nil:
		c.note(s, join(path, "redirect"), Left, "nothing is redirected here; such calls are answered as calls of a method that is not there")
		return own
	case r.GetRoute() == nil:
		c.note(s, path, Left, "the route leads nowhere that there is here, and is left out")
		return nil
	}
	at := join(path, "route")
	a := r.GetRoute()
	c.rest(s, a, at, "cluster", "weighted_clusters", "timeout", "retry_policy", "max_stream_duration", "cors", "hash_policy", "request_mirror_policies", "idle_timeout",
		"max_grpc_timeout")
	if !c.targets(s, a, at, own) {
		return nil
	}
	c.times(s, a, at, own.policy)
	c.retry(s, a.GetRetryPolicy(), join(at, "retry_policy"), own.policy)
	c.cors(s, a.GetCors(), join(at, "cors"), f, own.policy) //nolint:staticcheck // people have it
	c.perFilter(s, r.GetTypedPerFilterConfig(), join(path, "typed_per_filter_config"), f, own.policy, own.pattern, !own.conditional())
	c.hashing(s, a, join(at, "hash_policy"), own.targets)
	c.mirrors(s, a, join(at, "request_mirror_policies"), own)
	return own
}

// match converts what a route is for. What it cannot say it must not leave out: the route would take calls that are not its.
func (c *conversion) match(s *source, m *routev3.RouteMatch, path string, f *filtered, own *rule) bool {
	var ok, sure bool
	switch p := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		own.pattern, sure, ok = prefixPattern(p.Prefix)
	case *routev3.RouteMatch_PathSeparatedPrefix:
		own.pattern, _, ok = prefixPattern(p.PathSeparatedPrefix + "/")
		sure = true
	case *routev3.RouteMatch_Path:
		own.pattern, ok = pathPattern(p.Path)
		sure = true
	}
	if !ok {
		hint := "routes here are by service and method"
		if f.transcodes && f.matchesREST {
			hint = "routes here are by service and method, and not by paths of REST, though match_incoming_request_route is set"
		}
		c.note(s, path, Left, "the route is left out, for its path is none of a service: %s", hint)
		return false
	}
	if !sure {
		c.note(s, path, Done, "is for %s here, and not for all names that begin so", own.pattern.service)
	}
	c.rest(s, m, path, "prefix", "path_separated_prefix", "path", "headers", "grpc", "case_sensitive", "runtime_fraction", "query_parameters", "cookies",
		"tls_context", "dynamic_metadata", "filter_state")
	if m.GetCaseSensitive() != nil && !m.GetCaseSensitive().GetValue() {
		c.note(s, join(path, "case_sensitive"), Done, "names of services and methods are exact here")
	}
	if m.GetGrpc() != nil {
		c.note(s, join(path, "grpc"), Done, "the route is for all protocols here: to the backend all is gRPC")
	}
	for name, there := range map[string]bool{
		"query_parameters": len(m.GetQueryParameters()) > 0, "cookies": len(m.GetCookies()) > 0, "tls_context": m.GetTlsContext() != nil,
		"dynamic_metadata": len(m.GetDynamicMetadata()) > 0, "filter_state": len(m.GetFilterState()) > 0,
		"runtime_fraction": m.GetRuntimeFraction() != nil,
	} {
		if there {
			c.note(s, join(path, name), Left, "the route is left out: this condition has no equal; a rule of split with when says much")
			ok = false
		}
	}
	for i, h := range m.GetHeaders() {
		if !c.header(s, h, item(join(path, "headers"), i), own) {
			ok = false
		}
	}
	return ok
}

var fieldName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// header converts a condition on a header field.
func (c *conversion) header(s *source, h *routev3.HeaderMatcher, path string, own *rule) bool {
	name, value, ok := strings.ToLower(h.GetName()), "", false
	switch m := h.GetHeaderMatchSpecifier().(type) {
	case *routev3.HeaderMatcher_ExactMatch:
		value, ok = m.ExactMatch, m.ExactMatch != "" && !strings.HasSuffix(m.ExactMatch, "*") //nolint:staticcheck // people have it
	case *routev3.HeaderMatcher_PrefixMatch:
		value, ok = m.PrefixMatch+"*", true //nolint:staticcheck // people have it
	case *routev3.HeaderMatcher_PresentMatch:
		value, ok = "*", m.PresentMatch
	case *routev3.HeaderMatcher_StringMatch:
		if exact, is := exactly(m.StringMatch); is {
			value, ok = exact, exact != "" && !strings.HasSuffix(exact, "*")
		} else if p, is := m.StringMatch.GetMatchPattern().(*matcherv3.StringMatcher_Prefix); is && !m.StringMatch.GetIgnoreCase() {
			value, ok = p.Prefix+"*", true
		}
	}
	c.rest(s, h, path, "name", "exact_match", "prefix_match", "present_match", "string_match", "safe_regex_match", "range_match", "suffix_match", "contains_match",
		"invert_match", "treat_missing_header_as_empty")
	switch {
	case !ok || h.GetInvertMatch() || h.GetTreatMissingHeaderAsEmpty():
	case name == ":authority" && hostName.MatchString(value):
		own.hosts = append(own.hosts, value)
		return true
	case name == "content-type" && strings.HasPrefix(value, "application/grpc"):
		c.note(s, path, Done, "the route is for all protocols here: to the backend all is gRPC")
		return true
	case fieldName.MatchString(name) && own.headers[name] == "":
		own.headers[name] = value
		return true
	}
	c.note(s, path, Left, "the route is left out: only exact values, beginnings and presence of header fields are there; a rule of split with when says more")
	return false
}

// exactly returns the text that a matcher is for, if it is for one alone.
func exactly(m *matcherv3.StringMatcher) (string, bool) {
	e, ok := m.GetMatchPattern().(*matcherv3.StringMatcher_Exact)
	if !ok || m.GetIgnoreCase() {
		return "", false
	}
	return e.Exact, true
}

// targets converts where a route leads.
func (c *conversion) targets(s *source, a *routev3.RouteAction, path string, own *rule) bool {
	add := func(cluster, at string, weight uint32) bool {
		backend := c.backendOf(cluster)
		if backend == "" {
			c.note(s, at, Left, "the route is left out: the cluster %q is not in what was given, or has no place here", cluster)
			return false
		}
		own.targets = append(own.targets, target{backend, weight})
		return true
	}
	switch to := a.GetClusterSpecifier().(type) {
	case *routev3.RouteAction_Cluster:
		return add(to.Cluster, join(path, "cluster"), 0)
	case *routev3.RouteAction_WeightedClusters:
		at := join(path, "weighted_clusters")
		c.rest(s, to.WeightedClusters, at, "clusters", "total_weight")
		if to.WeightedClusters.GetTotalWeight() != nil { //nolint:staticcheck // people have it
			c.note(s, join(at, "total_weight"), Done, "weights are relative to each other here")
		}
		total := uint32(0)
		for i, w := range to.WeightedClusters.GetClusters() {
			each := item(join(at, "clusters"), i)
			c.rest(s, w, each, "name", "weight")
			const most = 1000000
			weight := c.number(s, join(each, "weight"), w.GetWeight().GetValue(), 0, most)
			total += weight
			if !add(w.GetName(), join(each, "name"), weight) {
				return false
			}
		}
		if total == 0 {
			c.note(s, at, Left, "the route is left out: no cluster has a weight")
		}
		return total > 0
	default:
		c.note(s, path, Left, "the route is left out: it leads to no cluster by name")
		return false
	}
}

// backendOf returns our name of a cluster; "" for one that has no place.
func (c *conversion) backendOf(cluster string) string {
	k, ok := c.clusters[cluster]
	if !ok || placement(k.message) == "" {
		return ""
	}
	return c.backends[cluster]
}

// perFilter converts what a host or a route says to filters.
func (c *conversion) perFilter(s *source, m map[string]*anypb.Any, path string, f *filtered, policy *settings, p pattern, whole bool) {
	for _, name := range sorted(m) {
		at := entry(path, name)
		switch m := opened(m[name]).(type) {
		case *corsv3.CorsPolicy:
			c.corsPolicy(s, m, at, f, policy)
		case *localv3.LocalRateLimit:
			if !whole {
				c.note(s, at, Guard, "a limit here is for services and methods, and not for hosts and header fields")
				continue
			}
			match := p.service
			if p.method != "" {
				match += "/" + p.method
			}
			c.localLimit(s, m, at, match)
		case nil: // there is a note
		default:
			c.note(s, at, Guard, "what is said to the filter %q for a part of the routes is left out; policies of services and methods can differ", name)
		}
	}
}

// mirrors converts where copies of calls go.
func (c *conversion) mirrors(s *source, a *routev3.RouteAction, path string, own *rule) {
	for i, m := range a.GetRequestMirrorPolicies() {
		at := item(path, i)
		c.rest(s, m, at, "cluster", "runtime_fraction")
		backend := c.backendOf(m.GetCluster())
		percent := uint32(100)
		if f := m.GetRuntimeFraction(); f != nil {
			percent = c.percent(s, f, join(at, "runtime_fraction"))
		}
		taken := slices.ContainsFunc(own.targets, func(t target) bool { return t.backend == backend })
		switch {
		case i > 0 || backend == "" || taken:
			c.note(s, at, Left, "a call has one copy here, at a backend that gets no other calls of the method; this one is left out")
		case percent == 0:
			c.note(s, at, Left, "less than one of a hundred calls cannot be said here; mirror.percent begins with 1")
		default:
			own.mirror = newSettings()
			own.mirror.set("backend", backend)
			own.mirror.set("percent", percent)
		}
	}
}

// percent returns a fraction in whole percent.
func (c *conversion) percent(s *source, f *corev3.RuntimeFractionalPercent, path string) uint32 {
	c.rest(s, f, path, "default_value")
	n := uint64(f.GetDefaultValue().GetNumerator())
	of := map[typev3.FractionalPercent_DenominatorType]uint64{
		typev3.FractionalPercent_HUNDRED: 100, typev3.FractionalPercent_TEN_THOUSAND: 10000, typev3.FractionalPercent_MILLION: 1000000,
	}[f.GetDefaultValue().GetDenominator()]
	if of == 0 {
		return 0
	}
	const hundred = 100
	whole := min(n*hundred/of, hundred)
	if n*hundred%of != 0 {
		c.note(s, path, Done, "is %d %% here: percents are whole", whole)
	}
	return uint32(whole) //nolint:gosec // at most a hundred
}

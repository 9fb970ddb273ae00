// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// remedy is what there is to say of a field or a type that is not converted.
type remedy struct {
	name string // the end of its full name, or all of it
	kind Kind
	text string
}

// remedies are the fields and types that people have, by the ends of their names; the first that fits counts. What is not here is left,
// without a word on what to do: nobody has thought of it.
var remedies = []remedy{
	// What needs no setting, or has none because it says nothing to anybody.
	{".stat_prefix", Done, "metrics have names of their own here (docs/telemetry.md)"},
	{".alt_stat_name", Done, "metrics have names of their own here (docs/telemetry.md)"},
	{"Bootstrap.node", Done, "the gateway asks no control plane who it is"},
	{"Router.dynamic_stats", Done, "calls are counted by method without a setting (docs/telemetry.md)"},
	{"Router.suppress_envoy_headers", Done, "no fields of Envoy are sent"},
	{"Router.start_child_span", Done, "each attempt has a span of its own where calls are traced"},
	{".typed_header_validation_config", Done, "heads are always held to HTTP here"},
	{".generate_request_id", Done, "every call has an id here (docs/clients.md)"},
	{".preserve_external_request_id", Done, "an id that a client sends is kept if it is well formed (docs/clients.md)"},
	{".always_set_request_id_in_response", Done, "x-request-id is in every answer here"},
	{".delayed_close_timeout", Done, "needs no setting"},
	{".normalize_path", Done, "paths are matched as they come; routes.reject_dot_segments refuses those with dots"},
	{".merge_slashes", Done, "an empty segment matches nothing here"},
	{".path_with_escaped_slashes_action", Done, "%2F is data here; routes.unescape says how values are decoded"},
	{".strip_any_host_port", Done, "ports of hosts are not looked at here"},
	{".strip_matching_host_port", Done, "ports of hosts are not looked at here"},
	{".per_connection_buffer_limit_bytes", Done, "buffers follow from limits and windows (listeners.limits, listeners.connections)"},
	{".access_log_path", Done, "what the admin listener is asked is not logged here"},
	{".profile_path", Done, "profiles are had from /debug/pprof of the admin listener, where it is on"},
	{".respect_dns_ttl", Done, "names are looked up every resolve_interval, and when a connection is lost"},
	{".wait_for_warm_on_init", Done, "the gateway serves when its schemas are loaded; backends connect by themselves"},
	{".ignore_health_on_host_removal", Done, "a server that its source does not name any more gets no calls"},
	{"Route.metadata", Done, "says nothing to clients or backends"},
	{"Cluster.metadata", Done, "says nothing to clients or backends"},
	{"Listener.metadata", Done, "says nothing to clients or backends"},
	{"Route.decorator", Done, "spans have the name of the method"},
	{".validate_clusters", Done, "backends that are not there are always refused"},
	{"Bootstrap.stats_sinks", Left, "metrics are scraped, or sent by OTLP: observability.metrics"},
	{"Bootstrap.stats_config", Left, "metrics are bounded without a setting; observability.metrics says where they go"},
	{"Bootstrap.overload_manager", Left, "listeners.limits, backends.limits and rate_limits bound what is taken on"},
	{"Bootstrap.layered_runtime", Left, "there is no runtime layer: what it overrides is the setting itself here, and reloads"},
	{"Bootstrap.dynamic_resources", Left, "what the control plane sends is not in the file: give its resources to the conversion as files, or use discovery of backends"},
	{".secrets", Left, "secrets are files here, which are read again when they change"},

	// What people have to do by hand.
	{".tracing", Left, "observability.tracing sends spans by OTLP (docs/telemetry.md)"},
	{".local_reply_config", Left, "rest.errors says what bodies of errors look like (docs/rest.md)"},
	{".forward_client_cert_details", Left, "forward of a provider with mtls tells backends who the client is (docs/auth.md)"},
	{".set_current_client_cert_details", Left, "forward of a provider with mtls tells backends who the client is (docs/auth.md)"},
	{".xff_num_trusted_hops", Left, "name the proxies in front by their addresses: listeners.trusted_proxies"},
	{".original_ip_detection_extensions", Left, "name the proxies in front by their addresses: listeners.trusted_proxies"},
	{".internal_address_config", Left, "name the proxies in front by their addresses: listeners.trusted_proxies"},
	{".skip_xff_append", Left, "X-Forwarded-For is always written for backends"},
	{".server_name", Left, "there is no server field; headers.response.set can write one"},
	{".server_header_transformation", Left, "there is no server field; headers.response.set can write one"},
	{".drain_timeout", Left, "shutdown.drain is how long calls have to end"},
	{".upgrade_configs", Left, "WebSocket is served for every method without a setting (docs/clients.md); other upgrades are not"},
	{".http3_protocol_options", Left, "HTTP/3 follows listeners.limits and listeners.connections"},
	{".http_protocol_options", Left, "HTTP/1.1 follows listeners.limits"},
	{".request_headers_to_add", Left, "headers.request of a policy sets and appends (docs/headers.md)"},
	{".request_headers_to_remove", Left, "headers.request.drop of a policy (docs/headers.md)"},
	{".response_headers_to_add", Left, "headers.response of a policy sets and appends (docs/headers.md)"},
	{".response_headers_to_remove", Left, "headers.response.drop of a policy (docs/headers.md)"},
	{".request_headers_mutations", Left, "copies have the fields of the call"},
	{".internal_only_headers", Left, "headers.request.drop of a policy (docs/headers.md)"},
	{".rate_limits", Guard, "limits by descriptors are rules with a key here: rate_limits.rules (docs/limits.md)"},
	{".descriptors", Guard, "limits by descriptors are rules with a key here: rate_limits.rules (docs/limits.md)"},
	{".local_rate_limit_per_downstream_connection", Left, "a key says what is counted apart: rate_limits.rules with key: client.address"},
	{".require_tls", Guard, "a listener without tls is in clear text; put the hosts on one that has it"},
	{".hedge_policy", Left, "hedge of a policy, for methods without side effects (docs/resilience.md)"},
	{".host_rewrite_literal", Left, "backends get the authority of their target"},
	{".auto_host_rewrite", Done, "backends get the authority of their target"},
	{".prefix_rewrite", Left, "a path of gRPC names its method, and is not rewritten"},
	{".regex_rewrite", Left, "a path of gRPC names its method, and is not rewritten"},
	{".max_stream_duration", Left, "stream_timeout of a policy"},
	{".grpc_timeout_header_offset", Left, "what is left of the deadline is what the backend is told"},
	{".grpc_timeout_offset", Left, "what is left of the deadline is what the backend is told"},
	{".retriable_status_codes", Left, "retry.on has codes of gRPC"},
	{".retry_host_predicate", Done, "a retry goes to another server where there is one"},
	{".host_selection_retry_max_attempts", Done, "a retry goes to another server where there is one"},
	{".shadow_enabled", Left, "authorization and limits can be tried out (docs/authorization.md); origins cannot"},
	{".allow_private_network_access", Left, "preflights of private networks have no setting"},
	{".query_param_unescape_plus", Left, "+ is a plus sign in the profile envoy, and a space in the profile strict (rest.profile)"},
	{".match_unregistered_custom_verb", Left, "a verb that no rule has is a part of the value"},
	{".capture_unknown_query_parameters", Left, "rest.unknown_query: capture, and rest.capture_query_into (docs/rest.md)"},
	{".add_whitespace", Left, "JSON is written without white space"},
	{".with_request_body", Left, "the service is told the head of a call, and not its body; authorization can look at fields of the request (docs/authorization.md)"},
	{".from_params", Left, "tokens in a URL are in every log, and are not read"},
	{".forward_payload_header", Left, "claims.forward gives backends single claims"},
	{".payload_in_metadata", Done, "policies read claims as auth.claims"},
	{".filter_state_rules", Guard, "there is no filter state; policies of methods say whom they ask"},
	{".subjects", Guard, "a rule of authorization can look at auth.subject (docs/authorization.md)"},
	{".max_lifetime", Guard, "how long tokens live is their issuer's here"},
	{".filter_enabled_metadata", Guard, "the service is asked for every call"},
	{".filter_chain_match", Left, "a listener here serves whoever comes; put chains on listeners of their own"},
	{".default_filter_chain", Left, "put the chain on a listener of its own"},
	{".listener_filters", Left, "TLS needs none; PROXY protocol is proxy_protocol of the listener"},
	{".use_original_dst", Left, "listeners serve what comes to their own address"},
	{".additional_addresses", Left, "write a listener for each address"},
	{".access_log", Left, "there is one access log, of calls: observability.access_log"},
	{".filter", Left, "observability.access_log.sample_percent and always_over say which calls are written"},
	{".log_format", Left, "the access log has fields of its own; observability.access_log.headers adds fields of requests"},
	{".json_format", Left, "the access log has fields of its own; observability.access_log.headers adds fields of requests"},
	{".format", Left, "the access log has fields of its own; observability.access_log.headers adds fields of requests"},
	{".typed_json_format", Left, "the access log has fields of its own; observability.access_log.headers adds fields of requests"},
	{".max_connections", Left, "connections are bounded by backends.connections"},
	{".max_retries", Left, "retries are bounded by backends.retry_budget"},
	{".per_host_thresholds", Left, "backends.limits.max_per_endpoint"},
	{".max_requests_per_connection", Left, "connections end by max_age of the listener, and by what servers say"},
	{".upstream_connection_options", Left, "backends.keepalive finds dead connections"},
	{".lb_subset_config", Left, "make a backend of each subset, and rules of split between them (docs/traffic.md)"},
	{".slow_start_config", Left, "load_balancing.slow_start"},
	{".locality_weighted_lb_config", Left, "load_balancing.zone prefers a zone"},
	{".zone_aware_lb_config", Left, "load_balancing.zone prefers a zone"},
	{".load_balancing_policy", Left, "load_balancing.policy"},
	{".eds_cluster_config", Left, "backends are found by etcd, Consul, Kubernetes, DNS, a file or xDS"},
	{".tls_certificate_sds_secret_configs", Left, "certificates are files, which are read again when they change"},
	{".validation_context_sds_secret_config", Guard, "the CA is a file, which is read again when it changes"},
	{".combined_validation_context", Guard, "the CA and the names are settings: tls.ca and tls.server_name, or a provider with mtls"},
	{".verify_certificate_spki", Guard, "certificates are held to a CA and to names"},
	{".verify_certificate_hash", Guard, "certificates are held to a CA and to names"},
	{".crl", Guard, "revoked certificates are not looked up; take who signed them out of ca"},
	{".cipher_suites", Left, "ciphers are those that Go chooses"},
	{".ecdh_curves", Left, "curves are those that Go chooses"},
	{".tls_maximum_protocol_version", Left, "the highest version is TLS 1.3"},

	// Types of extensions.
	{"lua.v3.Lua", Guard, "there is no Lua: rules of header fields, authorization in CEL, and policies are settings here"},
	{"wasm.v3.Wasm", Guard, "there are no plugins in WebAssembly"},
	{"ext_proc.v3.ExternalProcessor", Guard, "no service sees bodies on their way; ext_authz can decide on heads"},
	{"rbac.v3.RBAC", Guard, "rules of authorization, in CEL (docs/authorization.md)"},
	{"ratelimit.v3.RateLimit", Guard, "rate_limits with a store, of Envoy's rate limit service or Redis (docs/limits.md)"},
	{"rate_limit_quota.v3.RateLimitQuotaFilterConfig", Guard, "rate_limits with a store (docs/limits.md)"},
	{"oauth2.v3.OAuth2", Guard, "clients bring tokens here; auth.providers verifies them"},
	{"basic_auth.v3.BasicAuth", Guard, "auth.providers with basic (docs/auth.md)"},
	{"api_key_auth.v3.ApiKeyAuth", Guard, "auth.providers with api_key (docs/auth.md)"},
	{"csrf.v3.CsrfPolicy", Guard, "calls with cookies must show where they come from, without a setting (docs/auth.md)"},
	{"ip_tagging.v3.IPTagging", Left, "rules can look at client.address"},
	{"fault.v3.HTTPFault", Left, "no faults are injected"},
	{"health_check.v3.HealthCheck", Left, "/livez and /readyz are on the admin address; a method can be given a path by methods.http"},
	{"compressor.v3.Compressor", Left, "rest.compression of a policy, and rpc.compress_from"},
	{"decompressor.v3.Decompressor", Done, "requests compressed with gzip, br and zstd are always read"},
	{"buffer.v3.Buffer", Left, "listeners.limits.max_message bounds messages"},
	{"grpc_stats.v3.FilterConfig", Done, "calls are counted by method without a setting (docs/telemetry.md)"},
	{"grpc_http1_bridge.v3.Config", Done, "gRPC-Web, Connect and REST are served over HTTP/1.1"},
	{"grpc_http1_reverse_bridge.v3.FilterConfig", Left, "backends are servers of gRPC"},
	{"header_mutation.v3.HeaderMutation", Left, "headers of a policy (docs/headers.md)"},
	{"header_to_metadata.v3.Config", Left, "rules of split can look at header fields"},
	{"adaptive_concurrency.v3.AdaptiveConcurrency", Left, "backends.limits.adaptive"},
	{"admission_control.v3.AdmissionControl", Left, "backends.circuit_breaker"},
	{"cache.v3.CacheConfig", Left, "cache of a policy (docs/cache.md)"},
	{"stateful_session.v3.StatefulSession", Left, "load_balancing.sticky"},
	{"tcp_proxy.v3.TcpProxy", Left, "only calls are served, and no other connections"},
	{"open_telemetry.v3.OpenTelemetryAccessLogConfig", Left, "observability.access_log.otlp"},
	{"grpc.v3.HttpGrpcAccessLogConfig", Left, "observability.access_log.otlp"},
	{"tls_inspector.v3.TlsInspector", Done, "TLS needs no inspector"},
	{"proxy_protocol.v3.ProxyProtocol", Left, "proxy_protocol of the listener"},
	{"raw_buffer.v3.RawBuffer", Left, "clear text needs no transport: leave it out"},
	{"quic.v3.QuicDownstreamTransport", Left, "HTTP/3 is a protocol of a listener: protocols: [http1, http2, http3]"},
	{"quic.v3.QuicUpstreamTransport", Left, "backends are spoken to by HTTP/2"},
	{"generic_secret", Left, "secrets are files or variables of the environment"},
}

// remedyOf returns what there is to say of a field or a type by its full name.
func remedyOf(name protoreflect.FullName) (kind Kind, text string) {
	for _, r := range remedies {
		if own := string(name); own == r.name || strings.HasSuffix(own, "."+strings.TrimPrefix(r.name, ".")) {
			return r.kind, r.text
		}
	}
	last := name[strings.LastIndexByte(string(name), '.')+1:]
	if message := last != "" && last[0] >= 'A' && last[0] <= 'Z'; message && strings.Contains(string(name), ".filters.http.") {
		return Guard, "what " + string(name) + " does is done by nobody here"
	}
	return Left, "has no equal here (" + string(name) + ")"
}

// older are names of fields of versions before 3, and what stands in their place.
var older = map[string]string{
	"config": "this is version 2 of the API, which no Envoy reads since 1.18: typed_config with an @type", "tls_context": "this is version 2 of the API: transport_socket",
	"hosts": "this is version 2 of the API: load_assignment", "http_protocol": "codec_type", "allow_origin": "allow_origin_string_match", "regex": "safe_regex",
	"always_print_primitive_field": "always_print_primitive_fields",
}

// hintFor says what is meant by a key that is not known.
func hintFor(key string) string {
	if now := older[key]; now != "" {
		return now
	}
	return "look for a mistake in writing, or for a version of Envoy that is newer than what is known here"
}

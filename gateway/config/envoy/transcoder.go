// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	transcoderv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/grpc_json_transcoder/v3"
)

// transcoder converts the filter that makes gRPC of REST. The profile "envoy" gives its answers where they are no danger; what the
// filter says stands beside it.
func (c *conversion) transcoder(s *source, m *transcoderv3.GrpcJsonTranscoder, path string, own *settings, f *filtered) {
	c.rest(s, m, path, "proto_descriptor", "proto_descriptor_bin", "services", "print_options", "match_incoming_request_route", "ignored_query_parameters", "auto_mapping",
		"ignore_unknown_query_parameters", "convert_grpc_status", "url_unescape_spec", "case_insensitive_enum_parsing", "max_request_body_size", "max_response_body_size",
		"request_validation_options")
	c.transcode++
	f.transcodes, f.matchesREST = true, m.GetMatchIncomingRequestRoute()
	f.services = append(f.services, m.GetServices()...)
	c.descriptors(s, m, path)
	before := c.defaults.String()
	rest := c.defaults.in("rest")
	rest.set("profile", "envoy")
	rest.set("ignored_query_parameters", unique(append([]string(nil), m.GetIgnoredQueryParameters()...)))
	// What the filter does not transcode it passes on as it came, for a server of gRPC to refuse.
	unknown := "reject"
	if m.GetIgnoreUnknownQueryParameters() && !m.GetRequestValidationOptions().GetRejectUnknownQueryParameters() {
		unknown = "ignore"
	}
	rest.set("unknown_query", unknown)
	c.validation(s, m.GetRequestValidationOptions(), join(path, "request_validation_options"))
	c.printing(s, m.GetPrintOptions(), join(path, "print_options"))
	c.defaults.in("json").set("fold_enum_case", m.GetCaseInsensitiveEnumParsing())
	c.unescape = map[transcoderv3.GrpcJsonTranscoder_UrlUnescapeSpec]string{
		transcoderv3.GrpcJsonTranscoder_ALL_CHARACTERS_EXCEPT_RESERVED: "keep_reserved",
		transcoderv3.GrpcJsonTranscoder_ALL_CHARACTERS_EXCEPT_SLASH:    "keep_slash",
		transcoderv3.GrpcJsonTranscoder_ALL_CHARACTERS:                 "all",
	}[m.GetUrlUnescapeSpec()]
	if c.transcode > 1 && before != c.defaults.String() {
		c.note(s, path, Left, "two transcoders differ, and the last one counts for all listeners here; rest and json of services can differ")
	}
	limits := newSettings()
	if v := m.GetMaxRequestBodySize(); v != nil {
		limits.set("max_message", c.size(s, join(path, "max_request_body_size"), uint64(v.GetValue()), 1, gib))
	}
	if v := m.GetMaxResponseBodySize(); v != nil {
		limits.set("max_response_message", c.size(s, join(path, "max_response_body_size"), uint64(v.GetValue()), 1, gib))
	}
	for i := 0; i < len(limits.node.Content); i += 2 {
		own.in("limits").set(limits.node.Content[i].Value, limits.node.Content[i+1].Value)
	}
	if !m.GetAutoMapping() {
		c.once(s, s.where(path), path, Done, "methods without a rule are served too, as POST /package.Service/Method, as with auto_mapping")
	} else {
		c.note(s, join(path, "auto_mapping"), Done, "is always so here")
	}
	if !m.GetConvertGrpcStatus() {
		c.once(s, s.where(path), path, Done, "errors have a body here, a google.rpc.Status in JSON, as with convert_grpc_status")
	} else {
		c.note(s, join(path, "convert_grpc_status"), Done, "is always so here")
	}
	if m.GetMatchIncomingRequestRoute() {
		c.note(s, join(path, "match_incoming_request_route"), Done, "routes are by service here; where a route of REST's paths cannot be converted there is a note")
	}
}

// descriptors converts where the schema comes from.
func (c *conversion) descriptors(s *source, m *transcoderv3.GrpcJsonTranscoder, path string) {
	file := m.GetProtoDescriptor()
	if len(m.GetProtoDescriptorBin()) > 0 {
		file = "descriptors.binpb"
		c.note(s, join(path, "proto_descriptor_bin"), Left, "a schema stands in a file of its own here: write the bytes, which are in base64, to %s", file)
	}
	if file == "" {
		c.note(s, path, Left, "there is no descriptor; put protos or a descriptor_set into schemas.sources")
		return
	}
	source := newSettings()
	source.in("descriptor_set").set("path", file)
	for _, known := range c.sets {
		if known.String() == source.String() {
			source = nil
		}
	}
	if source != nil {
		c.sets = append(c.sets, source)
	}
	for i, name := range m.GetServices() {
		if !isService(name) {
			c.note(s, item(join(path, "services"), i), Left, "%q is no full name of a service", name)
			continue
		}
		c.exposed = unique(append(c.exposed, name))
	}
	c.once(s, s.where(join(path, "services")), join(path, "services"), Done,
		"services of the descriptor that are not listed are hidden here, for gRPC as well; add them to schemas.expose, or remove it, to serve them")
}

func (c *conversion) validation(s *source, v *transcoderv3.GrpcJsonTranscoder_RequestValidationOptions, path string) {
	if v == nil {
		return
	}
	c.rest(s, v, path, "reject_unknown_query_parameters", "reject_unknown_method", "reject_binding_body_field_collisions")
	if v.GetRejectUnknownMethod() {
		c.note(s, join(path, "reject_unknown_method"), Done, "is always so here")
	}
	if v.GetRejectBindingBodyFieldCollisions() {
		c.note(s, join(path, "reject_binding_body_field_collisions"), Done, "is always so here")
	}
	if v.GetRejectUnknownQueryParameters() {
		c.note(s, join(path, "reject_unknown_query_parameters"), Done, "is rest.unknown_query: reject")
	}
}

func (c *conversion) printing(s *source, p *transcoderv3.GrpcJsonTranscoder_PrintOptions, path string) {
	c.rest(s, p, path, "always_print_primitive_fields", "always_print_enums_as_ints", "preserve_proto_field_names", "stream_newline_delimited", "stream_sse_style_delimited")
	json := c.defaults.in("json")
	if p.GetAlwaysPrintPrimitiveFields() {
		json.set("emit_defaults", "print")
	}
	if p.GetAlwaysPrintEnumsAsInts() {
		json.set("enums_as_numbers", true)
	}
	if p.GetPreserveProtoFieldNames() {
		json.set("proto_field_names", true)
	}
	if p.GetStreamNewlineDelimited() && p.GetStreamSseStyleDelimited() {
		c.note(s, join(path, "stream_sse_style_delimited"), Done, "lines are what clients get that take any form; others choose by Accept")
	}
	switch {
	case p.GetStreamNewlineDelimited():
		c.defaults.in("rest").set("stream_format", "ndjson")
	case p.GetStreamSseStyleDelimited():
		c.defaults.in("rest").set("stream_format", "sse")
	}
}

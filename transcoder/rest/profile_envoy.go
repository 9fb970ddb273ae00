// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// envoyFlips are the answers of Envoy's grpc_json_transcoder. They come from its documentation and sources: no Envoy was run.
var envoyFlips = []Flip{
	{
		57, "a query parameter that names no field is refused",
		"it is dropped, as with ignore_unknown_query_parameters", ignoreQuery,
	},
	{
		60, "a plus sign in the query is a space",
		"it is a plus sign, as without query_param_unescape_plus", func(c *Config) { c.Bind.LiteralPlus = true },
	},
	{
		80, "the name of an enum's value is read as it is declared",
		"it is read in any case, as with case_insensitive_enum_parsing", func(c *Config) { c.Bind.Decode.FoldEnumCase = true },
	},
	{
		96, "a field of a JSON body that the message does not have is refused",
		"it is dropped", ignoreFields,
	},
	{
		112, "fields without presence are written with their default",
		"they are left out, as without always_print_primitive_fields", func(c *Config) { c.Encode.Defaults = codec.DefaultsOmit },
	},
	{
		130, "a stream is JSON lines for clients that take any form",
		"it is a JSON array", func(c *Config) { c.Streams.Format = StreamArray },
	},
}

// envoyKept are the answers in which it is not followed.
var envoyKept = []Kept{
	{
		28, "a slash at the end of a path is ignored",
		"it makes another path", "the routes have a setting for it, and no profile: a path belongs to no method before it is matched",
	},
	{
		37, "reserved characters in a variable of several segments stay encoded",
		"only %2F does", "how variables are decoded belongs to the routes",
	},
	{
		49, "a query parameter for a field that the path sets overrides it",
		"400", "security: a rule on the path would be passed by",
	},
	{
		53, "which of path and body wins depends on the spelling of the field's name",
		"a body with another value than the path is refused", "security: a rule on the path would be passed by",
	},
	{
		57, "by default, a request with an unknown parameter is sent to the backend as it is",
		"the parameter is dropped", "security: policies would see another call than the backend",
	},
	{
		91, "the content type of a body is not looked at",
		"415, unless it is JSON", "security: the form of a foreign site could post JSON; a setting accepts any type",
	},
	{
		117, "response_body must be a google.api.HttpBody",
		"any field", "nobody relies on the error",
	},
	{
		131, "JSON lines and events are called application/json",
		"they have their own types", "the type must tell the truth",
	},
	{
		136, "an array that fails is closed like one that is whole",
		"it is cut off", "security: half of an answer would be taken for all",
	},
	{
		149, "an error with a detail of an unknown type has no body",
		"it has all but what is inside the detail", "the error would be lost",
	},
	{
		169, "grpc-status and grpc-message are left on the answer",
		"they are not sent", "they say nothing to a client of REST",
	},
}

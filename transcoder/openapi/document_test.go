// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	check(t, everything(t, nil), []row{
		{"openapi", `"3.1.1"`, "the version"},
		{"info title", `"Things"`, "an option of the file"},
		{"info version", `"7.1"`, "an option of the file"},
		{"info contact email", `"things@example.com"`, "an option of the file"},
		{"info license name", `"Apache-2.0"`, "an option of the file"},
		{"info x-audience", `"public"`, "an option of the file"},
		{"externalDocs url", `"https://example.com/things"`, "an option of the file"},
		{"servers", `[{"url":"/"}]`, "where the document comes from"},
		{"tags [everything.v1.Things] description", `"Things has a method of each kind."`, "the comment of the service"},
		{"tags [Extra] name", `"Extra"`, "a tag that an operation names"},
		{"tags [everything.v1.Secret]", "absent", "a label that nobody asked for"},
		{"x-unlisted", `["PURGE /v1/cache everything.v1.Things/Purge"]`, "OpenAPI does not know the method"},
	})
	check(t, everything(t, func(c *openapi.Config, _ *rest.Config) {
		c.Info = openapi.Info{Title: "Acme", Version: "3", Description: "Sold here.", Servers: []string{"https://a.example/", "/x"}}
	}), []row{
		{"info title", `"Acme"`, "the configuration goes before the proto"},
		{"info version", `"3"`, "the configuration goes before the proto"},
		{"servers", `[{"url":"https://a.example"},{"url":"/x"}]`, "as configured, without a slash at the end"},
	})
}

func TestOperations(t *testing.T) {
	t.Parallel()
	const get, again = "paths /v1/shelves/{shelf}/things/{thing} get ", "paths /v1/things/{name} get "
	check(t, everything(t, nil), []row{
		{get + "summary", `"Gets a thing"`, "the first sentence"},
		{get + "description", "\"Gets a thing. It is the one with that name.\\n\\nQuery parameters can lead further into `filter.inner`, with dots between the names of fields.\"", "without what is for tools and for insiders"},
		{get + "operationId", `"Things_GetThing"`, "service and method"},
		{again + "operationId", `"Things_GetThing2"`, "the second binding"},
		{get + "tags", `["everything.v1.Things"]`, "the service"},
		{get + "x-grpc-method", `"everything.v1.Things/GetThing"`, "the method"},
		{get + "parameters [shelf] in", `"path"`, "a variable of several segments has a parameter for each"},
		{get + "parameters [thing] description", "\"A part of the field `name`, which is `shelves/{shelf}/things/{thing}`.\"", "what it is a part of"},
		{get + "parameters [name]", "absent", "the path sets it"},
		{again + "parameters [name] in", `"path"`, "a variable of one segment is the parameter"},
		{get + "responses 200 content application/json schema $ref", `"#/components/schemas/everything.v1.Thing"`, "the answer"},
		{get + "responses default $ref", `"#/components/responses/Error"`, "any error"},
		{"paths /v1/things/{name}:move post deprecated", `true`, "the option deprecated"},
		{"paths /v1/things/{name}:move post requestBody content application/json schema properties", `{"to":{"type":"string"}}`, "body * without what the path sets"},
		{"paths /v1/things/{name}:move post requestBody content application/json schema required", `["to"]`, "body * without what the path sets"},
		{"paths /v1/things/{name}:move post parameters 1", "absent", "body * leaves nothing to the query"},
		{"paths /everything.v1.Things/Bare post operationId", `"Things_Bare"`, "a method without a rule has its own path"},
		{"paths /v1/things/{name}/name get responses 200 content application/json schema type", `"string"`, "response_body"},
		{"paths /v1/picture put requestBody content */* schema", `{"format":"binary","type":"string"}`, "an HttpBody is bytes"},
		{"paths /v1/picture put responses 200 content */* schema", `{"format":"binary","type":"string"}`, "an HttpBody is bytes"},
		{"components schemas google.api.HttpBody", "absent", "nothing refers to it"},
		{"paths /v1/files/{path} get parameters [path] x-multi-segment", `true`, "a tail is told apart"},
		{"paths /v1/anything get operationId", `"Things_AnyVerb"`, "a rule for any method"},
		{"paths /v1/anything delete operationId", `"Things_AnyVerb_delete"`, "a rule for any method"},
		{"paths /v1/preview", "absent", "a label that nobody asked for"},
		{"paths /v1/secret", "absent", "a service with a label that nobody asked for"},
	})
}

func TestUpdateBody(t *testing.T) {
	t.Parallel()
	const patch = "paths /v1/shelves/{shelf}/things/{thing} patch "
	doc := everything(t, nil)
	check(t, doc, []row{
		{patch + "requestBody required", `true`, "the field is required"},
		{patch + "requestBody content application/json schema properties name", "absent", "the path sets it"},
		{patch + "requestBody content application/json schema properties code type", `"string"`, "a field of the thing"},
		{patch + "parameters [updateMask] in", `"query"`, "what neither path nor body sets"},
		{patch + "parameters [thing.code]", "absent", "the body sets it"},
	})
	if required := at(doc, patch+"requestBody content application/json schema required"); required != `["needed","shaped","kind"]` {
		t.Errorf("required is %s; want that without name, which the path sets", required)
	}
}

func TestQueryParameters(t *testing.T) {
	t.Parallel()
	const get = "paths /v1/things:watch get parameters "
	rows := []row{
		{get + "[name] required", `true`, "REQUIRED"},
		{get + "[readMask] schema type", `"string"`, "a field mask is one text"},
		{get + "[filter.text] description", `"The text to look for."`, "a name that leads into a message"},
		{get + "[filter.since] schema format", `"date-time"`, "a timestamp"},
		{get + "[filter.inner.text]", "absent", "a message inside itself ends the list"},
		{get + "[kinds] explode", `true`, "repeated"},
		{get + "[kinds] schema items $ref", `"#/components/schemas/everything.v1.Kind"`, "repeated"},
		{get + "[labels] style", `"deepObject"`, "labels[key]=value"},
		{get + "[free]", "absent", "a Struct has no form as a text unless JSON is let in"},
		{get + "[any]", "absent", "an Any has no form as a text"},
		{get + "[filters]", "absent", "a list of messages"},
		{get + "[revision]", "absent", "OUTPUT_ONLY"},
	}
	check(t, everything(t, nil), rows)
	check(t, everything(t, func(_ *openapi.Config, c *rest.Config) {
		c.Bind.JSONParameters = true
		c.Bind.IgnoredQuery = []string{"readMask"}
		c.Bind.HeaderFields = map[string]string{"x-name": "name", "x-text": "filter.text"}
		c.Encode.ProtoNames = true
	}), []row{
		{get + "[free] content application/json schema type", `"object"`, "JSON is let in"},
		{get + "[x-name] in", `"header"`, "a header field sets it"},
		{get + "[name]", "absent", "a header field sets it"},
		{get + "[x-text] description", "\"The text to look for.\\n\\nIt sets the field `filter.text`.\"", "a header field sets it"},
		{get + "[filter.text]", "absent", "a header field sets it"},
		{get + "[read_mask] in", `"query"`, "names as in the proto; the ignored name is another"},
	})
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	const thing = "components schemas everything.v1.Thing "
	const p = thing + "properties "
	check(t, everything(t, nil), []row{
		{thing + "required", `["name","needed","shaped","kind"]`, "field_behavior, buf.validate, openapiv2_field and openapiv2_schema"},
		{thing + "title", `"A thing"`, "openapiv2_schema"},
		{thing + "examples 0 name", `"shelves/a/things/b"`, "openapiv2_schema"},
		{p + "name description", `"Its name."`, "a comment"},
		{p + "kind $ref", `"#/components/schemas/everything.v1.Kind"`, "an enum is a component"},
		{p + "big type", `"string"`, "64 bits"},
		{p + "big pattern", `"^-?[0-9]+$"`, "64 bits"},
		{p + "bigger format", `"uint64"`, "64 bits"},
		{p + "small exclusiveMinimum", `1`, "gt"},
		{p + "small maximum", `10`, "lte"},
		{p + "data contentEncoding", `"base64"`, "bytes"},
		{p + "created readOnly", `true`, "OUTPUT_ONLY"},
		{p + "created format", `"date-time"`, "a timestamp"},
		{p + "lasts type", `"string"`, "a duration"},
		{p + "maybe type", `["string","null"]`, "a wrapper"},
		{p + "free type", "absent", "any value"},
		{p + "object type", `"object"`, "a Struct"},
		{p + "list type", `"array"`, "a ListValue"},
		{p + "any $ref", `"#/components/schemas/google.protobuf.Any"`, "an Any"},
		{p + "parent $ref", `"#/components/schemas/everything.v1.Thing"`, "recursion"},
		{p + "children items $ref", `"#/components/schemas/everything.v1.Thing"`, "recursion"},
		{p + "children minItems", `1`, "min_items"},
		{p + "filters propertyNames pattern", `"^-?[0-9]+$"`, "keys are numbers"},
		{p + "filters additionalProperties $ref", `"#/components/schemas/everything.v1.Filter"`, "a map"},
		{p + "labels maxProperties", `20`, "max_pairs"},
		{p + "labels propertyNames pattern", `"^[a-z]+$"`, "rules of keys"},
		{p + "labels additionalProperties maxLength", `5`, "rules of values"},
		{p + "email format", `"email"`, "a kind of string"},
		{p + "code", `{"maxLength":4,"minLength":2,"pattern":"^[A-Z]+$","type":"string"}`, "rules"},
		{p + "choice enum", `["a","b"]`, "in"},
		{p + "narrow enum", `["KIND_SMALL"]`, "in, by name"},
		{p + "secret", "absent", "a label that nobody asked for"},
		{p + "password writeOnly", `true`, "INPUT_ONLY"},
		{p + "old deprecated", `true`, "deprecated"},
		{p + "odd anyOf", `[{"const":""},{"minLength":3}]`, "rules that pass the zero value"},
		{p + "ruled description", `"Rule: must be a good one."`, "a rule in CEL"},
		{p + "ratio format", `"double"`, "a double"},
		{p + "shaped", `{"description":"Own words.","examples":["xyz"],"maxLength":8,"pattern":"^x","title":"Shape","type":"string"}`, "openapiv2_field"},
		{thing + "allOf 0 oneOf 0 required", `["shelf"]`, "a oneof"},
		{thing + "allOf 0 oneOf 2 not anyOf 1 required", `["box"]`, "or none of it"},
		{thing + "allOf 1 oneOf 2", "absent", "a oneof that is required has no third way"},
		{"components schemas everything.v1.Kind enum", `["KIND_UNSPECIFIED","KIND_SMALL","KIND_OLD"]`, "names, without what has a label"},
		{"components schemas everything.v1.Kind type", `"string"`, "names"},
	})
	if text := at(everything(t, nil), p+"big description"); !bytes.Contains([]byte(text), []byte("64 bits, as a string")) || !bytes.Contains([]byte(text), []byte("at least 5")) {
		t.Errorf("big is described as %s; want a note on 64 bits and the rule that a string cannot have", text)
	}
}

func TestDialects(t *testing.T) {
	t.Parallel()
	const p = "components schemas everything.v1.Thing properties "
	check(t, everything(t, func(_ *openapi.Config, c *rest.Config) {
		c.Encode = codec.EncodeOptions{ProtoNames: true, Int64Numbers: true, EnumNumbers: true, Defaults: codec.DefaultsNull}
	}), []row{
		{p + "big type", `"integer"`, "int64_as_number"},
		{p + "ifset type", `["string","null"]`, "print_null"},
		{p + "shelf type", `"string"`, "members of a oneof are never null"},
		{"components schemas everything.v1.Kind enum", `[0,1,2]`, "enums_as_numbers"},
	})
	check(t, everything(t, func(_ *openapi.Config, c *rest.Config) { c.Encode.StripEnumPrefix = true }), []row{
		{"components schemas everything.v1.Kind enum", `["UNSPECIFIED","SMALL","OLD"]`, "strip_enum_prefix"},
	})
	// Methods that are written in two ways have a schema for each.
	check(t, everything(t, func(c *openapi.Config, plain *rest.Config) {
		numbers := &rest.Config{Encode: codec.EncodeOptions{Int64Numbers: true}}
		c.REST = func(m *transcoder.Method) *rest.Config {
			if m.Name == "Own" {
				return numbers
			}
			return plain
		}
	}), []row{
		{p + "big type", `"string"`, "the first"},
		{"components schemas everything.v1.Thing.json2 properties big type", `"integer"`, "the second"},
		{"paths /v1/own get responses 200 content application/json schema $ref", `"#/components/schemas/everything.v1.Thing.json2"`, "refers to its own"},
	})
}

func TestStreams(t *testing.T) {
	t.Parallel()
	const watch = "paths /v1/things:watch get responses 200 content "
	doc := everything(t, nil)
	check(t, doc, []row{
		{watch + "application/x-ndjson schema anyOf 0 $ref", `"#/components/schemas/everything.v1.Thing"`, "a line is a message"},
		{watch + "application/x-ndjson schema anyOf 1 properties error $ref", `"#/components/schemas/Error"`, "or the error at the end"},
		{watch + "text/event-stream schema type", `"string"`, "events"},
		{watch + "application/json schema type", `"array"`, "an array"},
		{watch + "application/json-seq schema $ref", `"#/components/schemas/everything.v1.Thing"`, "a sequence"},
		{"paths /v1/things:upload post requestBody content application/x-ndjson schema $ref", `"#/components/schemas/everything.v1.Thing"`, "a client stream"},
		{"paths /v1/things:upload post requestBody content application/json schema type", `"array"`, "a client stream"},
		{"paths /v1/things:talk post responses 101 description", `"The connection becomes a WebSocket, on which each text is a message as JSON; an empty one says that the client has sent all."`, "both ways"},
		{"paths /v1/things:talk post responses 200", "absent", "plain HTTP has no answer"},
	})
	check(t, everything(t, func(_ *openapi.Config, c *rest.Config) { c.Streams.Format = rest.StreamWrapped }), []row{
		{watch + "application/x-ndjson", "absent", "there is one form"},
		{watch + "application/json schema properties result $ref", `"#/components/schemas/everything.v1.Thing"`, "as grpc-gateway writes it"},
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const fail = "components responses Error content "
	for format, rows := range map[rest.ErrorFormat][]row{
		{}: {
			{fail + "application/json schema $ref", `"#/components/schemas/Error"`, "a component"},
			{"components schemas Error properties details items $ref", `"#/components/schemas/google.protobuf.Any"`, "details"},
			{"components schemas Error required", `["code","details","message"]`, "google.rpc.Status"},
		},
		{Name: rest.FormatGoogle}: {
			{"components schemas Error properties error properties status type", `"string"`, "as Google's"},
		},
		{Name: rest.FormatProblem}: {
			{fail + "application/problem+json schema $ref", `"#/components/schemas/Error"`, "the media type of RFC 9457"},
			{"components schemas Error properties type const", `"about:blank"`, "a text that does not change"},
		},
		{Name: rest.FormatTemplate, Template: `{"err":{"n":"{code}","text":"E-{code}: {message}","ok":false,"brace":"{{}"}}`}: {
			{"components schemas Error properties err properties n type", `"integer"`, "a placeholder alone keeps its type"},
			{"components schemas Error properties err properties text", `{"type":"string"}`, "a text with placeholders"},
			{"components schemas Error properties err properties ok const", `false`, "a value that does not change"},
			{"components schemas Error properties err properties brace const", `"{}"`, "a brace"},
		},
	} {
		check(t, everything(t, func(_ *openapi.Config, c *rest.Config) { c.Errors = format }), rows)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	check(t, everything(t, func(c *openapi.Config, own *rest.Config) {
		*own = rest.Config{NoContentForEmpty: true, SuccessStatus: 202, ETag: rest.ETagContent, ResponseFields: map[string]string{"x-code": "code"}, StatusHeader: "x-status", StatusAllowed: []int{303}}
		c.Access = func(*transcoder.Method) openapi.Access { return openapi.Access{Limited: true, Restricted: true} }
	}), []row{
		{"paths /v1/things/{name}:move post responses 204 description", `"Done: there is no body."`, "no_content_for_empty"},
		{"paths /v1/things/{name} get responses 202 headers x-code schema type", `"string"`, "a field as a header"},
		{"paths /v1/things/{name} get responses 202 content application/json schema properties code", "absent", "which the body does not have then"},
		{"paths /v1/things/{name} get responses 303 description", `"See Other"`, "status_from"},
		{"paths /v1/things/{name} get responses 304 description", `"What the client has is what there is: its entity tag was in If-None-Match."`, "etag"},
		{"paths /v1/things/{name} get responses 429 $ref", `"#/components/responses/Error"`, "a limit"},
		{"paths /v1/things/{name} get responses 403 $ref", `"#/components/responses/Error"`, "rules of authorisation"},
		{"paths /v1/things/{name} get responses 404 $ref", `"#/components/responses/Error"`, "what the path names may not be there"},
		{"paths /v1/things/{name} get responses 401", "absent", "nobody is asked"},
	})
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	check(t, everything(t, nil), []row{
		{"paths /v1/own get security", `[{"OAuth":["read"]},{"Own":[]}]`, "options of the proto, where the gateway asks nobody"},
		{"components securitySchemes Own name", `"x-own"`, "a definition of the proto"},
		{"components securitySchemes OAuth flows authorizationCode tokenUrl", `"https://example.com/token"`, "a flow has another name in OpenAPI 3"},
		{"paths /v1/things/{name} get security", "absent", "nothing says so"},
		{"security", `[]`, "an operation says what it needs"},
	})
	check(t, everything(t, func(c *openapi.Config, _ *rest.Config) {
		c.Schemes = []openapi.Scheme{
			{Name: "jwt", Kind: openapi.SchemeBearer, Format: "JWT"},
			{Name: "key", Kind: openapi.SchemeHeader, Field: "x-key"},
			{Name: "jar", Kind: openapi.SchemeCookie, Field: "session"},
			{Name: "basic", Kind: openapi.SchemeBasic},
			{Name: "mesh", Kind: openapi.SchemeMutualTLS},
		}
		c.Access = func(m *transcoder.Method) openapi.Access {
			a := openapi.Access{Any: []openapi.Requirement{{{Scheme: "jwt"}}, {{Scheme: "key"}, {Scheme: "mesh"}}}}
			a.Optional = m.Name == "Watch"
			return a
		}
	}), []row{
		{"paths /v1/own get security", `[{"jwt":[]},{"key":[],"mesh":[]}]`, "the gateway goes before the proto; both of an alternative are needed"},
		{"paths /v1/things:watch get security", `[{"jwt":[]},{"key":[],"mesh":[]},{}]`, "nothing is a way, too"},
		{"paths /v1/own get responses 401 $ref", `"#/components/responses/Error"`, "who shows nothing"},
		{"components securitySchemes jwt bearerFormat", `"JWT"`, "a bearer"},
		{"components securitySchemes key in", `"header"`, "a key"},
		{"components securitySchemes jar in", `"cookie"`, "a cookie"},
		{"components securitySchemes basic scheme", `"basic"`, "a password"},
		{"components securitySchemes mesh type", `"mutualTLS"`, "a certificate"},
	})
}

func TestOwnOptions(t *testing.T) {
	t.Parallel()
	const own = "paths /v1/own get "
	check(t, everything(t, nil), []row{
		{own + "summary", `"Own summary"`, "openapiv2_operation"},
		{own + "description", "\"Own description.\\n\\nQuery parameters can lead further into `filter.inner`, with dots between the names of fields.\"", "openapiv2_operation"},
		{own + "operationId", `"ownOperation"`, "openapiv2_operation"},
		{own + "tags", `["Extra"]`, "openapiv2_operation"},
		{own + "deprecated", `true`, "openapiv2_operation"},
		{own + "externalDocs url", `"https://example.com/own"`, "openapiv2_operation"},
		{own + "responses 409 description", `"Somebody else has it."`, "openapiv2_operation"},
		{own + "parameters [x-tenant] required", `true`, "openapiv2_operation"},
		{own + "x-cost", `3`, "openapiv2_operation"},
	})
}

func TestVisibility(t *testing.T) {
	t.Parallel()
	show := func(labels ...string) any {
		return everything(t, func(c *openapi.Config, _ *rest.Config) { c.Info.Visibility = labels })
	}
	check(t, show("PREVIEW"), []row{
		{"paths /v1/preview get operationId", `"Things_Preview"`, "one of its labels"},
		{"paths /v1/secret", "absent", "another label"},
	})
	check(t, show("INTERNAL"), []row{
		{"paths /v1/preview get operationId", `"Things_Preview"`, "one of its labels"},
		{"paths /v1/secret get operationId", `"Secret_Tell"`, "its label"},
		{"components schemas everything.v1.Thing properties secret writeOnly", `true`, "its label"},
		{"components schemas everything.v1.Kind enum 3", `"KIND_SECRET"`, "its label"},
	})
}

func TestInclude(t *testing.T) {
	t.Parallel()
	d := everything(t, func(c *openapi.Config, _ *rest.Config) {
		c.Include = func(name string) bool { return name == "everything.v1.Nothing" }
	})
	check(t, d, []row{{"paths", `{}`, "no service"}, {"info title", `"API"`, "nothing to name it after"}, {"components", `{}`, "nothing to refer to"}})
}

// TestDeterministic: a document is the same each time, and YAML says what JSON says.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	made := func() *openapi.Document {
		own := &rest.Config{}
		d, err := openapi.New(openapi.Config{Mux: muxOf(t, nil, "testdata/everything"), REST: func(*transcoder.Method) *rest.Config { return own }})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := made()
	for range 3 {
		if !bytes.Equal(first.JSON(), made().JSON()) {
			t.Fatal("two documents of one schema differ")
		}
	}
	text, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(text, &fromYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(first.JSON(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	var back any
	if err := json.Unmarshal(again, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, back); diff != "" {
		t.Errorf("YAML says something else (-JSON +YAML):\n%s", diff)
	}
}

func TestInfoIsChecked(t *testing.T) {
	t.Parallel()
	info := openapi.Info{Servers: []string{"https://a.example", "a.example", "https://u:p@a.example", "https://a.example"}, Visibility: []string{"", "A"}}
	var got []string
	for _, p := range info.Check() {
		got = append(got, p.Path)
	}
	if want := []string{"servers[1]", "servers[2]", "servers[3]", "visibility[0]"}; !slices.Equal(got, want) {
		t.Errorf("wrong are %q; want %q", got, want)
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// shop is a schema with rules of every kind.
const shop = `syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/protobuf/any.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

service Shop {
  rpc Order(OrderRequest) returns (Plain);
  rpc Update(UpdateRequest) returns (Plain);
  rpc Create(CreateRequest) returns (Plain);
  rpc Ping(Plain) returns (Plain);
  rpc Loops(LoopsRequest) returns (Plain);
  rpc Fails(FailsRequest) returns (Plain);
}

message Plain { string text = 1; Plain inner = 2; google.protobuf.Any any = 3; }

message OrderRequest {
  option (buf.validate.message).cel = {
    id: "order.dates" message: "ends before it begins" expression: "this.begin <= this.end"
  };
  string customer = 1 [(buf.validate.field).string = {min_len: 3, max_len: 10}];
  repeated Item items = 2 [(buf.validate.field).repeated = {max_items: 2000}];
  map<string, int32> stock = 3 [(buf.validate.field).map.values.int32.gte = 0];
  int32 begin = 4;
  int32 end = 5;
  string email = 6 [(buf.validate.field) = {string: {email: true}, ignore: IGNORE_IF_ZERO_VALUE}];
  string pin = 7 [debug_redact = true, (buf.validate.field).cel = {id: "pin.short" expression: "this.size() < 5 ? '' : this + ' is too long'"}];
  google.protobuf.StringValue note = 8 [(buf.validate.field).string.max_len = 5];
  oneof payment {
    option (buf.validate.oneof).required = true;
    string card = 9;
    string voucher = 10;
  }
}
message Item {
  string sku = 1 [(buf.validate.field).string.pattern = "^[A-Z]{3}$"];
  uint32 count = 2 [(buf.validate.field).uint32 = {gt: 0, lt: 100}];
}

message Book {
  string title = 1 [(google.api.field_behavior) = REQUIRED];
  Author author = 2;
  google.protobuf.Timestamp create_time = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  int32 pages = 4 [(google.api.field_behavior) = REQUIRED];
  optional bool sold = 5 [(google.api.field_behavior) = REQUIRED];
  repeated Author more = 6;
  map<string, Author> by_name = 7;
  string id = 8 [(google.api.field_behavior) = OUTPUT_ONLY, (google.api.field_behavior) = REQUIRED];
}
message Author {
  string name = 1 [(google.api.field_behavior) = IMMUTABLE, (google.api.field_behavior) = REQUIRED];
  string rank = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
}
message CreateRequest { Book book = 1 [(google.api.field_behavior) = REQUIRED]; }
message UpdateRequest { Book book = 1 [(google.api.field_behavior) = REQUIRED]; google.protobuf.FieldMask update_mask = 2; }

message LoopsRequest {
  option (buf.validate.message).cel = {
    id: "distinct" message: "twice" expression: "this.a.all(x, this.b.all(y, x != y))"
  };
  repeated int32 a = 1;
  repeated int32 b = 2;
}
message FailsRequest {
  int32 by = 1 [(buf.validate.field).cel = {id: "divides" message: "does not divide" expression: "10 / (this - 7) > 0 || this != 7"}];
}
`

// load makes a schema of a file's text.
func load(t testing.TB, text string) (*schema.Schema, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.proto"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := protofile.New(protofile.Config{Dirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	return source.Load(t.Context())
}

// methods are those of a schema, with a configuration.
func methods(t testing.TB, text string, cfg validate.Config) []validate.Method {
	t.Helper()
	s, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	var all []validate.Method
	for _, m := range mux.Methods() {
		all = append(all, validate.Method{Method: m, Config: cfg})
	}
	return all
}

var on = true

// world is a policy over the shop.
type world struct {
	policy  *validate.Policy
	methods []validate.Method
}

func newWorld(t testing.TB, cfg validate.Config) *world {
	t.Helper()
	w := &world{methods: methods(t, shop, cfg)}
	var err error
	if w.policy, err = validate.New(w.methods, validate.NewCounts(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) method(t testing.TB, name string) *transcoder.Method {
	t.Helper()
	i := slices.IndexFunc(w.methods, func(m validate.Method) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("there is no method %s", name)
	}
	return w.methods[i].Method
}

// encode is a request in text on the wire.
func encode(t testing.TB, m *transcoder.Method, text string) []byte {
	t.Helper()
	message := dynamicpb.NewMessage(m.Desc.Input())
	if err := (prototext.UnmarshalOptions{Resolver: m.Schema.Types()}).Unmarshal([]byte(text), message); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(nil, message)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// inspect shows the policy a message; it returns what is left of it.
func (w *world) inspect(m *transcoder.Method, data []byte) ([]byte, error) {
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method = m
	if !w.policy.Inspects(c) {
		return data, nil
	}
	message := transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}}
	if err := w.policy.Inspect(c, 1, &message); err != nil {
		return nil, err
	}
	return slices.Clone(message.View()), nil
}

// told are the violations of an error, "field: description (REASON)".
func told(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*status.Error](err)
	if !ok || e.Code != codes.InvalidArgument || e.Reason != status.ReasonValidationFailed {
		t.Fatalf("the error is %v", err)
	}
	var list []string
	for _, v := range e.Violations {
		list = append(list, fmt.Sprintf("%s: %s (%s)", v.Field, v.Description, v.Reason))
	}
	return list
}

// T209: rules of buf.validate hold, and what breaks them is told with its path.
func TestT209RulesOfTheSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t, validate.Config{Requests: &on})
	order := w.method(t, "Order")
	for _, tt := range []struct {
		reason, request string
		want            []string
	}{
		{"good", `customer: "ada" card: "c" items {sku: "ABC" count: 1} stock {key: "a" value: 1} email: "a@b.example" pin: "1234" note {value: "12345"} begin: 1 end: 2`, nil},
		{"a text", `customer: "ad" card: "c"`, []string{"customer: must be at least 3 characters (STRING_MIN_LEN)"}},
		{"in a list", `customer: "ada" card: "c" items {sku: "ABC" count: 1} items {sku: "abc" count: 100}`, []string{
			"items[1].sku: does not match regex pattern `^[A-Z]{3}$` (STRING_PATTERN)", "items[1].count: must be greater than 0 and less than 100 (UINT32_GT_LT)",
		}},
		{"in a map", `customer: "ada" card: "c" stock {key: "a\"b" value: -1}`, []string{`stock["a\"b"]: must be greater than or equal to 0 (INT32_GTE)`}},
		{"an expression over the message", `customer: "ada" card: "c" begin: 2 end: 1`, []string{": ends before it begins (ORDER_DATES)"}},
		{"a oneof", `customer: "ada"`, []string{"payment: exactly one field is required in oneof (REQUIRED)"}},
		{"a format", `customer: "ada" card: "c" email: "nobody"`, []string{"email: must be a valid email address (STRING_EMAIL)"}},
		{"a wrapper", `customer: "ada" card: "c" note {value: "123456"}`, []string{"note: must be at most 5 characters (STRING_MAX_LEN)"}},
		{"an expression that words its message", `customer: "ada" card: "c" pin: "12345"`, []string{"pin: 12345 is too long (PIN_SHORT)"}},
		{"nothing", ``, []string{"payment: exactly one field is required in oneof (REQUIRED)", "customer: must be at least 3 characters (STRING_MIN_LEN)"}},
	} {
		_, err := w.inspect(order, encode(t, order, tt.request))
		if got := told(t, err); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.reason, got, tt.want)
		}
	}
}

// Threat I6: what a rule says of a value that no log is to have stands in no message, which the log has.
func TestMessagesDoNotTellSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, validate.Config{Requests: &on})
	order := w.method(t, "Order")
	_, err := w.inspect(order, encode(t, order, `customer: "ada" card: "c" pin: "hunter2"`))
	if err == nil || strings.Contains(status.Proto(err).GetMessage(), "hunter2") || !strings.Contains(status.Proto(err).GetMessage(), "pin: is not valid") {
		t.Errorf("the message is %q", status.Proto(err).GetMessage())
	}
	_, err = w.inspect(order, encode(t, order, `customer: "a"`))
	const want = "the request is not valid: payment: exactly one field is required in oneof (and 1 more)"
	if got := status.Proto(err).GetMessage(); got != want {
		t.Errorf("the message is %q; want %q", got, want)
	}
}

// T209, AIP-203: REQUIRED fields are there, in whatever message they stand; OUTPUT_ONLY ones are taken out, and not missed.
func TestT209FieldBehavior(t *testing.T) {
	t.Parallel()
	w := newWorld(t, validate.Config{Requests: &on})
	create := w.method(t, "Create")
	for _, tt := range []struct {
		reason, request, kept string
		want                  []string
	}{
		{"all there; 0 is a number", `book {title: "t" sold: false}`, `book {title: "t" sold: false}`, nil},
		{"nothing", ``, "", []string{"book: is required (REQUIRED)"}},
		{"an empty message", `book {}`, "", []string{"book.title: is required (REQUIRED)", "book.sold: is required (REQUIRED)"}},
		{"an empty text", `book {title: "" sold: true}`, "", []string{"book.title: is required (REQUIRED)"}},
		{"in a message that is there", `book {title: "t" sold: true author {}}`, "", []string{"book.author.name: is required (REQUIRED)"}},
		{"in a list", `book {title: "t" sold: true more {name: "n"} more {}}`, "", []string{"book.more[1].name: is required (REQUIRED)"}},
		{"in a map", `book {title: "t" sold: true by_name {key: "k" value {}}}`, "", []string{`book.by_name["k"].name: is required (REQUIRED)`}},
		{"output only, at two depths", `book {title: "t" sold: true id: "mine" create_time {seconds: 1} author {name: "n" rank: "r"}}`, `book {title: "t" sold: true author {name: "n"}}`, nil},
	} {
		got, err := w.inspect(create, encode(t, create, tt.request))
		if list := told(t, err); !slices.Equal(list, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.reason, list, tt.want)
		}
		if want := encode(t, create, tt.kept); err == nil && !slices.Equal(got, want) {
			t.Errorf("%s: the backend gets %x; want %x", tt.reason, got, want)
		}
	}
}

// AIP-134: of a resource that is updated, what the mask names is required, and no more.
func TestRequiredFieldsOfUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, validate.Config{Requests: &on})
	update := w.method(t, "Update")
	for _, tt := range []struct {
		reason, request string
		want            []string
	}{
		{"no mask", `book {pages: 1}`, nil},
		{"no resource", `update_mask {paths: "pages"}`, []string{"book: is required (REQUIRED)"}},
		{"another field", `book {pages: 1} update_mask {paths: "pages"}`, nil},
		{"the field", `book {pages: 1} update_mask {paths: "pages" paths: "title"}`, []string{"book.title: is required (REQUIRED)"}},
		{"all", `book {pages: 1 sold: true} update_mask {paths: "*"}`, []string{"book.title: is required (REQUIRED)"}},
		{"a message", `book {author {}} update_mask {paths: "author"}`, []string{"book.author.name: is required (REQUIRED)"}},
		{"a field of a message", `book {author {}} update_mask {paths: "author.name"}`, []string{"book.author.name: is required (REQUIRED)"}},
		{"a field whose name begins so", `book {} update_mask {paths: "titl"}`, nil},
	} {
		_, err := w.inspect(update, encode(t, update, tt.request))
		if got := told(t, err); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.reason, got, tt.want)
		}
	}
}

func TestSettingsOfFieldBehavior(t *testing.T) {
	t.Parallel()
	off := false
	const request = `book {id: "mine" author {rank: "r"}}`
	for _, tt := range []struct {
		reason string
		cfg    validate.Config
		kept   bool
		want   []string
	}{
		{"nothing required, all kept", validate.Config{Requests: &on, Required: &off, OutputOnly: validate.Keep}, true, nil},
		{"nothing required", validate.Config{Requests: &on, Required: &off}, false, nil},
		{"output only refused", validate.Config{Requests: &on, Required: &off, OutputOnly: validate.Refuse}, true, []string{
			"book.author.rank: is set by the service and must be left out (OUTPUT_ONLY)", "book.id: is set by the service and must be left out (OUTPUT_ONLY)",
		}},
	} {
		w := newWorld(t, tt.cfg)
		create := w.method(t, "Create")
		data := encode(t, create, request)
		got, err := w.inspect(create, data)
		if list := told(t, err); !slices.Equal(list, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.reason, list, tt.want)
		}
		if err == nil && slices.Equal(got, data) != tt.kept {
			t.Errorf("%s: the backend gets %x", tt.reason, got)
		}
	}
	if err := (validate.Config{OutputOnly: "drop"}).Check(); err == nil || !strings.Contains(err.Error(), `"drop"`) {
		t.Errorf("an unknown choice: %v", err)
	}
	if p, err := validate.New(methods(t, shop, validate.Config{}), validate.NewCounts(), nil); p != nil || err != nil {
		t.Errorf("switched off: %v, %v", p, err)
	}
}

// Rules that cannot be compiled are refused when the schema loads, each with what it stands at.
func TestRulesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const head = "syntax = \"proto3\";\npackage bad.v1;\nimport \"buf/validate/validate.proto\";\nservice S { rpc M(R) returns (R); }\n"
	for _, tt := range []struct {
		reason, body string
		want         map[string]string // what is said of what
	}{
		{"syntax", `message R { string a = 1 [(buf.validate.field).cel = {id: "x" expression: "this +"}]; }`, map[string]string{"bad.v1.R.a": "Syntax error"}},
		{"a name there is not", `message R { option (buf.validate.message).cel = {id: "x" expression: "this.nope > 1"}; string a = 1; }`, map[string]string{"bad.v1.R": "undefined field 'nope'"}},
		{"types", `message R { string a = 1 [(buf.validate.field).cel = {id: "x" expression: "this > 1"}]; }`, map[string]string{"bad.v1.R.a": "no matching overload"}},
		{"no outcome", `message R { string a = 1 [(buf.validate.field).cel = {id: "x" expression: "1"}]; }`, map[string]string{"bad.v1.R.a": "wanted either bool or string"}},
		{"a rule of another type", `message R { string a = 1 [(buf.validate.field).int32.gt = 1]; }`, map[string]string{"bad.v1.R.a": "string"}},
		{"deep", `message R { repeated I i = 1; } message I { map<string, J> j = 1; } message J { int32 a = 1 [(buf.validate.field).cel = {id: "x" expression: "this"}]; }`, map[string]string{"bad.v1.J.a": "wanted either bool or string"}},
		{"several", `message R { string a = 1 [(buf.validate.field).cel = {id: "x" expression: "1"}]; string b = 2 [(buf.validate.field).cel = {id: "x" expression: "2"}]; I i = 3; } message I { option (buf.validate.message).cel = {id: "x" expression: "3"}; }`, map[string]string{"bad.v1.R.a": "", "bad.v1.R.b": "", "bad.v1.I": ""}},
		{"a oneof of no field", `message R { option (buf.validate.message).oneof = {fields: ["a", "c"]}; string a = 1; }`, map[string]string{"bad.v1.R": "field c not found"}},
		{"loops", `message R { repeated int32 a = 1; option (buf.validate.message).cel = {id: "x" expression: "this.a.all(w, this.a.all(x, this.a.all(y, this.a.all(z, w+x+y+z > 0))))"}; }`, map[string]string{"bad.v1.R": "4 loops stand in each other; they may be 3"}},
	} {
		_, err := validate.New(methods(t, head+tt.body, validate.Config{Requests: &on}), validate.NewCounts(), nil)
		found := map[string]string{}
		for _, e := range flat(err) {
			r, ok := errors.AsType[*validate.RuleError](e)
			if !ok {
				t.Errorf("%s: %v", tt.reason, e)
				continue
			}
			found[string(r.On.FullName())] += r.Message
			if at := r.Schema.Locate(r.On, r.Option()...); at.Line < 5 || !strings.HasSuffix(at.File, "shop.proto") {
				t.Errorf("%s: %s is located at %+v", tt.reason, r.On.FullName(), at)
			}
		}
		for on, text := range tt.want {
			if got, ok := found[on]; !ok || !strings.Contains(got, text) {
				t.Errorf("%s: of %s is said %q; want %q", tt.reason, on, got, text)
			}
		}
		if len(found) != len(tt.want) {
			t.Errorf("%s: %q; want %d", tt.reason, found, len(tt.want))
		}
	}
}

// flat returns the errors that one joins.
func flat(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flat(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Threats E1 and E4: what a client sends costs no more than it may, and is refused otherwise.
func TestThreatE4CostOfChecking(t *testing.T) {
	t.Parallel()
	w := newWorld(t, validate.Config{Requests: &on})
	order, create, loops := w.method(t, "Order"), w.method(t, "Create"), w.method(t, "Loops")
	repeat := func(number protowire.Number, value string, n int) []byte {
		one := protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), value)
		return []byte(strings.Repeat(string(one), n))
	}
	ints := func(number protowire.Number, n int) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), strings.Repeat("\x01", n))
	}
	deep := []byte{}
	for range 150 {
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), deep)
	}
	for _, tt := range []struct {
		reason string
		method *transcoder.Method
		data   []byte
		code   codes.Code
		want   string
	}{
		{"a million empty messages", order, repeat(2, "", 1_000_000), codes.ResourceExhausted, "so many parts"},
		{"messages in messages", create, protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), repeat(6, "", 500_000)), codes.ResourceExhausted, "so many parts"},
		{"a loop in a loop, over few", loops, append(ints(1, 5), ints(2, 5)...), codes.InvalidArgument, "twice"},
		{"a loop in a loop, over many", loops, append(ints(1, 5000), ints(2, 5000)...), codes.ResourceExhausted, "so many elements"},
		{"no protobuf", order, []byte("\x0a\x05a"), codes.InvalidArgument, "no message of its type"},
		{"text that is none", order, []byte("\x0a\x03a\xffb"), codes.InvalidArgument, "no message of its type"},
		{"many elements that are wrong: one is told", order, append([]byte("\x0a\x03ada\x4a\x01c"), repeat(2, "", 1500)...), codes.InvalidArgument, "items[0].sku"},
	} {
		_, err := w.inspect(tt.method, tt.data)
		if st := status.Proto(err); codes.Code(st.GetCode()) != tt.code || !strings.Contains(st.GetMessage(), tt.want) { //nolint:gosec // codes are small
			t.Errorf("%s: %v; want %s, %q", tt.reason, err, tt.code, tt.want)
		}
		if e, ok := errors.AsType[*status.Error](err); ok && len(e.Violations) > 100 {
			t.Errorf("%s: %d violations are told", tt.reason, len(e.Violations))
		}
	}
	many := []byte("\x0a\x03ada\x4a\x01c")
	many = append(many, repeat(2, "", 400)...)
	if _, err := w.inspect(order, many); len(told(t, err)) != 100 {
		t.Errorf("%d violations are told; want 100", len(told(t, err)))
	}
}

// A rule that cannot be evaluated does not hold, and is the schema's fault.
func TestRulesThatFail(t *testing.T) {
	t.Parallel()
	const text = `syntax = "proto3"; package shop.v1; import "buf/validate/validate.proto"; service Shop { rpc Fails(R) returns (R); }
message R { int32 by = 1 [(buf.validate.field).cel = {id: "divides" message: "does not divide" expression: "10 / this > 0"}]; }`
	w := &world{methods: methods(t, text, validate.Config{Requests: &on})}
	var err error
	if w.policy, err = validate.New(w.methods, validate.NewCounts(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	fails := w.method(t, "Fails")
	_, err = w.inspect(fails, encode(t, fails, ``))
	if e, ok := errors.AsType[*status.Error](err); !ok || e.Code != codes.Internal || e.Cause == nil || !strings.Contains(e.Cause.Error(), "division by zero") || strings.Contains(e.Message, "zero") {
		t.Errorf("%v", err)
	}
	if _, err := w.inspect(fails, encode(t, fails, `by: 5`)); err != nil {
		t.Error(err)
	}
}

// A method whose schema says nothing of its requests is not inspected, and asking costs nothing; Unchecked tells of the others.
func TestMethodsWithoutRulesCostNothing(t *testing.T) { //nolint:paralleltest // it counts allocations
	w := newWorld(t, validate.Config{Requests: &on})
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method = w.method(t, "Ping")
	if n := testing.AllocsPerRun(100, func() {
		if w.policy.Admit(c) != nil || w.policy.Inspects(c) {
			t.Error("it is inspected")
		}
	}); n > 0 {
		t.Errorf("it takes %.0f allocations", n)
	}
	var names []string
	for _, m := range validate.Unchecked(methods(t, shop, validate.Config{})) {
		names = append(names, m.Name)
	}
	if want := []string{"Order", "Loops", "Fails"}; !slices.Equal(names, want) {
		t.Errorf("methods with rules are %q; want %q", names, want)
	}
	if list := validate.Unchecked(w.methods); len(list) > 0 {
		t.Errorf("%d are unchecked", len(list))
	}
}

// Fuzzing: whatever comes, a message is refused, or passes as it came but for what is cleared.
func FuzzInspect(f *testing.F) {
	w := newWorld(f, validate.Config{Requests: &on})
	order, create, update := w.method(f, "Order"), w.method(f, "Create"), w.method(f, "Update")
	for _, text := range []string{`customer: "ada" card: "c" items {sku: "ABC" count: 1} stock {key: "a" value: 1}`, ``} {
		f.Add(encode(f, order, text), uint8(0))
	}
	f.Add(encode(f, create, `book {title: "t" sold: true id: "x" author {name: "n" rank: "r"}}`), uint8(1))
	f.Add(encode(f, update, `book {title: "t"} update_mask {paths: "title"}`), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		m := []*transcoder.Method{order, create, update}[which%3]
		got, err := w.inspect(m, slices.Clone(data))
		if err != nil {
			if e, ok := errors.AsType[*status.Error](err); !ok || e.Code != codes.InvalidArgument && e.Code != codes.ResourceExhausted {
				t.Fatalf("%x: %v", data, err)
			}
			return
		}
		if m == order && !slices.Equal(got, data) {
			t.Fatalf("%x came out as %x", data, got)
		}
		if again, err := w.inspect(m, got); err != nil || !slices.Equal(again, got) {
			t.Fatalf("%x, then %x, %v", got, again, err)
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	w := newWorld(b, validate.Config{Requests: &on})
	order := w.method(b, "Order")
	data := encode(b, order, `customer: "ada" card: "c" items {sku: "ABC" count: 1} items {sku: "XYZ" count: 2} stock {key: "a" value: 1} email: "a@b.example" begin: 1 end: 2`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.inspect(order, data); err != nil {
			b.Fatal(err)
		}
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/timestamppb" // files that are looked for
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
)

// orderFile describes the request of the tests.
const orderFile = `
name: "FILE"
package: "acme.orders.v1"
syntax: "proto3"
dependency: "google/protobuf/timestamp.proto"
dependency: "google/protobuf/wrappers.proto"
enum_type { name: "Kind" value { name: "KIND_UNSPECIFIED" number: 0 } value { name: "KIND_BIG" number: 1 } }
message_type {
  name: "GetOrderRequest"
  field { name: "customer_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "amount" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "item" number: 3 type: TYPE_MESSAGE type_name: ".acme.orders.v1.Item" label: LABEL_OPTIONAL }
  field { name: "items" number: 4 type: TYPE_MESSAGE type_name: ".acme.orders.v1.Item" label: LABEL_REPEATED }
  field { name: "tags" number: 5 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "public" number: 6 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "by_name" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "by_mail" number: 8 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "since" number: 9 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "note" number: 10 type: TYPE_MESSAGE type_name: ".google.protobuf.StringValue" label: LABEL_OPTIONAL }
  field { name: "kind" number: 11 type: TYPE_ENUM type_name: ".acme.orders.v1.Kind" label: LABEL_OPTIONAL }
  field { name: "blob" number: 12 type: TYPE_BYTES label: LABEL_OPTIONAL }
  oneof_decl { name: "who" }
}
message_type {
  name: "Item"
  field { name: "owner" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "item" number: 2 type: TYPE_MESSAGE type_name: ".acme.orders.v1.Item" label: LABEL_OPTIONAL }
}`

// order is the type of the request, of a file with some name.
func order(t testing.TB, file string) protoreflect.MessageDescriptor {
	t.Helper()
	p := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(strings.Replace(orderFile, "FILE", file, 1)), p); err != nil {
		t.Fatal(err)
	}
	made, err := protodesc.NewFile(p, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return made.Messages().ByName("GetOrderRequest")
}

// encoded is a message written as text, in bytes.
func encoded(t testing.TB, d protoreflect.MessageDescriptor, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(d)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// program compiles an expression for a type of request.
func program(t testing.TB, text string, d protoreflect.MessageDescriptor) *expression.Program {
	t.Helper()
	e, err := expression.New(text, expression.Request)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	p, err := e.For(d)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// messageRows are expressions on who calls and a message, with their outcome for one who is known.
var messageRows = []struct {
	name, expression, message string
	want                      expression.Outcome
}{
	{"a field", `request.customer_id == auth.subject`, `customer_id: "ada"`, expression.Holds},
	{"somebody else's", `request.customer_id == auth.subject`, `customer_id: "bob"`, expression.Fails},
	{"nobody's", `request.customer_id == auth.subject`, ``, expression.Fails},
	{"support may all", `request.customer_id == auth.subject || 'support' in auth.claims.roles`, `customer_id: "bob"`, expression.Missing},
	{"a number", `request.amount <= 100`, `amount: 100`, expression.Holds},
	{"a number with a claim", `request.amount < auth.claims.level`, `amount: 7`, expression.Fails},
	{"a field within", `request.item.owner == auth.subject`, `item { owner: "ada" }`, expression.Holds},
	{"further within", `request.item.item.owner == auth.subject`, `item { item { owner: "ada" } }`, expression.Holds},
	{"all of a list", `request.items.all(i, i.owner == auth.subject)`, `items { owner: "ada" } items { owner: "ada" }`, expression.Holds},
	{"one of a list", `request.items.all(i, i.owner == auth.subject)`, `items { owner: "ada" } items { owner: "bob" }`, expression.Fails},
	{"how many", `request.items.size() <= 2 && request.tags.size() == 0`, `items {} items {}`, expression.Holds},
	{"in a list", `auth.subject in request.tags`, `tags: "bob" tags: "ada"`, expression.Holds},
	{"true", `request.public`, `public: true`, expression.Holds},
	{"not true", `request.public`, ``, expression.Fails},
	{"one of several is there", `has(request.by_name)`, `by_name: "x"`, expression.Holds},
	{"another of several is", `has(request.by_name)`, `by_mail: "x"`, expression.Fails},
	{"a message is there", `has(request.item)`, `item {}`, expression.Holds},
	{"a time", `request.since < timestamp("2026-01-01T00:00:00Z")`, `since { seconds: 1 }`, expression.Holds},
	{"a wrapped text", `request.note == "x"`, `note { value: "x" }`, expression.Holds},
	{"a wrapped text that is not there", `request.note == null`, ``, expression.Holds},
	{"a value of an enum", `request.kind == 1`, `kind: KIND_BIG`, expression.Holds},
	{"a value of an enum by its name", `request.kind == acme.orders.v1.Kind.KIND_BIG`, `kind: KIND_BIG`, expression.Holds},
	{"bytes", `request.blob == b"x"`, `blob: "x"`, expression.Holds},
	{"a whole message", `request == acme.orders.v1.GetOrderRequest{customer_id: "ada"}`, `customer_id: "ada"`, expression.Holds},
	{"a header beside it", `request.header("x-own") == request.customer_id`, `customer_id: "own"`, expression.Holds},
}

func TestExpressionsOnTheRequest(t *testing.T) {
	t.Parallel()
	// A file that is called as one of this program is not taken for that.
	for _, file := range []string{"acme/orders/v1/orders.proto", "google/rpc/status.proto", "buf/validate/validate.proto"} {
		d := order(t, file)
		for _, row := range messageRows {
			c := call("x-own", "own")
			c.Identity = identity()
			delete(c.Identity.Claims, "roles")
			got, err := program(t, row.expression, d).Message(c, encoded(t, d, row.message))
			if got != row.want {
				t.Errorf("%s: %s: the outcome of %s is %d, %v; want %d", file, row.name, row.expression, got, err, row.want)
			}
		}
	}
}

func TestFieldsAreCheckedWithTheirTypes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, expression, want string }{
		{"no such field", `request.customer == auth.subject`, "at character 8: undefined field 'customer'"},
		{"no such field within", `request.item.price == 1`, "at character 13: undefined field 'price'"},
		{"another type", `request.amount == auth.subject`, "found no matching overload for '_==_' applied to '(int, string)'"},
		{"not a condition", `request.customer_id`, "is a string; it must be true or false"},
		{"a list is no text", `request.tags == "x"`, "found no matching overload"},
	} {
		e, err := expression.New(row.expression, expression.Request)
		if err != nil {
			t.Errorf("%s: %s is refused without a method: %v", row.name, row.expression, err)
			continue
		}
		if _, err := e.For(order(t, "orders.proto")); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %s: got %v; want %q", row.name, row.expression, err, row.want)
		}
	}
}

// What is on the wire twice, or in parts, counts as the backend reads it.
func TestTheLastValueOnTheWireCounts(t *testing.T) {
	t.Parallel()
	d := order(t, "orders.proto")
	c := call()
	c.Identity = identity()
	text := func(number protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), s)
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, row := range []struct {
		name, expression string
		data             []byte
		want             expression.Outcome
	}{
		{"the last one is another", `request.customer_id == auth.subject`, join(text(1, "ada"), text(1, "bob")), expression.Fails},
		{"the last one is right", `request.customer_id == auth.subject`, join(text(1, "bob"), text(1, "ada")), expression.Holds},
		{"messages are merged", `request.item.owner == auth.subject`, join(text(3, string(text(1, "ada"))), text(3, "")), expression.Holds},
		{"another of a oneof clears it", `request.by_name == auth.subject`, join(text(7, "ada"), text(8, "x")), expression.Fails},
		{"fields that nobody knows", `request.customer_id == auth.subject`, join(text(1000, "bob"), text(1, "ada"), text(1001, "")), expression.Holds},
		{"another type on the wire is an unknown field", `request.customer_id == auth.subject`, join(text(1, "ada"), protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)), expression.Holds},
		{"cut short", `request.customer_id == auth.subject`, join(text(1, "ada"), []byte{0x0a, 7}), expression.Unknown},
		{"not UTF-8", `request.customer_id == auth.subject`, text(1, "\xff"), expression.Unknown},
		{"no message at all", `request.customer_id == auth.subject`, []byte{0xff, 0xff}, expression.Unknown},
	} {
		got, err := program(t, row.expression, d).Message(c, row.data)
		if got != row.want {
			t.Errorf("%s: the outcome is %d, %v; want %d", row.name, got, err, row.want)
		}
		if got == expression.Unknown && !errors.Is(err, expression.ErrMessage) {
			t.Errorf("%s: the error is %v; it does not say that the message is at fault", row.name, err)
		}
	}
}

// What the head alone decides is known before the request is.
func TestTheHeadMayDecide(t *testing.T) {
	t.Parallel()
	d := order(t, "orders.proto")
	for _, row := range []struct {
		expression string
		want       expression.Outcome
	}{
		{`'owner' in auth.claims.roles && request.amount < 7`, expression.Fails},
		{`'admin' in auth.claims.roles || request.amount < 7`, expression.Holds},
		{`'admin' in auth.claims.roles && request.amount < 7`, expression.Unknown},
	} {
		c := call()
		c.Identity = identity()
		if got, _ := program(t, row.expression, d).Head(c); got != row.want {
			t.Errorf("%s: the outcome on the head is %d; want %d", row.expression, got, row.want)
		}
	}
}

// A large message costs no more than to go over it.
func TestLargeMessagesAreNotBuilt(t *testing.T) { //nolint:paralleltest // allocations of others would count
	d := order(t, "orders.proto")
	var data []byte
	for range 100_000 {
		data = protowire.AppendBytes(protowire.AppendTag(data, 4, protowire.BytesType), []byte{0x0a, 1, 'a'})
	}
	data = protowire.AppendString(protowire.AppendTag(data, 1, protowire.BytesType), "ada")
	c := call()
	c.Identity = identity()
	p := program(t, `request.customer_id == auth.subject`, d)
	n := testing.AllocsPerRun(10, func() {
		if got, err := p.Message(c, data); got != expression.Holds {
			t.Fatalf("the outcome is %d, %v", got, err)
		}
	})
	if n > 50 {
		t.Errorf("%v allocations for a message of %d bytes", n, len(data))
	}
	all := program(t, `request.items.all(i, i.owner == "a")`, d)
	if got, _ := all.Message(c, data); got != expression.Unknown {
		t.Errorf("the outcome is %d; to look at 100,000 items costs too much", got)
	}
}

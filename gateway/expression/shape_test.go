// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// writer makes expressions of the shapes that are evaluated without cel-go, and of some that are not.
type writer struct{ *rand.Rand }

func (w writer) pick(list ...string) string { return list[w.IntN(len(list))] }

func (w writer) text() string {
	return w.pick(`'ada'`, `'bob'`, `''`, `'admin'`, `'a'`, `service`, `method`, `host`, `protocol`, `listener`, `auth.subject`, `auth.provider`, `auth.tenant`,
		`headers['x-own']`, `headers.accept`, `request.header('x-own')`, `request.customer_id`, `request.by_name`, `request.item.owner`, `client.ip`)
}

func (w writer) claim() string {
	return w.pick(`auth.claims.roles`, `auth.claims.none`, `auth.claims['sub']`, `auth.claims.level`, `auth.claims.verified`, `auth.claims.nothing`, `auth.claims.realm`, `auth.claims.realm.roles`, `auth.claims.roles.more`, `auth.claims.sub.more`, `auth.claims.none.more`, `auth.claims.nothing.more`, `auth.claims`)
}

func (w writer) list() string {
	return w.pick(`['ada', 'bob']`, `[]`, `auth.groups`, `auth.scopes`, `header_values['x-own']`, `header_values.accept`, `headers`, `request.tags`)
}

func (w writer) condition(depth int) string {
	if depth > 0 {
		switch w.IntN(4) {
		case 0:
			return "(" + w.condition(depth-1) + " && " + w.condition(depth-1) + ")"
		case 1:
			return "(" + w.condition(depth-1) + " || " + w.condition(depth-1) + ")"
		case 2:
			return "!(" + w.condition(depth-1) + ")"
		}
	}
	switch w.IntN(10) {
	case 0:
		return w.text() + w.pick(" == ", " != ") + w.text()
	case 1:
		return w.text() + " in " + w.list()
	case 2:
		return w.text() + " in " + w.claim()
	case 3:
		return w.claim() + w.pick(" == ", " != ") + w.pick(`'ada'`, `'7'`, `''`)
	case 4:
		return w.pick(`'ada'`, `'7'`) + w.pick(" == ", " != ") + w.claim()
	case 5:
		return "has(" + w.pick(`auth.claims.roles`, `auth.claims.none`, `auth.claims.realm.roles`, `auth.claims.none.more`, `auth.claims.sub.more`, `auth.claims.roles.more`, `auth.claims.nothing.more`, `request.by_name`) + ")"
	case 6:
		return w.text() + "." + w.pick("startsWith", "endsWith", "contains") + "(" + w.text() + ")"
	case 7:
		return "cidr('" + w.pick("192.0.2.0/24", "192.0.2.77/24", "10.0.0.0/8", "2001:db8::/32") + "').containsIP(" + w.pick("client.ip", "ip(client.address)") + ")"
	case 8:
		return w.pick("client.ip", "client.address") + " == " + w.pick("'192.0.2.7'", "'192.0.2.07'", "''", "'2001:db8::1'", "'2001:DB8::1'", "'fe80::1%eth0'", "'::ffff:192.0.2.7'")
	default:
		return w.pick("true", "false", "auth.authenticated", "auth.claims.verified", "auth.claims.roles", "auth.claims.none", "request.public", "request.item.owner == 'ada'", "int(headers['x-own']) > 0")
	}
}

func (w writer) call() *transcoder.Call {
	c := call("x-own", w.pick("ada", "7", "", "a"), "accept", w.pick("ada", "x"), "x-own", "bob")
	if w.IntN(3) > 0 {
		c.Identity = identity()
		if w.IntN(3) == 0 {
			c.Identity.Tenant, c.Identity.Groups, c.Identity.Claims = "", nil, nil
		}
	}
	if w.IntN(2) == 0 {
		c.Client = [...]netip.Addr{{}, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("::ffff:192.0.2.7")}[w.IntN(4)]
	}
	return c
}

func (w writer) message() []byte {
	var data []byte
	for range w.IntN(5) {
		switch w.IntN(8) {
		case 0, 1, 2:
			number := protowire.Number([...]int32{1, 7, 8, 5}[w.IntN(4)])
			data = protowire.AppendString(protowire.AppendTag(data, number, protowire.BytesType), w.pick("ada", "bob", ""))
		case 3:
			data = protowire.AppendVarint(protowire.AppendTag(data, 6, protowire.VarintType), uint64(w.IntN(3))) //nolint:gosec // a small number
		case 4:
			data = protowire.AppendVarint(protowire.AppendTag(data, 1, protowire.VarintType), 7)
		case 5:
			data = protowire.AppendBytes(protowire.AppendTag(data, 3, protowire.BytesType), []byte("\x0a\x03ada"))
		case 6:
			data = protowire.AppendString(protowire.AppendTag(data, 1, protowire.BytesType), w.pick("ada", "\xff"))
		case 7:
			data = append(data, byte(w.IntN(256)))
		}
	}
	return data
}

// agree compares a program with cel-go on a call. Where both say that nothing can be told, why does not matter but for what the log is told.
func agree(t testing.TB, text string, p *expression.Program, c *transcoder.Call, message []byte, read bool) {
	t.Helper()
	got, _ := p.Head(c)
	if read {
		got, _ = p.Message(c, message)
	}
	if want, err := p.Interpret(c, message, read); got != want {
		claims := "nobody"
		if c.Identity != nil {
			data, _ := json.Marshal(c.Identity.Claims) //nolint:errchkjson // for the message alone
			claims = string(data)
		}
		t.Errorf("%s: %d; cel-go says %d, %v (%s, %s, message %x, read %t)", text, got, want, err, claims, c.Client, message, read)
	}
}

// What is evaluated without cel-go is what cel-go says.
func TestShapesSayWhatCELSays(t *testing.T) {
	t.Parallel()
	const expressions, calls = 1000, 10
	w := writer{rand.New(rand.NewPCG(6, 85))} //nolint:gosec // the same every time
	d := order(t, "orders.proto")
	shaped := 0
	for range expressions {
		text := w.condition(w.IntN(4))
		e, err := expression.New(text, expression.Request)
		if err != nil {
			if strings.Contains(err.Error(), "name of a header field") || strings.Contains(err.Error(), "overload") { // '' in headers, auth.claims == ""
				continue
			}
			t.Fatalf("%s: %v", text, err)
		}
		p, err := e.For(d)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !p.Shaped() {
			continue
		}
		shaped++
		for range calls {
			agree(t, text, p, w.call(), w.message(), w.IntN(4) > 0)
		}
		p.Forget()
		if t.Failed() {
			return
		}
	}
	if shaped < expressions/4 {
		t.Errorf("only %d expressions of %d are evaluated without cel-go", shaped, expressions)
	}
}

// The shapes that guides show are evaluated without cel-go, and without an allocation.
func TestTheShapesOfGuidesAllocateNothing(t *testing.T) { //nolint:paralleltest // allocations of others would count
	d := order(t, "orders.proto")
	data := encoded(t, d, `customer_id: "ada" public: true`)
	for _, text := range []string{
		`'admin' in auth.claims.roles`,
		`request.customer_id == auth.subject || 'support' in auth.claims.roles`,
		`cidr('192.0.2.0/24').containsIP(client.ip)`,
		`method == 'Login' || auth.authenticated`,
		`'orders.read' in auth.scopes && auth.tenant == headers["x-tenant"]`,
		`'admin' in auth.claims.roles && request.public`,
		`has(auth.claims.realm) && 'owner' in auth.claims.realm.roles`,
		`request.header('x-team') != '' && client.ip == '192.0.2.7'`,
		`method in ['GetOrder', 'ListOrders'] && service.startsWith('acme.')`,
		`"yes" in header_values["x-canary"] && !("guest" in auth.groups)`,
	} {
		p := program(t, text, d)
		if !p.Shaped() {
			t.Errorf("%s is left to cel-go", text)
			continue
		}
		c := call("x-tenant", "acme", "x-team", "blue", "x-canary", "yes")
		c.Identity = identity()
		n := testing.AllocsPerRun(100, func() {
			if got, err := p.Message(c, data); got != expression.Holds {
				t.Fatalf("%s: the outcome is %d, %v", text, got, err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
		agree(t, text, p, c, data, true)
	}
}

// FuzzShapes holds the same of whatever expressions, claims and messages there may be.
func FuzzShapes(f *testing.F) {
	for i, row := range messageRows {
		f.Add(row.expression, `{"roles":["admin"],"sub":"ada"}`, []byte{0x0a, 3, 'a', 'd', byte('a' + i%2)}, "ada")
	}
	for _, row := range identityRows {
		f.Add(row.expression, `{"roles":["admin"],"realm":{"roles":{"owner":1}}}`, []byte(nil), "")
	}
	w := writer{rand.New(rand.NewPCG(1, 2))} //nolint:gosec // the same every time
	for range 50 {
		f.Add(w.condition(3), `{"roles":{"admin":null},"verified":"yes","level":7}`, w.message(), fmt.Sprint(w.IntN(3)))
	}
	d := order(f, "orders.proto")
	f.Fuzz(func(t *testing.T, text, claims string, message []byte, header string) {
		e, err := expression.New(text, expression.Request)
		if err != nil {
			return
		}
		p, err := e.For(d)
		if err != nil || !p.Shaped() {
			return
		}
		c := call("x-own", header, "accept", header)
		if claims != "" {
			c.Identity = identity()
			decoder := json.NewDecoder(strings.NewReader(claims))
			decoder.UseNumber()
			c.Identity.Claims = nil
			_ = decoder.Decode(&c.Identity.Claims) // what is no object is no claims
		}
		agree(t, text, p, c, message, true)
		agree(t, text, p, c, nil, false)
		p.Forget()
	})
}

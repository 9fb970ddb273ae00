// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// call is a call of a method with fields in its header, by name and value in turn.
func call(fields ...string) *transcoder.Call {
	r := &transcoder.Request{Method: "POST", Authority: "API.example.com:443", Listener: "public", Remote: netip.MustParseAddrPort("192.0.2.7:1234")}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	c := transcoder.NewCall(context.Background(), r)
	c.Protocol = "rest"
	c.Method = transcoder.BareMethod("/acme.orders.v1.OrderService/GetOrder", false, false)
	return c
}

// identity is somebody with all kinds of claims.
func identity() *transcoder.Identity {
	return &transcoder.Identity{
		Provider: "mobile", Subject: "ada", Tenant: "acme", Groups: []string{"staff", "ops"}, Scopes: []string{"orders.read"},
		Claims: map[string]any{
			"sub": "ada", "roles": []any{"admin", "dev"}, "level": json.Number("7"), "ratio": json.Number("0.5"), "verified": true, "nothing": nil,
			"realm": map[string]any{"roles": []any{"owner"}}, "https://acme.example/team": "blue",
		},
	}
}

// head evaluates an expression on the head of a call.
func head(t testing.TB, text string, c *transcoder.Call) expression.Outcome {
	t.Helper()
	e, err := expression.New(text, expression.Head)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	outcome, _ := e.Head().Head(c)
	return outcome
}

// of is the outcome that a truth is.
func of(truth bool) expression.Outcome {
	if truth {
		return expression.Holds
	}
	return expression.Fails
}

// headRows are expressions on a call and whether they are true.
var headRows = []struct {
	name, expression string
	want             bool
}{
	{"service", `service == "acme.orders.v1.OrderService"`, true},
	{"method", `method in ["GetOrder", "ListOrders"]`, true},
	{"header", `headers["x-canary"] == "yes"`, true},
	{"the other spelling of it", `request.header("x-canary") == 'yes'`, true},
	{"a header that is not there is empty", `headers["x-none"] == ""`, true},
	{"presence", `"x-canary" in headers && !("x-none" in headers)`, true},
	{"the first value", `headers["x-many"] == "1"`, true},
	{"all values", `header_values["x-many"] == ["1", "2"] && header_values["x-none"].size() == 0`, true},
	{"any value", `header_values["x-many"].exists(v, v == "2")`, true},
	{"a value in a list", `"2" in header_values["x-many"] && !("3" in header_values["x-many"])`, true},
	{"presence of values", `"x-many" in header_values`, true},
	{"over all names", `headers.exists(name, name.startsWith("x-c"))`, true},
	{"how many names", `headers.size() == 3 && header_values.size() == 3`, true},
	{"maps are compared", `headers == {"x-canary": "yes", "x-many": "1", "x-number": "17"}`, true},
	{"a number", `int(headers["x-number"]) > 16`, true},
	{"an expression of regular ones", `headers["x-canary"].matches("^y.s$")`, true},
	{"client address", `client.address == "192.0.2.7" && client.ip == client.address`, true},
	{"a network", `cidr("192.0.2.0/28").containsIP(ip(client.address))`, true},
	{"not that network", `cidr("10.0.0.0/8").containsIP(client.address)`, false},
	{"host in lower case and without its port", `host == "api.example.com"`, true},
	{"listener", `listener == "public"`, true},
	{"protocol", `protocol == "rest"`, true},
	{"text", `headers["x-canary"].upperAscii() == "YES"`, true},
	{"parts of a text", `service.startsWith("acme.") && service.endsWith("Service") && service.contains(".orders.")`, true},
	{"not equal", `method != "GetOrder"`, false},
	{"a choice", `protocol == "rest" ? method == "GetOrder" : false`, true},
	{"what does not need a part that has no value", `int(headers["x-canary"]) > 0 || true`, true},
	{"on either side", `true || int(headers["x-canary"]) > 0`, true},
	{"nor where it cannot become true", `int(headers["x-canary"]) > 0 && false`, false},
}

func TestExpressionsOnTheHeadOfACall(t *testing.T) {
	t.Parallel()
	for _, row := range headRows {
		c := call("x-canary", "yes", "x-many", "1", "x-many", "2", "x-number", "17")
		if got := head(t, row.expression, c); got != of(row.want) {
			t.Errorf("%s: the outcome of %s is %d; want %t", row.name, row.expression, got, row.want)
		}
	}
}

// identityRows are expressions on who calls, with the outcome for one who is known and for nobody.
var identityRows = []struct {
	name, expression string
	known, nobody    expression.Outcome
}{
	{"is it known who", `auth.authenticated`, expression.Holds, expression.Unidentified},
	{"subject", `auth.subject == "ada"`, expression.Holds, expression.Unidentified},
	{"another one", `auth.subject == "bob"`, expression.Fails, expression.Unidentified},
	{"not another one, which nobody is not, either", `auth.subject != "bob"`, expression.Holds, expression.Unidentified},
	{"nobody is not without a name", `auth.subject == ""`, expression.Fails, expression.Unidentified},
	{"provider", `auth.provider == "mobile"`, expression.Holds, expression.Unidentified},
	{"tenant", `auth.tenant == "acme"`, expression.Holds, expression.Unidentified},
	{"group", `"ops" in auth.groups`, expression.Holds, expression.Unidentified},
	{"scope", `"orders.write" in auth.scopes`, expression.Fails, expression.Unidentified},
	{"a role", `'admin' in auth.claims.roles`, expression.Holds, expression.Unidentified},
	{"not that role", `'owner' in auth.claims.roles`, expression.Fails, expression.Unidentified},
	{"a claim that is not there", `'admin' in auth.claims.permissions`, expression.Missing, expression.Unidentified},
	{"what is not there has no opposite", `!('admin' in auth.claims.permissions)`, expression.Missing, expression.Unidentified},
	{"is the claim there", `has(auth.claims.permissions)`, expression.Fails, expression.Unidentified},
	{"it is", `has(auth.claims.roles) && "roles" in auth.claims`, expression.Holds, expression.Unidentified},
	{"a claim that is needed no more", `'admin' in auth.claims.permissions || auth.subject == "ada"`, expression.Holds, expression.Unidentified},
	{"claims in claims", `'owner' in auth.claims.realm.roles`, expression.Holds, expression.Unidentified},
	{"claims with odd names", `auth.claims["https://acme.example/team"] == "blue"`, expression.Holds, expression.Unidentified},
	{"a claim that is a number", `auth.claims.level >= 7 && auth.claims.level == 7`, expression.Holds, expression.Unidentified},
	{"a fraction", `auth.claims.ratio < 1`, expression.Holds, expression.Unidentified},
	{"a claim that is true", `auth.claims.verified`, expression.Holds, expression.Unidentified},
	{"a claim that is null", `auth.claims.nothing == null && auth.claims.nothing != "x"`, expression.Holds, expression.Unidentified},
	{"a number is no text", `auth.claims.level == "7"`, expression.Fails, expression.Unidentified},
	{"a text is no list", `'blue' in auth.claims["https://acme.example/team"]`, expression.Unknown, expression.Unidentified},
	{"any role", `auth.claims.roles.exists(r, r == "dev")`, expression.Holds, expression.Unidentified},
	{"nobody may from here", `client.address == "192.0.2.7" || auth.subject == "bob"`, expression.Holds, expression.Holds},
	{"nobody may who calls from elsewhere, whoever calls", `client.address == "10.0.0.1" && auth.subject == "ada"`, expression.Fails, expression.Fails},
	{"both", `auth.authenticated && client.address == "10.0.0.1"`, expression.Fails, expression.Unidentified},
}

func TestExpressionsOnWhoCalls(t *testing.T) {
	t.Parallel()
	for _, row := range identityRows {
		known := call()
		known.Identity = identity()
		if got := head(t, row.expression, known); got != row.known {
			t.Errorf("%s: the outcome of %s is %d; want %d", row.name, row.expression, got, row.known)
		}
		if got := head(t, row.expression, call()); got != row.nobody {
			t.Errorf("%s: the outcome of %s is %d for nobody; want %d", row.name, row.expression, got, row.nobody)
		}
	}
}

// Who has no tenant is not in the tenant whose name is empty.
func TestNoTenantIsNoName(t *testing.T) {
	t.Parallel()
	c := call()
	c.Identity = identity()
	c.Identity.Tenant = ""
	if got := head(t, `auth.tenant == headers["x-tenant"]`, c); got != expression.Missing {
		t.Errorf("the outcome is %d; the tenant is missing", got)
	}
}

func TestExpressionsAreCheckedWithTheirTypes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, expression, want string }{
		{"no such variable", `host == "a" && hostname == "b"`, "at character 16: undeclared reference to 'hostname'"},
		{"no such function", `host.isGood()`, "at character 12: undeclared reference to 'isGood'"},
		{"types that do not go together", `headers["x"] == 7`, "at character 14: found no matching overload for '_==_' applied to '(string, int)'"},
		{"no end", `host == `, "at character 9: mismatched input '<EOF>'"},
		{"not a condition", `headers["x-canary"]`, "is a string; it must be true or false"},
		{"of no type that is known", `dyn(true)`, "is a dyn; it must be true or false"},
		{"a claim alone", `auth.claims.verified`, ""},
		{"a name that no header has", `headers["X-Canary"] == "1"`, `at character 9: "X-Canary" must be the name of a header field, in lower case`},
		{"in the other spelling", `request.header("X-Canary") == "1"`, `"X-Canary" must be the name of a header field, in lower case`},
		{"in a list, too", `"X-Canary" in headers`, `"X-Canary" must be the name of a header field`},
		{"has would always be true", `has(headers.accept)`, `has is always true of headers; write "accept" in headers`},
		{"a regular expression that is none", `host.matches("[")`, "at character 14: invalid matches argument"},
		{"A16 a regular expression that the client chooses", `headers["x-canary"].matches(headers["x-pattern"])`, "at character 36: the pattern of matches must be a text that stands here"},
		{"A16 by the other form", `matches(host, "a" + headers["x-pattern"])`, "the pattern of matches must be a text that stands here"},
		{"A16 a regular expression that is large when it is compiled", `host.matches("((a{100}){100}){100}")`, "invalid matches argument"},
		{"loops in loops", `headers.exists(a, headers.exists(b, headers.exists(c, a == b && b == c)))`, "comprehension exceeds nesting limit"},
		{"too long", `host == "` + strings.Repeat("a", expression.MaxLength) + `"`, "has 4106 bytes; it may have 4096"},
		{"too deep", strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100), "recursion limit"},
		{"the request, where it is not read", `request.id == ""`, "undeclared reference to 'request'"},
	} {
		_, err := expression.New(row.expression, expression.Head)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %.80s: got %v; want %q", row.name, row.expression, err, row.want)
		}
	}
	_, err := expression.New(`clientaddress == ""`, expression.Head)
	wrong, ok := errors.AsType[*expression.Error](err)
	if !ok || !strings.Contains(wrong.Hint, "client.address") {
		t.Errorf("the hint does not say which variables there are: %v", err)
	}
}

// What clients send cannot make an expression expensive.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	var fields []string
	for i := range 100 { // as many fields as a request may have
		fields = append(fields, fmt.Sprintf("x-%d", i), fmt.Sprint("marker", i)+strings.Repeat("a", 300)+"b")
	}
	began := time.Now()
	if got := head(t, `headers.exists(a, headers.exists(b, headers[a].contains(headers[b]) && a != b))`, call(fields...)); got != expression.Unknown {
		t.Errorf("the outcome is %d; it costs too much", got)
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("a call took %s", took)
	}
}

// A call over a Unix socket has no address; that is no error.
func TestExpressionsOfCallsWithoutAnAddress(t *testing.T) {
	t.Parallel()
	c := call()
	c.Client = netip.Addr{}
	if got := head(t, `client.address == ""`, c); got != expression.Holds {
		t.Errorf("the outcome is %d; the address is empty", got)
	}
}

// The guide lists the variables that there are, and no others.
func TestVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, v := range expression.Variables() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s |\n", v.Name, v.Type, v.Doc)
	}
	_, table, _ := strings.Cut(string(guide), "| name | type | what it is |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if diff := cmp.Diff(want.String(), table+"\n"); diff != "" {
		t.Errorf("docs/expressions.md (-want +got):\n%s", diff)
	}
}

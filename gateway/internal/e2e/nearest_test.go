// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// nearestToken is what the operators of these tests show.
const nearestToken = "a-token-that-is-long"

// TestNearestRoute: who calls what is not there is told what is near in dev mode, and by who shows the token, whatever the protocol; nobody
// else is, and nobody is told of what is hidden (threat H6).
func TestNearestRoute(t *testing.T) {
	t.Parallel()
	gateways := map[string]*dragoman{
		"dev":   start(t, func(cfg *config.Config) { cfg.Observability.TellNearest = true }),
		"token": start(t, func(cfg *config.Config) { cfg.Observability.DebugToken = nearestToken }),
		"none":  start(t, nil),
	}
	for _, row := range []struct {
		reason, gateway, shown string
		told                   bool
	}{
		{"dev mode tells everybody", "dev", "", true},
		{"the token is shown", "token", nearestToken, true},
		{"no token is shown", "token", "", false},
		{"a wrong token is shown", "token", "a-token-that-is-wrong", false},
		{"there is no token to show", "none", nearestToken, false},
	} {
		d := gateways[row.gateway]
		for _, c := range d.both(t) {
			for target, want := range map[string]string{
				"GET /test/v1/thing/1":                          "GET /test/v1/things/{id}",
				"POST " + binding + "Gett":                      binding + "Get",
				"GET /entirely/different/from/what/there/is/at": "",
			} {
				verb, path, _ := strings.Cut(target, " ")
				a := c.call(t, verb, path, "", "x-dragoman-debug", row.shown)
				if a.status != 404 || !strings.Contains(a.body, "NO_ROUTE") {
					t.Fatalf("%s, %s: %s is answered %d %s", row.reason, c.name, target, a.status, a.body)
				}
				if !tells(a.body, want, row.told) {
					t.Errorf("%s, %s: %s is answered %s", row.reason, c.name, target, a.body)
				}
			}
		}
		for target, want := range map[string]string{
			"/test/v1/converse/p/q":                     "POST /test/v1/converse/{parent}",
			binding + "Gett":                            binding + "Get",
			"/canary/v1/admins/7":                       "GET /canary/v1/things/{id}", // DELETE /canary/v1/admin/{id} opens none
			"/entirely/different/from/what/there/is/at": "",
		} {
			_, a, err := d.tryConnect(t, target, nil, "x-dragoman-debug", row.shown)
			if err == nil || a.status != 404 || !strings.Contains(a.body, "NO_ROUTE") {
				t.Fatalf("%s: a WebSocket at %s is answered %d %s, %v", row.reason, target, a.status, a.body, err)
			}
			if !tells(a.body, want, row.told) {
				t.Errorf("%s: a WebSocket at %s is answered %s", row.reason, target, a.body)
			}
		}
		for name, options := range rpcProtocols() {
			request := connect.NewRequest(&testv1.BindRequest{})
			request.Header().Set("X-Dragoman-Debug", row.shown)
			_, err := d.rpc(t, binding+"Gett", options).CallUnary(within(t), request)
			details := detailsOf(t, err)
			if len(details) != 1 {
				t.Fatalf("%s, %s: %v has the details %v", row.reason, name, err, details)
			}
			want := ""
			if row.told {
				want = binding + "Get"
			}
			if info, ok := details[0].(*errdetails.ErrorInfo); !ok || info.GetMetadata()["nearest"] != want {
				t.Errorf("%s, %s: %v", row.reason, name, details)
			}
		}
	}
}

// tells says whether an answer tells what it should: of want, if it is told at all, and of nothing else.
func tells(body, want string, told bool) bool {
	if !told || want == "" {
		return !strings.Contains(body, "nearest")
	}
	return strings.Contains(body, `"metadata":{"nearest":"`+want+`"}`)
}

// TestH6_HiddenIsNotNear: a route and a method that are hidden are near to nothing.
func TestH6_HiddenIsNotNear(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		d := start(t, func(cfg *config.Config) {
			cfg.Observability.TellNearest = true
			if hidden {
				hide("dragoman.test.v1.AdminService")(cfg)
			}
		})
		for _, target := range []string{"DELETE /canary/v1/admins/7", "POST /canary/v1/admins/7:delete", "POST /dragoman.test.v1.AdminService/Delet"} {
			verb, path, _ := strings.Cut(target, " ")
			a := d.h1(t).call(t, verb, path, "")
			told := strings.Contains(a.body, `"nearest"`) && (strings.Contains(a.body, "/v1/admin/{id}") || strings.Contains(a.body, "AdminService/Delete\""))
			if a.status != 404 || told == hidden {
				t.Errorf("hidden, %t: %s is answered %d %s", hidden, target, a.status, a.body)
			}
		}
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"encoding/base64"
	"testing"
)

// Threat I1: where Authorization is for somebody else, it does not open this listener; its own field does, and for WebSockets of pages, which can
// set none, a subprotocol.
func TestThreatI1_TheTokenBesideAnotherAuthorization(t *testing.T) {
	t.Parallel()
	address := serve(t, token)
	encoded := base64.RawURLEncoding.EncodeToString([]byte(token))
	for _, row := range []struct {
		reason, target string
		fields         []string
		want           int
	}{
		{"none", "/try/v1/books", nil, 401},
		{"an Authorization that is the token", "/try/v1/books", []string{"Authorization: Bearer " + token}, 401},
		{"the field", "/try/v1/books", []string{"X-Dragoman-Admin-Token: " + token}, 200},
		{"the field, and the API's own Authorization", "/try/v1/books", []string{"X-Dragoman-Admin-Token: " + token, "Authorization: Bearer other"}, 200},
		{"another token", "/try/v1/books", []string{"X-Dragoman-Admin-Token: another-token-of-some-length"}, 401},
		{"two tokens, the second of which is right", "/try/v1/books", []string{"X-Dragoman-Admin-Token: x", "X-Dragoman-Admin-Token: " + token}, 401},
		{"two tokens, the first of which is right", "/try/v1/books", []string{"X-Dragoman-Admin-Token: " + token, "X-Dragoman-Admin-Token: x"}, 401},
		{"a subprotocol", "/try/v1/chat", []string{"Sec-WebSocket-Protocol: dragoman.json, dragoman.admin." + encoded}, 200},
		{"a subprotocol that is no base64", "/try/v1/chat", []string{"Sec-WebSocket-Protocol: dragoman.admin.%%%"}, 401},
		{"an empty one", "/try/v1/chat", []string{"Sec-WebSocket-Protocol: dragoman.admin."}, 401},
		{"the field at the API", "/api/v1/status", []string{"X-Dragoman-Admin-Token: " + token}, 200},
		{"the field and an Authorization at the API", "/api/v1/status", []string{"X-Dragoman-Admin-Token: " + token, "Authorization: Bearer " + token}, 401},
		{"a subprotocol at the API", "/api/v1/status", []string{"Sec-WebSocket-Protocol: dragoman.admin." + encoded}, 401},
	} {
		if got, body := ask(t, address, "GET", row.target, row.fields...); got != row.want {
			t.Errorf("%s: %d %s; want %d", row.reason, got, body, row.want)
		}
	}
}

// What is mounted as sent gets every method and every path below its own, and pages of other sites reach it no more than the rest (threat I2).
func TestRequestsAsTheyWereSent(t *testing.T) {
	t.Parallel()
	address := serve(t, "")
	for _, row := range []struct {
		reason, method, target string
		fields                 []string
		want                   int
	}{
		{"a method that changes something", "DELETE", "/try/v1/books", nil, 200},
		{"a path that is encoded", "GET", "/try/v1/a%2Fb", nil, 200},
		{"no path below it", "GET", "/try", nil, 404},
		{"a page of another site", "POST", "/try/v1/books", []string{"Origin: http://evil.example", "Sec-Fetch-Site: cross-site"}, 403},
		{"a link on a page of another site", "GET", "/try/v1/books", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403},
		{"a name that is led here", "GET", "/try/v1/books", []string{"Host: evil.example"}, 403},
		{"what is not mounted so", "DELETE", "/metrics", nil, 405},
	} {
		if got, body := ask(t, address, row.method, row.target, row.fields...); got != row.want {
			t.Errorf("%s: %d %s; want %d", row.reason, got, body, row.want)
		}
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", token} {
		if got, _ := ask(t, serve(t, secret), "GET", "/"); got != 302 {
			t.Errorf("/ answers %d; want 302, to the console", got)
		}
	}
	if got, _ := ask(t, serve(t, ""), "GET", "/", "Host: evil.example"); got == 302 {
		t.Error("/ leads a name of somebody else's to the console")
	}
}

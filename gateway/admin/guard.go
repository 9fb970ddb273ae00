// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// refusal is why a request is not answered: the status of HTTP, and a sentence.
type refusal struct {
	code int
	text string
}

// guard decides who is answered: whoever reaches the socket, where that is loopback, but for pages of other sites, which use the browser of
// somebody on this machine (threat I2); and otherwise who has the token (threat I1).
type guard struct {
	digest *[sha256.Size]byte // of the token; nil where none is asked for
}

func newGuard(token string) guard {
	if token == "" {
		return guard{}
	}
	digest := sha256.Sum256([]byte(token))
	return guard{digest: &digest}
}

// check returns why a request is refused; nil when it is not. open says that what is asked for tells nothing: a page as it is in the program.
// credential takes the token out of the request.
func (g guard) check(r *http.Request, open bool, credential func(http.Header) []string) *refusal {
	if g.digest == nil && !direct(r.Host) {
		return &refusal{http.StatusForbidden, "forbidden: the host must be localhost or an IP address"}
	}
	if !ownSite(r, open) {
		return &refusal{http.StatusForbidden, "forbidden: the request comes from a page of another site"}
	}
	if g.digest == nil || open {
		return nil
	}
	tokens := credential(r.Header)
	if len(tokens) == 0 {
		return &refusal{http.StatusUnauthorized, "the token is missing: send it as Authorization: Bearer, or as " + TokenField}
	}
	digest := sha256.Sum256([]byte(tokens[0])) // of equal length, whatever was sent
	if subtle.ConstantTimeCompare(digest[:], g.digest[:]) != 1 || len(tokens) != 1 {
		return &refusal{http.StatusUnauthorized, "the token is not the one of admin.token"}
	}
	return nil
}

// TokenField is the field of a header that carries the token where Authorization is for somebody else.
const TokenField = "X-Dragoman-Admin-Token"

// tokenProtocol begins a subprotocol that is none: what follows is the token, in base64url without padding, for pages cannot set fields of a
// WebSocket, and tokens may have characters that subprotocols may not.
const tokenProtocol = "dragoman.admin."

// bearer returns the tokens that a request shows: one, or it is refused.
func bearer(h http.Header) []string {
	tokens := slices.Clone(h.Values(TokenField))
	for _, field := range h.Values("Authorization") {
		scheme, token, _ := strings.Cut(field, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// own returns the tokens of a request whose Authorization is for somebody else.
func own(h http.Header) []string {
	tokens := slices.Clone(h.Values(TokenField))
	for _, field := range h.Values("Sec-Websocket-Protocol") {
		for item := range strings.SplitSeq(field, ",") {
			encoded, ok := strings.CutPrefix(strings.TrimSpace(item), tokenProtocol)
			if !ok {
				continue
			}
			token, err := base64.RawURLEncoding.DecodeString(encoded)
			if err != nil {
				token = nil // it is none
			}
			tokens = append(tokens, string(token))
		}
	}
	return tokens
}

// direct says whether the host of a request is an address, or the name that means this machine everywhere. What comes by a name of somebody
// else's may be a page whose host's address is now this one (DNS rebinding).
func direct(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

// ownSite says whether a request can come from none but a program, a page of this listener or a person who typed the address. Browsers say so
// in Sec-Fetch-Site; those that do not know it send Origin with all that could do harm. Who follows a link to an open page comes from
// another site, too, and learns and changes nothing by that.
func ownSite(r *http.Request, open bool) bool {
	sites := r.Header.Values("Sec-Fetch-Site")
	for _, site := range sites {
		switch site {
		case "same-origin", "none":
		default:
			followed := open && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
			if !followed {
				return false
			}
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) || u.Scheme != "http" && u.Scheme != "https" {
			return false
		}
	}
	return true
}

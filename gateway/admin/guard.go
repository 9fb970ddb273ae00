// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
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
func (g guard) check(r *http.Request, open bool) *refusal {
	if g.digest == nil && !direct(r.Host) {
		return &refusal{http.StatusForbidden, "forbidden: the host must be localhost or an IP address"}
	}
	if !ownSite(r, open) {
		return &refusal{http.StatusForbidden, "forbidden: the request comes from a page of another site"}
	}
	if g.digest == nil || open {
		return nil
	}
	fields := r.Header.Values("Authorization")
	if len(fields) == 0 {
		return &refusal{http.StatusUnauthorized, "the token is missing: send it as Authorization: Bearer"}
	}
	scheme, token, _ := strings.Cut(fields[0], " ")
	digest := sha256.Sum256([]byte(token)) // of equal length, whatever was sent
	if subtle.ConstantTimeCompare(digest[:], g.digest[:]) != 1 || !strings.EqualFold(scheme, "Bearer") || len(fields) != 1 {
		return &refusal{http.StatusUnauthorized, "the token is not the one of admin.token"}
	}
	return nil
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

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Authorization is the field of HTTP for credentials.
const Authorization = "authorization"

// Carrier says where in a request a token stands. Tokens in the query of a URL are not read: logs, histories and referrers have those
// (threats C20, F5).
type Carrier struct {
	// Header is the name of the field; "" means Authorization, with the scheme Bearer.
	Header string
	// Cookie is the name of a cookie that is read when the header is not there; "" for none.
	Cookie string
}

// Check tells what is wrong with a carrier.
func (w Carrier) Check() error {
	if w.Header != "" && (!wire.ValidName(w.Header) || wire.Reserved(w.Header) || strings.Contains(w.Header, "_") || w.Header == "cookie") {
		return errors.New("header must be the name of a field that a client may send, in lower case")
	}
	for i := range len(w.Cookie) {
		if !tokenChar(w.Cookie[i]) {
			return errors.New("cookie must be the name of a cookie")
		}
	}
	return nil
}

// tokenChar tells whether a byte may stand in a token of HTTP (RFC 9110, section 5.6.2).
func tokenChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// Fields are the fields that a token may stand in.
func (w Carrier) Fields() []string {
	header := w.Header
	if header == "" {
		header = Authorization
	}
	if w.Cookie != "" {
		return []string{header, "cookie"}
	}
	return []string{header}
}

// Token returns the token of a request, and whether it is from the cookie. The error is ErrNone or a *status.Error.
func (w Carrier) Token(r *transcoder.Request) (token string, cookie bool, err error) {
	if w.Header == "" {
		token, err = schemeOf(r, "bearer")
	} else {
		token, err = fieldOf(r, w.Header)
	}
	if err != ErrNone || w.Cookie == "" { //nolint:errorlint // our own sentinel, as it is
		return token, false, err
	}
	token, err = cookieOf(r, w.Cookie)
	return token, true, err
}

// Basic returns what Authorization has behind the scheme Basic.
func Basic(r *transcoder.Request) (string, error) { return schemeOf(r, "basic") }

// schemeOf returns what Authorization has behind a scheme, of which the case does not matter (RFC 9110, section 11.4).
func schemeOf(r *transcoder.Request, scheme string) (string, error) {
	value, err := fieldOf(r, Authorization)
	if err != nil {
		return "", err
	}
	if len(value) <= len(scheme) || value[len(scheme)] != ' ' || !strings.EqualFold(value[:len(scheme)], scheme) {
		if strings.EqualFold(value, scheme) {
			return "", ambiguous("the Authorization has a scheme and no credentials")
		}
		return "", ErrNone
	}
	value = strings.Trim(value[len(scheme):], " ")
	if value == "" || strings.ContainsAny(value, " ,\t") {
		return "", ambiguous("the Authorization has a scheme and not one word behind it")
	}
	return value, nil
}

func fieldOf(r *transcoder.Request, name string) (string, error) {
	value, found := "", false
	for i := range r.Header {
		if f := &r.Header[i]; f.Name == name {
			if found {
				return "", ambiguous("the field with the credentials is given more than once") // threat B10
			}
			value, found = f.Value, true
		}
	}
	if !found {
		return "", ErrNone
	}
	return value, nil
}

// cookieOf returns the value of a cookie. A browser sends two of one name when somebody has set one for a wider domain: which of
// them is meant nobody knows (RFC 6265, section 4.2.2).
func cookieOf(r *transcoder.Request, name string) (string, error) {
	value, found := "", false
	for i := range r.Header {
		f := &r.Header[i]
		if f.Name != "cookie" {
			continue
		}
		for rest := f.Value; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			k, v, ok := strings.Cut(strings.TrimSpace(pair), "=")
			if !ok || k != name {
				continue
			}
			if found {
				return "", ambiguous("the cookie with the credentials is given more than once")
			}
			value, found = strings.Trim(v, `"`), true
		}
	}
	if !found || value == "" {
		return "", ErrNone
	}
	return value, nil
}

func ambiguous(message string) error {
	return status.Errorf(codes.Unauthenticated, status.ReasonUnauthenticated, "%s", message)
}

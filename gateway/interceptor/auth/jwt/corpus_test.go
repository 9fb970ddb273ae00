// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Threats C1, C2, C3, C4, C5, C9, C10 and C11: of all the tokens only the good ones pass, and each bad one is refused for what is wrong with it.
func TestThreatC9OnlyGoodTokensPass(t *testing.T) {
	t.Parallel()
	keys, list := jwttest.CorpusKeys(t)
	p := provider(t, nil, list...)
	tokens := jwttest.Corpus(t, keys)
	if len(tokens) < 60 {
		t.Errorf("the corpus has %d tokens; it must have 60 or more", len(tokens))
	}
	for round := range 2 { // the second time from what is remembered
		for _, e := range tokens {
			start := time.Now()
			id, err := authtest.Authenticate(t.Context(), p, bearer(e.Token))
			took := time.Since(start)
			switch {
			case e.Reason == "" && err != nil:
				t.Errorf("%s: refused: %v", e.Name, err)
			case e.Reason == "" && (id.Subject != "alice" || id.Provider != "mobile"):
				t.Errorf("%s: it is %+v", e.Name, id)
			case e.Reason == jwttest.Any && err == nil, e.Reason != "" && e.Reason != jwttest.Any && (err == nil || string(status.ReasonOf(err)) != e.Reason):
				t.Errorf("%s: got %v, %v (%s); want %s", e.Name, id, err, status.ReasonOf(err), e.Reason)
			case faults.Held() && len(e.Token) > jwt.MaxToken && took > 100*time.Millisecond: // C10: 1 ms, on a machine that has nothing else to do
				t.Errorf("%s: took %s in round %d", e.Name, took, round)
			}
		}
	}
}

// An independent implementation finds the same signatures right: whatever passes here passes there.
func TestWhatPassesPassesElsewhere(t *testing.T) {
	t.Parallel()
	keys, list := jwttest.CorpusKeys(t)
	p := provider(t, nil, list...)
	for _, e := range jwttest.Corpus(t, keys) {
		if _, err := authtest.Authenticate(t.Context(), p, bearer(e.Token)); err == nil {
			oracle(t, e.Token, keys)
		}
	}
}

// oracle fails unless go-jose verifies a token by one of the keys.
func oracle(t testing.TB, token string, keys map[string]*jwttest.Key) {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	})
	if err != nil {
		t.Errorf("go-jose does not read %s: %v", token, err)
		return
	}
	for _, k := range keys {
		if k.Algorithm == parsed.Signatures[0].Header.Algorithm {
			if _, err := parsed.Verify(k.Signer.Public()); err == nil {
				return
			}
		}
	}
	t.Errorf("go-jose does not find the signature of %s right", token)
}

// A token may only be of the type that is configured (RFC 8725, section 3.11).
func TestThreatC9Type(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	p := provider(t, func(c *jwt.Config) { c.Type = "at+jwt" }, key)
	for typ, want := range map[any]bool{"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "JWT": false, "": false, 7: false, "at+jwt2": false} {
		_, err := authtest.Authenticate(t.Context(), p, bearer(key.Sign(jwttest.JSON(key.Header(map[string]any{"typ": typ})), jwttest.JSON(jwttest.Claims("a", nil)))))
		if (err == nil) != want {
			t.Errorf("typ %v: %v", typ, err)
		}
	}
}

// C4: two issuers may name different keys alike; a token of one is none of the other, whichever was asked first.
func TestThreatC4SameKeyIDOfTwoIssuers(t *testing.T) {
	t.Parallel()
	one, two := jwttest.NewKey(t, "k", "ES256"), jwttest.NewKey(t, "k", "ES256")
	a := provider(t, nil, one)
	b := provider(t, func(c *jwt.Config) { c.Name = "b" }, two)
	for range 2 {
		for _, row := range []struct {
			p    *jwt.Provider
			key  *jwttest.Key
			want bool
		}{{a, one, true}, {b, one, false}, {a, two, false}, {b, two, true}} {
			if _, err := authtest.Authenticate(t.Context(), row.p, bearer(row.key.Token("alice", nil))); (err == nil) != row.want {
				t.Errorf("%v; want %t", err, row.want)
			}
		}
	}
}

func FuzzToken(f *testing.F) {
	keys, list := jwttest.CorpusKeys(f)
	p := provider(f, nil, list...)
	for _, e := range jwttest.Corpus(f, keys) {
		if len(e.Token) < 4096 {
			f.Add(e.Token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, err := authtest.Authenticate(t.Context(), p, &transcoder.Request{Header: bearer(token).Header})
		if (id == nil) == (err == nil) {
			t.Fatalf("got %v and %v", id, err)
		}
		if err == nil {
			oracle(t, strings.Trim(token, " "), keys)
		}
	})
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// entry is a token of the corpus.
type entry struct {
	name   string
	token  string
	reason status.Reason // "" is a good one
}

// corpus returns tokens of all kinds, good and bad, for the keys rsa, ps, ec and ed, which are known, and stranger, which is not.
func corpus(t testing.TB, keys map[string]*jwttest.Key) []entry {
	t.Helper()
	ec, rsa, stranger := keys["ec"], keys["rsa"], jwttest.NewKey(t, "ec", "ES256")
	var all []entry
	add := func(name string, reason status.Reason, token string) { all = append(all, entry{name, token, reason}) }
	claims := func(more map[string]any) []byte { return jwttest.JSON(jwttest.Claims("alice", more)) }
	header := func(more map[string]any) string { return ec.Sign(jwttest.JSON(ec.Header(more)), claims(nil)) }
	raw := func(h, c string) string { return ec.Sign([]byte(h), []byte(c)) }
	with := func(more map[string]any) string { return ec.Token("alice", more) }
	const (
		good      = status.Reason("")
		bad       = status.ReasonTokenInvalid
		untrusted = status.ReasonTokenUntrusted
		expired   = status.ReasonTokenExpired
		early     = status.ReasonTokenNotYetValid
	)
	now := time.Now().Unix()

	for _, algorithm := range every {
		add("good: "+algorithm, good, keys[algorithm].Token("alice", nil))
	}
	add("good: one audience of several", good, with(map[string]any{"aud": []string{"x", "web"}}))
	add("good: no typ", good, header(map[string]any{"typ": nil}))
	add("good: no kid", good, header(map[string]any{"kid": nil}))
	add("good: a fraction of a second", good, with(map[string]any{"exp": float64(now) + 100.5}))
	add("good: expired within the leeway", good, with(map[string]any{"exp": now - 5}))
	add("good: not before, within the leeway", good, with(map[string]any{"nbf": now + 5}))
	add("good: what stands for whitespace in JSON", good, raw(` { "alg" : "ES256" , "kid":"ES256" } `, string(claims(nil))+"\n"))

	// C1: what the header says of the algorithm.
	for _, a := range []any{"none", "None", "nOnE", "NONE", "", nil, "es256", "ES256 ", "ES384", "RS256", "HS256", 7, []string{"ES256"}, true} {
		add(fmt.Sprintf("C1: alg %v", a), "any", header(map[string]any{"alg": a, "kid": "ES256"}))
	}
	none := jwttest.Encode(jwttest.JSON(map[string]any{"alg": "none"})) + "." + jwttest.Encode(claims(nil)) + "."
	add("C1: none without a signature", bad, none)
	add("C1: none with one", bad, none+"AA")
	// C2: what everybody knows of a key as a secret.
	der, err := x509.MarshalPKIXPublicKey(rsa.Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk := jwttest.JSON(rsa.JWK())
	for name, secret := range map[string][]byte{
		"PEM": text, "PEM without its last line end": []byte(strings.TrimSpace(string(text))), "DER": der, "JWK": jwk, "JWK with a line end": append(jwk, '\n'), "nothing": nil,
	} {
		for _, a := range []string{"HS256", "RS256"} {
			add("C2: "+a+" with "+name, bad, jwttest.HMAC(secret, jwttest.JSON(rsa.Header(map[string]any{"alg": a})), claims(nil)))
		}
	}
	// C3: keys that the token brings. The listener of the test counts who comes for them.
	for _, name := range []string{"jku", "x5u"} {
		add("C3: "+name, bad, stranger.Sign(jwttest.JSON(stranger.Header(map[string]any{name: "http://" + listener(t) + "/keys", "kid": "ES256"})), claims(nil)))
	}
	add("C3: jwk", bad, stranger.Sign(jwttest.JSON(stranger.Header(map[string]any{"jwk": stranger.JWK(), "kid": "ES256"})), claims(nil)))
	add("C3: x5c", bad, stranger.Sign(jwttest.JSON(stranger.Header(map[string]any{"x5c": []string{base64.StdEncoding.EncodeToString(der)}, "kid": "ES256"})), claims(nil)))
	// C4: names of keys.
	add("C4: a kid that is a path", untrusted, header(map[string]any{"kid": "../../etc/passwd"}))
	add("C4: a kid that is a URL", untrusted, header(map[string]any{"kid": "http://" + listener(t)}))
	add("C4: a long kid", bad, header(map[string]any{"kid": strings.Repeat("k", 257)}))
	add("C4: a kid of a megabyte", bad, header(map[string]any{"kid": strings.Repeat("k", 1<<20)}))
	add("C4: a kid that is a number", bad, header(map[string]any{"kid": 7}))
	add("C4: a kid that is null", bad, raw(`{"alg":"ES256","kid":null}`, string(claims(nil))))
	add("C4: the kid of another key of the set", bad, header(map[string]any{"kid": "RS256", "alg": "RS256"}))
	add("C4: a stranger by the right kid", bad, stranger.Sign(jwttest.JSON(stranger.Header(map[string]any{"kid": "ES256"})), claims(nil)))
	// C5, C9: claims.
	for _, iss := range []any{nil, "", "http://" + listener(t), "https://login.example", "HTTPS://login.example/", []string{jwttest.Issuer}, 7} {
		add(fmt.Sprintf("C5, C9: iss %v", iss), untrusted, with(map[string]any{"iss": iss}))
	}
	for _, aud := range []any{nil, "", "ACME", "acme ", []string{}, []string{"x"}, []any{"acme", 7}, 7, map[string]any{"acme": 1}} {
		add(fmt.Sprintf("C9: aud %v", aud), bad, with(map[string]any{"aud": aud}))
	}
	for _, exp := range []any{nil, "9999999999", true, "1", -1, 1e300, []any{now + 100}, 1 << 50} {
		add(fmt.Sprintf("C9: exp %v", exp), bad, with(map[string]any{"exp": exp}))
	}
	add("C9: expired", expired, with(map[string]any{"exp": now - 60}))
	add("C9: expired long ago", expired, with(map[string]any{"exp": 0}))
	add("C9: not before", early, with(map[string]any{"nbf": now + 60}))
	add("C9: nbf that is a text", bad, with(map[string]any{"nbf": "0"}))
	add("C9: issued in the future", early, with(map[string]any{"iat": now + 60}))
	add("C9: iat that is a text", bad, with(map[string]any{"iat": "now"}))
	for _, sub := range []any{nil, "", []string{"alice"}, map[string]any{}} {
		add(fmt.Sprintf("no subject: %v", sub), bad, with(map[string]any{"sub": sub}))
	}
	add("C9: crit", bad, header(map[string]any{"crit": []string{"b64"}, "b64": false}))
	add("C9: crit of what is known", bad, header(map[string]any{"crit": []string{"exp"}}))
	add("C9: crit, empty", bad, header(map[string]any{"crit": []string{}}))
	add("groups that are no list", bad, with(map[string]any{"groups": map[string]any{"a": 1}}))
	add("scopes that are numbers", bad, with(map[string]any{"scope": []int{1}}))
	// C10: forms.
	token := with(nil)
	parts := strings.Split(token, ".")
	add("C10: encrypted", bad, header(map[string]any{"enc": "A256GCM"}))
	add("C10: five parts", bad, token+".a.b")
	add("C10: two parts", bad, parts[0]+"."+parts[1])
	add("C10: four parts", bad, token+".")
	add("C10: one part", bad, parts[0])
	add("C10: a megabyte of dots", bad, strings.Repeat(".", 1<<20))
	add("C10: only dots", bad, "..")
	add("C10: too long", bad, with(map[string]any{"pad": strings.Repeat("p", 8<<10)}))
	add("C10: alg twice", bad, raw(`{"alg":"ES256","alg":"none","kid":"ES256"}`, string(claims(nil))))
	add("C10: alg twice, once escaped", bad, raw(`{"alg":"none","\u0061lg":"ES256","kid":"ES256"}`, string(claims(nil))))
	add("C10: sub twice", bad, raw(`{"alg":"ES256","kid":"ES256"}`, strings.Replace(string(claims(nil)), "{", `{"sub":"admin",`, 1)))
	add("C10: a name twice, deep inside", bad, raw(`{"alg":"ES256","kid":"ES256"}`, strings.Replace(string(claims(nil)), "{", `{"x":{"a":1,"a":2},`, 1)))
	add("C10: deep", bad, raw(`{"alg":"ES256","kid":"ES256"}`, strings.Replace(string(claims(nil)), "{", `{"x":`+strings.Repeat("[", 17)+strings.Repeat("]", 17)+`,`, 1)))
	add("C10: names in another case", bad, raw(`{"ALG":"ES256","kid":"ES256"}`, string(claims(nil))))
	add("C10: a header that is a list", bad, raw(`["ES256"]`, string(claims(nil))))
	add("C10: claims that are a text", bad, raw(`{"alg":"ES256","kid":"ES256"}`, `"alice"`))
	add("C10: no JSON", bad, raw(`{"alg":"ES256","kid":"ES256"`, string(claims(nil))))
	add("C10: more behind the JSON", bad, raw(`{"alg":"ES256","kid":"ES256"}`, string(claims(nil))+"{}"))
	add("C10: not UTF-8", bad, raw(`{"alg":"ES256","kid":"ES256"}`, strings.Replace(string(claims(nil)), "alice", "\xff", 1)))
	add("C10: half a character", bad, raw(`{"alg":"ES256","kid":"ES256"}`, strings.Replace(string(claims(nil)), "alice", `\ud800`, 1)))
	add("C10: padded", bad, parts[0]+"=."+parts[1]+"."+parts[2])
	add("C10: standard base64", bad, strings.NewReplacer("-", "+", "_", "/").Replace(parts[0]+"."+parts[1]+"."+parts[2][:len(parts[2])-1]+"+"))
	add("C10: a line end inside", bad, parts[0]+"\n."+parts[1]+"."+parts[2])
	add("C10: bits behind the end", bad, parts[0]+"."+parts[1]+"."+parts[2][:len(parts[2])-1]+lastPlusOne(parts[2]))
	add("C10: no signature", bad, parts[0]+"."+parts[1]+".")
	// C11: signatures that are not the one form.
	der2 := ec.Signature(parts[0] + "." + parts[1])
	add("C11: a signature in ASN.1", bad, parts[0]+"."+parts[1]+"."+jwttest.Encode(append([]byte{0x30, 0x44, 2, 32}, der2...)))
	add("C11: zeros", bad, parts[0]+"."+parts[1]+"."+jwttest.Encode(make([]byte, 64)))
	add("C11: longer", bad, parts[0]+"."+parts[1]+"."+jwttest.Encode(append(der2, 0)))
	add("C11: of another text", bad, parts[0]+"."+jwttest.Encode(claims(map[string]any{"sub": "admin"}))+"."+parts[2])
	add("C11: RS as PS", bad, swap(keys["RS256"], keys["PS256"], claims(nil)))
	return all
}

// swap signs with one key's algorithm and says another's.
func swap(key, other *jwttest.Key, claims []byte) string {
	return key.Sign(jwttest.JSON(map[string]any{"alg": other.Algorithm, "kid": key.ID}), claims)
}

// lastPlusOne changes the bits of the last character that say nothing.
func lastPlusOne(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, s[len(s)-1])
	return string(alphabet[i^1])
}

// listener returns the address of a socket that nobody may connect to.
func listener(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			t.Error("somebody came to fetch what a token names")
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func corpusKeys(t testing.TB) (keys map[string]*jwttest.Key, list []*jwttest.Key) {
	t.Helper()
	keys = map[string]*jwttest.Key{}
	for _, a := range every {
		keys[a] = jwttest.NewKey(t, a, a)
		list = append(list, keys[a])
	}
	keys["ec"], keys["rsa"] = keys["ES256"], keys["RS256"]
	return keys, list
}

// Threats C1 to C5 and C9 to C11: of all the tokens only the good ones pass, and each bad one is refused for what is wrong with it.
func TestThreatC9OnlyGoodTokensPass(t *testing.T) {
	t.Parallel()
	keys, list := corpusKeys(t)
	p := provider(t, nil, list...)
	tokens := corpus(t, keys)
	if len(tokens) < 60 {
		t.Errorf("the corpus has %d tokens; it must have 60 or more", len(tokens))
	}
	for round := range 2 { // the second time from what is remembered
		for _, e := range tokens {
			start := time.Now()
			id, err := authtest.Authenticate(t.Context(), p, bearer(e.token))
			took := time.Since(start)
			switch {
			case e.reason == "" && err != nil:
				t.Errorf("%s: refused: %v", e.name, err)
			case e.reason == "" && (id.Subject != "alice" || id.Provider != "mobile"):
				t.Errorf("%s: it is %+v", e.name, id)
			case e.reason == "any" && err == nil, e.reason != "" && e.reason != "any" && (err == nil || status.ReasonOf(err) != e.reason):
				t.Errorf("%s: got %v, %v (%s); want %s", e.name, id, err, status.ReasonOf(err), e.reason)
			case len(e.token) > jwt.MaxToken && took > 100*time.Millisecond: // C10: 1 ms, on a machine that has nothing else to do
				t.Errorf("%s: took %s in round %d", e.name, took, round)
			}
		}
	}
}

// An independent implementation finds the same signatures right: whatever passes here passes there.
func TestWhatPassesPassesElsewhere(t *testing.T) {
	t.Parallel()
	keys, list := corpusKeys(t)
	p := provider(t, nil, list...)
	for _, e := range corpus(t, keys) {
		if _, err := authtest.Authenticate(t.Context(), p, bearer(e.token)); err == nil {
			oracle(t, e.token, keys)
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
	keys, list := corpusKeys(f)
	p := provider(f, nil, list...)
	for _, e := range corpus(f, keys) {
		if len(e.token) < 4096 {
			f.Add(e.token)
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

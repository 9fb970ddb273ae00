// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwttest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Algorithms is an algorithm of each kind that the corpus has a key of.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// Any stands for any reason to refuse a token.
const Any = "any"

// Sample is a token of the corpus.
type Sample struct {
	// Name says what is special about it; it begins with the row of the threat.
	Name  string
	Token string
	// Reason is why it is refused, Any where that does not matter; "" is a good one.
	Reason string
}

// Corpus returns tokens of all kinds, good and bad, for the keys of [CorpusKeys].
func Corpus(t testing.TB, keys map[string]*Key) []Sample {
	t.Helper()
	ec, rsa, stranger := keys["ES256"], keys["RS256"], NewKey(t, "ec", "ES256")
	var all []Sample
	add := func(name, reason, token string) { all = append(all, Sample{name, token, reason}) }
	claims := func(more map[string]any) []byte { return JSON(Claims("alice", more)) }
	header := func(more map[string]any) string { return ec.Sign(JSON(ec.Header(more)), claims(nil)) }
	raw := func(h, c string) string { return ec.Sign([]byte(h), []byte(c)) }
	with := func(more map[string]any) string { return ec.Token("alice", more) }
	const (
		good      = ""
		bad       = "token_invalid"
		untrusted = "token_untrusted"
		expired   = "token_expired"
		early     = "token_not_yet_valid"
	)
	now := time.Now().Unix()

	for _, algorithm := range Algorithms() {
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
		add(fmt.Sprintf("C1: alg %v", a), Any, header(map[string]any{"alg": a, "kid": "ES256"}))
	}
	none := Encode(JSON(map[string]any{"alg": "none"})) + "." + Encode(claims(nil)) + "."
	add("C1: none without a signature", bad, none)
	add("C1: none with one", bad, none+"AA")
	// C2: what everybody knows of a key as a secret.
	der, err := x509.MarshalPKIXPublicKey(rsa.Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk := JSON(rsa.JWK())
	for name, secret := range map[string][]byte{
		"PEM": text, "PEM without its last line end": []byte(strings.TrimSpace(string(text))), "DER": der, "JWK": jwk, "JWK with a line end": append(jwk, '\n'), "nothing": nil,
	} {
		for _, a := range []string{"HS256", "RS256"} {
			add("C2: "+a+" with "+name, bad, HMAC(secret, JSON(rsa.Header(map[string]any{"alg": a})), claims(nil)))
		}
	}
	// C3: keys that the token brings. The listener of the test counts who comes for them.
	for _, name := range []string{"jku", "x5u"} {
		add("C3: "+name, bad, stranger.Sign(JSON(stranger.Header(map[string]any{name: "http://" + listener(t) + "/keys", "kid": "ES256"})), claims(nil)))
	}
	add("C3: jwk", bad, stranger.Sign(JSON(stranger.Header(map[string]any{"jwk": stranger.JWK(), "kid": "ES256"})), claims(nil)))
	add("C3: x5c", bad, stranger.Sign(JSON(stranger.Header(map[string]any{"x5c": []string{base64.StdEncoding.EncodeToString(der)}, "kid": "ES256"})), claims(nil)))
	// C4: names of keys.
	add("C4: a kid that is a path", untrusted, header(map[string]any{"kid": "../../etc/passwd"}))
	add("C4: a kid that is a URL", untrusted, header(map[string]any{"kid": "http://" + listener(t)}))
	add("C4: a long kid", bad, header(map[string]any{"kid": strings.Repeat("k", 257)}))
	add("C4: a kid of a megabyte", bad, header(map[string]any{"kid": strings.Repeat("k", 1<<20)}))
	add("C4: a kid that is a number", bad, header(map[string]any{"kid": 7}))
	add("C4: a kid that is null", bad, raw(`{"alg":"ES256","kid":null}`, string(claims(nil))))
	add("C4: the kid of another key of the set", bad, header(map[string]any{"kid": "RS256", "alg": "RS256"}))
	add("C4: a stranger by the right kid", bad, stranger.Sign(JSON(stranger.Header(map[string]any{"kid": "ES256"})), claims(nil)))
	// C5, C9: claims.
	for _, iss := range []any{nil, "", "http://" + listener(t), "https://login.example", "HTTPS://login.example/", []string{Issuer}, 7} {
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
	add("C11: a signature in ASN.1", bad, parts[0]+"."+parts[1]+"."+Encode(append([]byte{0x30, 0x44, 2, 32}, der2...)))
	add("C11: zeros", bad, parts[0]+"."+parts[1]+"."+Encode(make([]byte, 64)))
	add("C11: longer", bad, parts[0]+"."+parts[1]+"."+Encode(append(der2, 0)))
	add("C11: of another text", bad, parts[0]+"."+Encode(claims(map[string]any{"sub": "admin"}))+"."+parts[2])
	add("C11: RS as PS", bad, swap(keys["RS256"], keys["PS256"], claims(nil)))
	return all
}

// swap signs with one key's algorithm and says another's.
func swap(key, other *Key, claims []byte) string {
	return key.Sign(JSON(map[string]any{"alg": other.Algorithm, "kid": key.ID}), claims)
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

// CorpusKeys makes the keys of a corpus, by their algorithms.
func CorpusKeys(t testing.TB) (keys map[string]*Key, list []*Key) {
	t.Helper()
	keys = map[string]*Key{}
	for _, a := range Algorithms() {
		keys[a] = NewKey(t, a, a)
		list = append(list, keys[a])
	}
	return keys, list
}

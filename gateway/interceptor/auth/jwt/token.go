// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// token is a token that was read and not yet believed.
type token struct {
	header, claims map[string]any
	algorithm, key string
	signed         string // what the signature is of
	signature      []byte
}

func malformed(message string) error {
	return &fault{reason: status.ReasonTokenInvalid, message: "the token is not valid: " + message}
}

// parse reads a token in compact form (RFC 7515, section 7.1). The dots are counted before anything is decoded (threat C10).
func parse(s string) (*token, error) {
	const parts = 3
	if len(s) > MaxToken {
		return nil, malformed("it is too long")
	}
	if strings.Count(s, ".") != parts-1 {
		return nil, malformed("it is not three parts with dots between")
	}
	first, second := strings.IndexByte(s, '.'), strings.LastIndexByte(s, '.')
	t := &token{signed: s[:second]}
	var err error
	if t.header, err = object(s[:first]); err != nil {
		return nil, malformed("its header cannot be read")
	}
	if t.claims, err = object(s[first+1 : second]); err != nil {
		return nil, malformed("its claims cannot be read")
	}
	if t.signature, err = decode(s[second+1:]); err != nil || len(t.signature) == 0 {
		return nil, malformed("its signature cannot be read")
	}
	return t, nil
}

func object(s string) (map[string]any, error) {
	data, err := decode(s)
	if err != nil {
		return nil, err
	}
	return auth.ParseObject(data)
}

// decode reads base64url without padding. encoding/base64 reads past line ends, and by itself past bits that say nothing: one token
// would have many spellings.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("it has a line end")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// checkHeader checks what stands in the header, of which only alg, kid, typ and crit mean anything.
func (p *Provider) checkHeader(t *token) error {
	var ok bool
	if t.algorithm, ok = t.header["alg"].(string); !ok || !slices.Contains(p.config.Algorithms, t.algorithm) { // threat C1
		return malformed("its algorithm is not allowed")
	}
	if _, ok := t.header["crit"]; ok {
		return malformed("it has an extension that is not known") // RFC 7515, section 4.1.11
	}
	if _, ok := t.header["enc"]; ok {
		return malformed("it is encrypted")
	}
	if kid, ok := t.header["kid"]; ok {
		if t.key, ok = kid.(string); !ok || len(t.key) > jwks.MaxKeyID { // threat C4
			return malformed("its kid is no text, or too long")
		}
	}
	if p.config.Type != "" {
		typ, _ := t.header["typ"].(string)
		const prefix = "application/" // RFC 7515, section 4.1.9
		if !strings.EqualFold(strings.TrimPrefix(strings.ToLower(typ), prefix), strings.TrimPrefix(strings.ToLower(p.config.Type), prefix)) {
			return malformed("it is of another type")
		}
	}
	return nil
}

// maxTries is how many keys a token is tried with that could all be its.
const maxTries = 4

// checkSignature returns the key that a token was signed by.
func (p *Provider) checkSignature(t *token, set *jwks.Set) (*jwks.Key, error) {
	var signer *jwks.Key
	tries, named := 0, false
	set.Find(t.key, t.algorithm, func(k *jwks.Key) bool {
		if tries++; tries > maxTries {
			return true
		}
		named = named || k.ID != "" && k.ID == t.key
		if verifySignature(k.Public, t.algorithm, t.signed, t.signature) {
			signer = k
		}
		return signer != nil
	})
	switch {
	case signer != nil:
		return signer, nil
	case named:
		return nil, malformed("its signature is wrong")
	default:
		return nil, errNoKey // it may be by a newer key
	}
}

// checkClaims checks audience and times, and returns from when and until when the token counts.
func (p *Provider) checkClaims(t *token, now time.Time) (from, until time.Time, err error) {
	if !p.audience(t.claims["aud"]) {
		return from, until, malformed("it is for another audience")
	}
	expires, ok := date(t.claims["exp"])
	if !ok {
		return from, until, malformed("it has no time at which it expires")
	}
	until = expires.Add(p.config.Leeway)
	if !now.Before(until) {
		return from, until, &fault{reason: status.ReasonTokenExpired, message: "the token has expired"}
	}
	for _, name := range []string{"nbf", "iat"} {
		claim, there := t.claims[name]
		if !there {
			continue
		}
		begin, ok := date(claim)
		if !ok {
			return from, until, malformed("its " + name + " is no time")
		}
		if begin = begin.Add(-p.config.Leeway); begin.After(from) {
			from = begin
		}
	}
	if now.Before(from) {
		return from, until, &fault{reason: status.ReasonTokenNotYetValid, message: "the token is not valid yet"}
	}
	return from, until, nil
}

func (p *Provider) audience(claim any) bool {
	switch aud := claim.(type) {
	case string:
		return slices.Contains(p.config.Audiences, aud)
	case []any:
		found := false
		for _, v := range aud {
			s, ok := v.(string)
			if !ok {
				return false
			}
			found = found || slices.Contains(p.config.Audiences, s)
		}
		return found
	}
	return false
}

// date reads a time in seconds since 1970 (RFC 7519, section 2), which may have a fraction.
func date(claim any) (time.Time, bool) {
	number, ok := claim.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := number.Float64()
	const most = 1 << 40 // the year 36812: more would overflow somewhere
	if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > most {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))), true
}

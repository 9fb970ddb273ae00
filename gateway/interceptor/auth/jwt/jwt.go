// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package jwt provides authentication by JSON Web Tokens that an issuer has signed.
//
// What a token says of how it is to be checked counts for nothing: issuer, audiences and algorithms come from the configuration, the
// algorithm must be that of the issuer's key, and jwk, jku, x5u and x5c are not looked at (RFC 8725). A token that was verified is
// remembered by its bytes until it expires or its key goes, so that it costs one signature check however often it comes.
package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwks"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds and defaults.
const (
	// MaxToken is the length in bytes of the longest token (threat C10).
	MaxToken = 8 << 10
	// DefaultLeeway is how far the clock of the issuer may be from ours, MaxLeeway the most that can be allowed.
	DefaultLeeway = 30 * time.Second
	MaxLeeway     = time.Minute
	// CacheEntries and CacheBytes bound what is remembered of verified tokens.
	CacheEntries = 20_000
	CacheBytes   = 16 << 20
)

// Config is one issuer.
type Config struct {
	// Name is what the configuration calls the provider.
	Name string
	// Issuer is the claim iss that tokens must have.
	Issuer string
	// Audiences are the claims aud of which a token must have one.
	Audiences []string
	// Algorithms are those that signatures may have, such as RS256; at least one.
	Algorithms []string
	// Type is what typ in the header of a token must be, such as at+jwt; "" for anything.
	Type string
	// Leeway is how far the clock of the issuer may be from ours; 0 means DefaultLeeway.
	Leeway time.Duration
	// Keys say where the issuer's keys are, unless Discover is set.
	Keys jwks.Config
	// Discover asks the issuer itself.
	Discover bool
	// Carrier says where the token stands.
	Carrier auth.Carrier
	// Claims say what of the token the identity is made of, and what the backend is told.
	Claims auth.ClaimNames
}

// Algorithms that can be allowed.
var algorithms = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
}

// Provider is one issuer. It is safe for concurrent use.
type Provider struct {
	config Config
	keys   *jwks.Keys
	cache  *auth.Cache[*verified]
}

// verified is a token that was.
type verified struct {
	identity *transcoder.Identity
	key      *jwks.Key
	from     time.Time // it is not valid before
}

var (
	_ auth.Waiter   = (*Provider)(nil)
	_ auth.Runner   = (*Provider)(nil)
	_ auth.Sender   = (*Provider)(nil)
	_ auth.Reporter = (*Provider)(nil)
)

// Check tells everything that is wrong with a configuration, without reading or fetching anything.
func (cfg Config) Check() error {
	var errs []error
	if cfg.Issuer == "" {
		errs = append(errs, errors.New("issuer is empty; it must be what the tokens have as iss"))
	}
	if len(cfg.Audiences) == 0 || slices.Contains(cfg.Audiences, "") {
		errs = append(errs, errors.New("audiences must have at least one, and none that is empty"))
	}
	if len(cfg.Algorithms) == 0 {
		errs = append(errs, errors.New("algorithms must have at least one"))
	}
	for _, a := range cfg.Algorithms {
		if !slices.Contains(algorithms, a) {
			errs = append(errs, fmt.Errorf("algorithms has %.32q; known are %s", a, strings.Join(algorithms, ", ")))
		}
	}
	if cfg.Leeway < 0 || cfg.Leeway > MaxLeeway {
		errs = append(errs, fmt.Errorf("clock_skew is %s; it must be 0s to %s", cfg.Leeway, MaxLeeway))
	}
	return errors.Join(append(errs, cfg.Carrier.Check(), cfg.Claims.Check())...)
}

// New returns the provider of a configuration.
func New(cfg Config) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = DefaultLeeway
	}
	if cfg.Discover {
		cfg.Keys.Issuer = cfg.Issuer
	}
	keys, err := jwks.New(cfg.Keys)
	if err != nil {
		return nil, err
	}
	return &Provider{config: cfg, keys: keys, cache: auth.NewCache[*verified](CacheEntries, CacheBytes)}, nil
}

// Run keeps the keys fresh.
func (p *Provider) Run(ctx context.Context) { p.keys.Run(ctx) }

// Report tells of the keys, and of the tokens that were verified.
func (p *Provider) Report() auth.Report {
	r := p.keys.Report()
	r.Remembers = p.cache.Remembered()
	return r
}

// Challenge asks for a token (RFC 6750, section 3).
func (p *Provider) Challenge() string {
	if p.config.Carrier.Header != "" {
		return ""
	}
	return "Bearer"
}

// Credentials are the fields that the token may stand in.
func (p *Provider) Credentials() []string { return p.config.Carrier.Fields() }

// SentBy tells whether the token is from a cookie.
func (p *Provider) SentBy(c *transcoder.Call) auth.Sending {
	if p.config.Carrier.Cookie == "" {
		return auth.SentByProgram
	}
	if _, cookie, _ := p.config.Carrier.Token(c.Request); cookie {
		return auth.SentByBrowser
	}
	return auth.SentByProgram
}

// Authenticate verifies the token of a call. It has to wait where a key is to be fetched first.
func (p *Provider) Authenticate(c *transcoder.Call) (*transcoder.Identity, error) {
	token, _, err := p.config.Carrier.Token(c.Request)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if v, ok := p.cache.Get(token, now); ok {
		if _, err := p.keys.Current(); err != nil { // too old to be believed, and so is what was verified by them
			return nil, p.refusal(err)
		}
		if !v.key.Gone() && !now.Before(v.from) {
			return v.identity, nil
		}
		p.cache.Drop(token)
	}
	id, err := p.verify(token, now)
	if err == nil {
		p.keys.Verified(c.Client)
	}
	if errors.Is(err, errNoKey) && p.keys.Missing(c.Client) {
		return nil, interceptor.ErrWait
	}
	return id, p.refusal(err)
}

// Wait waits for the keys and verifies the token by them.
func (p *Provider) Wait(ctx context.Context, c *transcoder.Call) (*transcoder.Identity, error) {
	token, _, err := p.config.Carrier.Token(c.Request)
	if err != nil {
		return nil, err
	}
	p.keys.Wait(ctx, c.Client)
	id, err := p.verify(token, time.Now())
	if err == nil {
		p.keys.Verified(c.Client)
	}
	return id, p.refusal(err)
}

// verify reads a token and checks it: what costs least comes first, the signature last.
func (p *Provider) verify(token string, now time.Time) (*transcoder.Identity, error) {
	t, err := parse(token)
	if err != nil {
		return nil, err
	}
	if issuer, ok := t.claims["iss"].(string); !ok || issuer != p.config.Issuer {
		return nil, &fault{reason: status.ReasonTokenUntrusted, message: "the token is of an issuer that is not trusted"}
	}
	if err := p.checkHeader(t); err != nil {
		return nil, err
	}
	set, err := p.keys.Current()
	if err != nil {
		return nil, errors.Join(errNoKey, err)
	}
	key, err := p.checkSignature(t, set)
	if err != nil {
		return nil, err
	}
	from, until, err := p.checkClaims(t, now)
	if err != nil {
		return nil, err
	}
	id, err := p.config.Claims.Identity(p.config.Name, t.claims)
	if err != nil {
		return nil, &fault{reason: status.ReasonTokenInvalid, message: "the token lacks a claim that is needed, or has one that is not fit", cause: err}
	}
	id.Expires = until
	p.cache.Put(token, &verified{identity: id, key: key, from: from}, until)
	return id, nil
}

// fault says why a token is refused.
type fault struct {
	reason  status.Reason
	message string
	cause   error
}

func (f *fault) Error() string { return f.message }

func (f *fault) Unwrap() error { return f.cause }

// errNoKey says that the key that a token names is not known.
var errNoKey = errors.New("the token is signed by a key that is not known")

// refusal is what the client is told.
func (p *Provider) refusal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, jwks.ErrUnavailable) {
		return &status.Error{
			Code: codes.Unavailable, Reason: status.ReasonAuthUnavailable, Cause: fmt.Errorf("provider %s: %w", p.config.Name, err),
			Message: "tokens cannot be checked at the moment",
		}
	}
	e := &status.Error{Code: codes.Unauthenticated, Reason: status.ReasonTokenInvalid, Message: "the token is not valid", Cause: err}
	if f, ok := errors.AsType[*fault](err); ok {
		e.Reason, e.Message, e.Cause = f.reason, f.message, f.cause
	} else if errors.Is(err, errNoKey) {
		e.Reason, e.Message, e.Cause = status.ReasonTokenUntrusted, errNoKey.Error(), nil
	}
	if p.config.Carrier.Header == "" {
		e.Challenge = `Bearer error="invalid_token", error_description="` + e.Message + `"`
	}
	return e
}

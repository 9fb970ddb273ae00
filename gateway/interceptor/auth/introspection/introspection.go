// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package introspection provides authentication by tokens that their issuer is asked about (RFC 7662).
//
// What the issuer says is remembered for a while, by the bytes of the token: a token that is revoked counts that much longer. Calls
// with one token that come together ask once.
package introspection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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
	// DefaultTimeout is how long the issuer may take.
	DefaultTimeout = time.Second
	// DefaultRemember is how long what it said of a good token is believed.
	DefaultRemember = time.Minute
	// RememberBad is how long what it said of a bad one is.
	RememberBad = 10 * time.Second
	// MaxToken is the length in bytes of the longest token that is asked about.
	MaxToken = 8 << 10
	// MaxAnswer is the size in bytes of the largest answer that is read.
	MaxAnswer = 64 << 10
	// asking is how many tokens are asked about at a time; more wait.
	asking = 64

	cacheEntries = 20_000
	cacheBytes   = 8 << 20
)

// Config is one issuer.
type Config struct {
	// Name is what the configuration calls the provider.
	Name string
	// URL is where the issuer is asked.
	URL string
	// ClientID and ClientSecret are who the gateway is there.
	ClientID, ClientSecret string
	// Issuer is what iss must be, if the answer has one; "" for anything.
	Issuer string
	// Audiences are the values of aud of which the answer must have one; none for anything.
	Audiences []string
	// Timeout is how long the issuer may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// Remember is how long what it said of a good token is believed; 0 means DefaultRemember.
	Remember time.Duration
	// InsecureHTTP permits a URL of http beside those of the machine itself.
	InsecureHTTP bool
	// Carrier says where the token stands.
	Carrier auth.Carrier
	// Claims say of what of the answer the identity is made, and what the backend is told.
	Claims auth.ClaimNames
}

// Provider asks the issuer. It is safe for concurrent use.
type Provider struct {
	config  Config
	client  *http.Client
	known   *auth.Cache[said] // of tokens that are good
	bad     *auth.Cache[said] // of those that are not, so that bad ones cannot push good ones out
	breaker auth.Breaker
	turns   chan struct{}

	mu      sync.Mutex
	pending map[string]*question // by token; guarded by mu
}

// said is what the issuer said of a token.
type said struct {
	identity *transcoder.Identity
	err      error
}

// question is a token that the issuer is being asked about.
type question struct {
	done chan struct{}
	said said
}

var (
	_ auth.Waiter   = (*Provider)(nil)
	_ auth.Sender   = (*Provider)(nil)
	_ auth.Reporter = (*Provider)(nil)
)

// Check tells everything that is wrong with a configuration.
func (cfg Config) Check() error {
	var errs []error
	if _, err := jwks.CheckURL(cfg.URL, cfg.InsecureHTTP); err != nil {
		errs = append(errs, fmt.Errorf("url %w", err))
	}
	if cfg.ClientID == "" || cfg.ClientSecret == "" {
		errs = append(errs, errors.New("client_id and client_secret are both needed")) // RFC 7662, section 2.1: the issuer must know who asks
	}
	if cfg.Timeout < 0 || cfg.Remember < 0 {
		errs = append(errs, fmt.Errorf("timeout is %s and cache_ttl %s; neither may be negative", cfg.Timeout, cfg.Remember))
	}
	return errors.Join(append(errs, cfg.Carrier.Check(), cfg.Claims.Check())...)
}

// New returns the provider of a configuration.
func New(cfg Config) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Remember == 0 {
		cfg.Remember = DefaultRemember
	}
	const idle = 90 * time.Second
	return &Provider{
		config: cfg, turns: make(chan struct{}, asking), pending: map[string]*question{},
		known: auth.NewCache[said](cacheEntries, cacheBytes), bad: auth.NewCache[said](cacheEntries, cacheBytes),
		client: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for this issuer
			Transport: &http.Transport{
				DialContext: (&net.Dialer{Timeout: cfg.Timeout}).DialContext, DisableCompression: true, ForceAttemptHTTP2: true,
				MaxIdleConnsPerHost: asking, MaxConnsPerHost: asking, IdleConnTimeout: idle,
			},
		},
	}, nil
}

// Run closes the connections to the issuer when ctx ends.
func (p *Provider) Run(ctx context.Context) {
	<-ctx.Done()
	p.client.CloseIdleConnections()
}

// Report tells how often the issuer need not be asked.
func (p *Provider) Report() auth.Report {
	known, bad := p.known.Remembered(), p.bad.Remembered()
	return auth.Report{Remembers: &auth.Remembered{Hits: known.Hits + bad.Hits, Misses: bad.Misses, Entries: known.Entries + bad.Entries}}
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
	if _, cookie, _ := p.config.Carrier.Token(c.Request); cookie {
		return auth.SentByBrowser
	}
	return auth.SentByProgram
}

// Authenticate knows what was said of a token a while ago; for others the issuer is to be asked.
func (p *Provider) Authenticate(c *transcoder.Call) (*transcoder.Identity, error) {
	token, err := p.token(c)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if s, ok := p.known.Get(token, now); ok {
		return s.identity, nil
	}
	if s, ok := p.bad.Get(token, now); ok {
		return nil, s.err
	}
	return nil, interceptor.ErrWait
}

func (p *Provider) token(c *transcoder.Call) (string, error) {
	token, _, err := p.config.Carrier.Token(c.Request)
	if err != nil {
		return "", err
	}
	if token == "" || len(token) > MaxToken {
		return "", p.refuse(status.ReasonTokenInvalid, "the token is empty or too long", nil)
	}
	return token, nil
}

// Wait asks the issuer, or waits for the answer that another call has asked for.
func (p *Provider) Wait(ctx context.Context, c *transcoder.Call) (*transcoder.Identity, error) {
	token, err := p.token(c)
	if err != nil {
		return nil, err
	}
	for {
		p.mu.Lock()
		q := p.pending[token]
		mine := q == nil
		if mine {
			q = &question{done: make(chan struct{})}
			p.pending[strings.Clone(token)] = q
		}
		p.mu.Unlock()
		if mine {
			q.said = p.ask(ctx, token)
			p.mu.Lock()
			delete(p.pending, token)
			p.mu.Unlock()
			close(q.done)
			return q.said.identity, q.said.err
		}
		select {
		case <-q.done:
		case <-ctx.Done():
			return nil, p.unavailable(ctx.Err())
		}
		if !errors.Is(q.said.err, context.Canceled) || ctx.Err() != nil {
			return q.said.identity, q.said.err
		} // the client who asked has gone: ask for oneself
	}
}

// ask asks the issuer and remembers what it says.
func (p *Provider) ask(ctx context.Context, token string) said {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return said{err: p.unavailable(ctx.Err())}
	}
	defer func() { <-p.turns }()
	if !p.breaker.Allow() {
		return said{err: p.unavailable(errors.New("the issuer did not answer a moment ago"))}
	}
	asked, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	claims, err := p.post(asked, token)
	p.breaker.Done(err == nil, ctx.Err() == nil)
	if err != nil {
		return said{err: p.unavailable(err)}
	}
	now := time.Now()
	id, until, err := p.judge(claims, now)
	if err != nil {
		s := said{err: err}
		p.bad.Put(token, s, now.Add(RememberBad))
		return s
	}
	s := said{identity: id}
	p.known.Put(token, s, until)
	return s
}

// post sends the question (RFC 7662, section 2.1).
func (p *Provider) post(ctx context.Context, token string) (map[string]any, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.URL, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "dragoman")
	// RFC 6749, section 2.3.1: both are encoded as in forms first.
	request.SetBasicAuth(url.QueryEscape(p.config.ClientID), url.QueryEscape(p.config.ClientSecret))
	answer, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answers %d", answer.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, MaxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxAnswer {
		return nil, fmt.Errorf("the issuer answers more than %d bytes", MaxAnswer)
	}
	claims, err := auth.ParseObject(data)
	if err != nil {
		return nil, fmt.Errorf("the answer of the issuer: %w", err)
	}
	if _, ok := claims["active"].(bool); !ok {
		return nil, errors.New("the answer of the issuer does not say whether the token is active")
	}
	return claims, nil
}

// judge reads what the issuer says, and returns who calls and how long that is believed.
func (p *Provider) judge(claims map[string]any, now time.Time) (*transcoder.Identity, time.Time, error) {
	if active, _ := claims["active"].(bool); !active {
		return nil, now, p.refuse(status.ReasonTokenInvalid, "the token is not valid", nil)
	}
	until := now.Add(p.config.Remember)
	var expires time.Time
	if exp, there := claims["exp"]; there {
		number, _ := exp.(json.Number)
		seconds, err := number.Float64()
		const most = 1 << 40
		if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > most {
			return nil, now, p.refuse(status.ReasonTokenInvalid, "the token is not valid", errors.New("exp is no time"))
		}
		if expires = time.Unix(int64(seconds), 0); !now.Before(expires) {
			return nil, now, p.refuse(status.ReasonTokenExpired, "the token has expired", nil)
		}
		if expires.Before(until) {
			until = expires
		}
	}
	if issuer, there := claims["iss"]; there && p.config.Issuer != "" && issuer != p.config.Issuer {
		return nil, now, p.refuse(status.ReasonTokenUntrusted, "the token is of an issuer that is not trusted", nil)
	}
	if len(p.config.Audiences) > 0 && !p.audience(claims["aud"]) {
		return nil, now, p.refuse(status.ReasonTokenInvalid, "the token is for another audience", nil)
	}
	id, err := p.config.Claims.Identity(p.config.Name, claims)
	if err != nil {
		return nil, now, p.refuse(status.ReasonTokenInvalid, "the token lacks a claim that is needed, or has one that is not fit", err)
	}
	id.Expires = expires
	return id, until, nil
}

func (p *Provider) audience(claim any) bool {
	switch aud := claim.(type) {
	case string:
		return slices.Contains(p.config.Audiences, aud)
	case []any:
		return slices.ContainsFunc(aud, func(v any) bool {
			s, ok := v.(string)
			return ok && slices.Contains(p.config.Audiences, s)
		})
	}
	return false
}

func (p *Provider) refuse(reason status.Reason, message string, cause error) error {
	e := &status.Error{Code: codes.Unauthenticated, Reason: reason, Message: message, Cause: cause}
	if p.config.Carrier.Header == "" {
		e.Challenge = `Bearer error="invalid_token", error_description="` + message + `"`
	}
	return e
}

// unavailable refuses a token that nobody has said anything of.
func (p *Provider) unavailable(cause error) error {
	return &status.Error{
		Code: codes.Unavailable, Reason: status.ReasonAuthUnavailable, Message: "tokens cannot be checked at the moment",
		Cause: fmt.Errorf("provider %s: %w", p.config.Name, cause),
	}
}

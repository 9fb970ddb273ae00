// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package mtls provides authentication by the certificate that a client has shown when it connected.
//
// The listener only asks for a certificate, and TLS proves that the client has its key. Who signed it, and what it is for, is checked here
// and for each call, by the certificates to trust as they are now: taking one out counts on connections that are open and on
// sessions that are resumed (threat C17). That a certificate was verified is remembered until it expires.
package mtls

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds.
const (
	// MaxFile is the size in bytes of the largest file of certificates to trust.
	MaxFile = 1 << 20
	// MaxChain is how many certificates of a client are looked at.
	MaxChain = 8

	cacheEntries = 10_000
	cacheBytes   = 1 << 20
)

// Config says which certificates are whose.
type Config struct {
	// Name is what the configuration calls the provider.
	Name string
	// CA is a PEM file with the certificates to trust; it is read again when it changes.
	CA string
	// Allow are rules for the names of a certificate, of which one must match: "dns:api.example", "dns:*.example" for one label,
	// "uri:spiffe://acme/api", "uri:spiffe://acme/*" for one segment, "email:a@example", "ip:10.0.0.1". None allows all names.
	Allow []string
	// Forward are names of metadata by which the backend is told sub, serial, issuer or subject.
	Forward map[string]string
	// Log is told what becomes of the file; nil for nobody.
	Log *slog.Logger
}

// Provider knows whom certificates are of. It is safe for concurrent use.
type Provider struct {
	config Config
	rules  []rule
	trust  atomic.Pointer[x509.CertPool]
	loaded string // the state of the file that was read first
	cache  *auth.Cache[verified]
}

// verified is a certificate that was, by what was trusted then.
type verified struct {
	trust    *x509.CertPool
	identity *transcoder.Identity
}

var (
	_ auth.Runner   = (*Provider)(nil)
	_ auth.Sender   = (*Provider)(nil)
	_ auth.Reporter = (*Provider)(nil)
)

// Check tells what is wrong with a configuration, without reading the file.
func (cfg Config) Check() error {
	var errs []error
	if cfg.CA == "" {
		errs = append(errs, errors.New("ca is empty"))
	}
	for _, text := range cfg.Allow {
		if err := CheckRule(text); err != nil {
			errs = append(errs, fmt.Errorf("allow has %.64q; it %w", text, err))
		}
	}
	return errors.Join(append(errs, cfg.claims().Check())...)
}

func (cfg Config) claims() auth.ClaimNames { return auth.ClaimNames{Forward: cfg.Forward} }

// Reserved are the names of metadata that the provider can set.
func (cfg Config) Reserved() []string { return cfg.claims().Reserved() }

// New reads the file. Without certificates to trust there is no provider (threat C16).
func New(cfg Config) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Provider{config: cfg, cache: auth.NewCache[verified](cacheEntries, cacheBytes)}
	for _, text := range cfg.Allow {
		r, err := parseRule(text)
		if err != nil {
			return nil, err
		}
		p.rules = append(p.rules, r)
	}
	p.loaded = p.file().State()
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Provider) file() auth.File { return auth.File{Path: p.config.CA, Most: MaxFile} }

func (p *Provider) load() error {
	data, err := p.file().Read()
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return fmt.Errorf("%s has no certificate in PEM", p.config.CA)
	}
	p.trust.Store(pool)
	return nil
}

// Run reads the file again whenever it changes. What cannot be read leaves the certificates as they are.
func (p *Provider) Run(ctx context.Context) {
	p.file().Watch(ctx, p.loaded, func() {
		if err := p.load(); err != nil {
			p.config.Log.Error("the certificates of who signs clients' were not read again; those before stay in force", slog.Any("error", err))
			return
		}
		p.config.Log.Info("the certificates of who signs clients' were read again", slog.String("file", p.config.CA))
	})
}

// Report tells how often what was found out before was enough.
func (p *Provider) Report() auth.Report { return auth.Report{Remembers: p.cache.Remembered()} }

// Challenge is none: HTTP has no word for it.
func (*Provider) Challenge() string { return "" }

// Credentials are none: they are not in the request.
func (*Provider) Credentials() []string { return nil }

// SentBy tells that browsers show the certificates that they have.
func (*Provider) SentBy(*transcoder.Call) auth.Sending { return auth.SentByAny }

// Authenticate checks the certificate of the connection that a call came on.
func (p *Provider) Authenticate(c *transcoder.Call) (*transcoder.Identity, error) {
	if c.Request.TLS == nil || len(c.Request.TLS.PeerCertificates) == 0 {
		return nil, auth.ErrNone
	}
	chain := c.Request.TLS.PeerCertificates
	digest := sha256.Sum256(chain[0].Raw)
	trust, now := p.trust.Load(), time.Now()
	if v, ok := p.cache.Get(string(digest[:]), now); ok && v.trust == trust {
		return v.identity, nil
	}
	until, err := verify(chain, trust, now)
	if err != nil {
		return nil, refuse("the certificate of the client is not signed by who is trusted, has expired, or is for something else", err)
	}
	id, err := p.identity(chain[0])
	if err != nil {
		return nil, refuse("the certificate of the client has no name that may call", err)
	}
	id.Expires = until
	p.cache.Put(string(digest[:]), verified{trust: trust, identity: id}, until)
	return id, nil
}

// verify checks a chain, and returns until when it counts.
func verify(chain []*x509.Certificate, trust *x509.CertPool, now time.Time) (time.Time, error) {
	if len(chain) > MaxChain {
		return time.Time{}, fmt.Errorf("the client shows %d certificates; %d are looked at", len(chain), MaxChain)
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	chains, err := chain[0].Verify(x509.VerifyOptions{
		Roots: trust, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return time.Time{}, err
	}
	var until time.Time // of the chain that counts longest
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, cert := range chain {
			if cert.NotAfter.Before(first) {
				first = cert.NotAfter
			}
		}
		if first.After(until) {
			until = first
		}
	}
	return until, nil
}

// identity makes an identity of a certificate: the subject is the first of its names that may call.
func (p *Provider) identity(cert *x509.Certificate) (*transcoder.Identity, error) {
	names, err := namesOf(cert)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if len(p.rules) == 0 || n.matchesAny(p.rules) {
			all := make([]string, len(names))
			for i := range names {
				all[i] = names[i].String()
			}
			return p.config.claims().Identity(p.config.Name, map[string]any{
				"sub": n.value, "names": auth.List(all), "serial": strings.ToLower(cert.SerialNumber.Text(16)), "issuer": cert.Issuer.String(), "subject": cert.Subject.String(),
			})
		}
	}
	return nil, fmt.Errorf("none of its names %v is in allow", names)
}

func refuse(message string, cause error) error {
	return &status.Error{Code: codes.Unauthenticated, Reason: status.ReasonCertificateInvalid, Message: message, Cause: cause}
}

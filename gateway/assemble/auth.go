// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/introspection"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/mtls"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is said of authentication.
const (
	providerCode = "DG1401" // a provider cannot be made
	openCode     = "DG2021" // methods that everybody can call, and nothing says so
)

// authentication is the providers of a configuration. They outlive snapshots, and with them keys and what was verified.
type authentication struct {
	providers map[string]auth.Named
	reserved  []string // metadata that providers may set
}

// openAuth makes the providers. Nothing is fetched before Run. The error, a *schema.LoadError, holds all problems.
func (a *Assembly) openAuth() error {
	a.auth = &authentication{providers: map[string]auth.Named{}}
	var diagnostics []schema.Diagnostic
	for i := range a.config.Auth.Providers {
		cfg := &a.config.Auth.Providers[i]
		p, err := a.keepProvider(cfg)
		if err != nil {
			path := fmt.Sprintf("auth.providers[%q]", cfg.Name)
			d := schema.Diagnostic{Level: schema.Error, Code: providerCode, Message: fmt.Sprintf("%s: %s", path, err)}
			if span := configSpan(a.config, path, ""); span.Line > 0 {
				d.Spans = append(d.Spans, span)
			}
			diagnostics = append(diagnostics, d)
			continue
		}
		a.auth.providers[cfg.Name] = auth.Named{
			Name: cfg.Name, Provider: p.Provider, ForwardCredentials: cfg.ForwardCredentials, EndStreams: cfg.EndStreams, Figures: p.figures,
		}
		a.auth.reserved = append(a.auth.reserved, p.reserved...)
	}
	if len(diagnostics) > 0 {
		return &schema.LoadError{Diagnostics: diagnostics}
	}
	return nil
}

// keepProvider returns the provider that the assembly before had, if it was configured in the same words, and opens one otherwise: keys that
// were fetched, and what was verified by them, outlive a reload of the configuration.
func (a *Assembly) keepProvider(cfg *config.AuthProvider) (*keptProvider, error) {
	var on []any
	if cfg.ExtAuthz != nil {
		on = append(on, a.channel(cfg.ExtAuthz.Backend))
	}
	return keep(a, "auth "+cfg.Name, *cfg, on, func() (*keptProvider, error) {
		p, reserved, err := a.openProvider(cfg)
		return &keptProvider{Provider: p, reserved: reserved, figures: &auth.Figures{}}, err
	})
}

// keptProvider is a provider, which metadata it may set, and what became of calls.
type keptProvider struct {
	auth.Provider

	reserved []string
	figures  *auth.Figures
}

// Run does what the provider has to do beside calls.
func (p *keptProvider) Run(ctx context.Context) {
	if r, ok := p.Provider.(auth.Runner); ok {
		r.Run(ctx)
	}
}

// openProvider is the table of the kinds of providers. It also returns which metadata the provider may set.
func (a *Assembly) openProvider(cfg *config.AuthProvider) (auth.Provider, []string, error) {
	log := a.parts.Log.With(slog.String("provider", cfg.Name))
	switch {
	case cfg.JWT != nil:
		own := *cfg.JWT
		own.Keys.Log = log
		p, err := jwt.New(own)
		return p, own.Claims.Reserved(), err
	case cfg.APIKey != nil:
		own := *cfg.APIKey
		own.Log = log
		p, err := apikey.New(own)
		return p, own.Reserved(), err
	case cfg.Basic != nil:
		own := *cfg.Basic
		own.Log = log
		p, err := basic.New(own)
		return p, own.Reserved(), err
	case cfg.MTLS != nil:
		own := *cfg.MTLS
		own.Log = log
		p, err := mtls.New(own)
		return p, own.Reserved(), err
	case cfg.ExtAuthz != nil:
		own := *cfg.ExtAuthz
		if b := a.backends[own.Backend]; b != nil { // there is none where a configuration is only looked at
			own.Conn = b.Channel()
		}
		p, err := extauthz.New(own)
		return p, own.Reserved(), err
	case cfg.Introspection != nil:
		p, err := introspection.New(*cfg.Introspection)
		return p, cfg.Introspection.Claims.Reserved(), err
	default:
		return nil, nil, errors.New("it is of no kind")
	}
}

// Run does what parts of the assembly have to do beside calls, fetching keys for one, until ctx ends. It returns when all is quiet, but for the
// work of what is kept, which goes on in its Keep.
func (a *Assembly) Run(ctx context.Context) {
	var running sync.WaitGroup
	if a.parts.Keep == nil {
		a.keep.ctx = ctx
		running.Go(a.keep.Wait)
	}
	a.keep.run(a.kept) //nolint:contextcheck // the Keep has a context of its own, which outlives this one
	for _, r := range a.runners {
		running.Go(func() { r.Run(ctx) })
	}
	running.Wait()
}

// newAuth makes the policy of who may call; nil where there are no providers, so that nothing can be asked and nothing forged.
func (a *Assembly) newAuth(p *config.Policy, pages *cors.Policy) (*auth.Policy, error) {
	if len(a.auth.providers) == 0 {
		if len(p.Auth) > 0 && p.Auth[0] != config.Everybody {
			return nil, errors.New("auth names providers; there are none")
		}
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	cfg := auth.Config{Reserved: a.auth.reserved, AllowsOrigin: func(origin string) bool { return pages.AllowsCredentials(origin) }}
	for _, alternative := range p.Auth {
		if alternative == config.Everybody {
			cfg.Optional = true
			continue
		}
		var all []auth.Named
		for name := range strings.SplitSeq(alternative, "+") {
			n, ok := a.auth.providers[name]
			if !ok {
				return nil, fmt.Errorf("auth names %q; there is no such provider", name)
			}
			all = append(all, n)
		}
		cfg.Any = append(cfg.Any, all)
	}
	return auth.New(cfg)
}

// open tells which services have methods that everybody can call though there are providers, and nothing says so.
func (a *Assembly) open(services []string) []schema.Diagnostic {
	if len(services) == 0 || len(a.auth.providers) == 0 {
		return nil
	}
	return []schema.Diagnostic{{
		Level: schema.Warning, Code: openCode, Message: "everybody can call methods of " + someOf(services) + ": no auth is said for them",
		Help: []string{"write auth: [none] in their policy where that is meant, or defaults: {auth: [...]} for all"},
	}}
}

// someOf names the first few of a list.
func someOf(names []string) string {
	const most = 5
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package apikey provides authentication by keys that the operator gives out, and the file in which what is known of them stands.
//
// The file has the SHA-256 of each key and not the key: keys are 256 random bits, so that nobody finds one by trying. It is read again
// when it changes.
package apikey

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// DefaultHeader is the field in which keys come.
const DefaultHeader = "x-api-key"

// maxKey is the length in bytes of the longest key that is looked at.
const maxKey = 256

// Config says which keys there are.
type Config struct {
	// Name is what the configuration calls the provider.
	Name string
	// File is where the keys stand.
	File string
	// Header is the field in which they come; "" means DefaultHeader. In authorization they stand behind Bearer.
	Header string
	// Forward are names of metadata by which the backend is told sub, tenant, groups, scope or key.
	Forward map[string]string
	// Log is told what becomes of the file; nil for nobody.
	Log *slog.Logger
}

// Provider knows the keys of a file. It is safe for concurrent use.
type Provider struct {
	config  Config
	carrier auth.Carrier
	known   atomic.Pointer[map[[sha256.Size]byte]*holder]
	loaded  string // the state of the file that was read first
}

// holder is who has a key.
type holder struct {
	digest   [sha256.Size]byte
	identity *transcoder.Identity
}

var _ auth.Runner = (*Provider)(nil)

// Check tells what is wrong with a configuration, without reading the file.
func (cfg Config) Check() error {
	var errs []error
	if cfg.File == "" {
		errs = append(errs, errors.New("keys_file is empty"))
	}
	return errors.Join(append(errs, cfg.carrier().Check(), cfg.claims().Check())...)
}

func (cfg Config) claims() auth.ClaimNames { return auth.ClaimNames{Forward: cfg.Forward} }

func (cfg Config) carrier() auth.Carrier {
	switch cfg.Header {
	case "":
		return auth.Carrier{Header: DefaultHeader}
	case auth.Authorization:
		return auth.Carrier{}
	}
	return auth.Carrier{Header: cfg.Header}
}

// Reserved are the names of metadata that the provider can set.
func (cfg Config) Reserved() []string { return cfg.claims().Reserved() }

// New reads the file.
func New(cfg Config) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Provider{config: cfg, carrier: cfg.carrier()}
	p.loaded = p.file().State()
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Provider) file() auth.File { return auth.File{Path: p.config.File, Most: MaxFile} }

func (p *Provider) load() error {
	keys, err := Read(p.config.File)
	if err != nil {
		return err
	}
	known := make(map[[sha256.Size]byte]*holder, len(keys))
	for i := range keys {
		id, err := p.identity(&keys[i])
		if err != nil {
			return fmt.Errorf("%s: key %q: %w", p.config.File, keys[i].ID, err)
		}
		digest := keys[i].digest()
		known[digest] = &holder{digest: digest, identity: id}
	}
	p.known.Store(&known)
	return nil
}

// identity is what calls with a key are.
func (p *Provider) identity(k *Key) (*transcoder.Identity, error) {
	names := p.config.claims()
	claims := map[string]any{"sub": k.Subject, "key": k.ID, "groups": auth.List(k.Groups), "scope": auth.List(k.Scopes)}
	if k.Tenant != "" {
		names.Tenant, claims["tenant"] = "tenant", k.Tenant
	}
	id, err := names.Identity(p.config.Name, claims)
	if err != nil {
		return nil, err
	}
	id.Expires = k.Expires
	return id, nil
}

// Run reads the file again whenever it changes. What cannot be read leaves the keys as they are.
func (p *Provider) Run(ctx context.Context) {
	p.file().Watch(ctx, p.loaded, func() {
		if err := p.load(); err != nil {
			p.config.Log.Error("the file with keys was not read again; the keys before stay in force", slog.Any("error", err))
			return
		}
		p.config.Log.Info("the file with keys was read again", slog.String("file", p.config.File), slog.Int("keys", len(*p.known.Load())))
	})
}

// Challenge says in which field a key is to come. There is no scheme of HTTP for that but one's own.
func (p *Provider) Challenge() string {
	if p.carrier.Header == "" {
		return "Bearer"
	}
	return `ApiKey header="` + p.carrier.Header + `"`
}

// Credentials is the field in which keys come.
func (p *Provider) Credentials() []string { return p.carrier.Fields() }

// Authenticate looks up who has the key of a call. Every key takes the same way: it is found by its hash, of which who tries keys
// learns nothing, and then compared in constant time (threat C11).
func (p *Provider) Authenticate(c *transcoder.Call) (*transcoder.Identity, error) {
	key, _, err := p.carrier.Token(c.Request)
	if err != nil {
		return nil, err
	}
	digest := digestOf(key)
	h := (*p.known.Load())[digest]
	if h == nil {
		h = &holder{} // nobody
	}
	if subtle.ConstantTimeCompare(h.digest[:], digest[:]) != 1 || h.identity == nil {
		return nil, p.refuse(status.ReasonKeyInvalid, "the key is not valid")
	}
	if id := h.identity; id.Expires.IsZero() || time.Now().Before(id.Expires) {
		return id, nil
	}
	return nil, p.refuse(status.ReasonKeyExpired, "the key has expired")
}

func digestOf(key string) [sha256.Size]byte {
	if len(key) > maxKey {
		key = ""
	}
	var buf [maxKey]byte // on the stack
	return sha256.Sum256(buf[:copy(buf[:], key)])
}

func (p *Provider) refuse(reason status.Reason, message string) error {
	return &status.Error{Code: codes.Unauthenticated, Reason: reason, Message: message, Challenge: p.Challenge()}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package basic provides authentication by a name and a password (RFC 7617), from a file: for small set-ups.
//
// The file has a slow hash of each password. Hashing is done for a few calls at a time, while others wait, and who was found right is
// remembered for a minute by a keyed hash, so that it costs one hash a minute however often somebody calls.
package basic

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds.
const (
	// MaxCredentials is the length in bytes of the longest name and password, in base64.
	MaxCredentials = 1024
	// Remember is how long who was found right need not be hashed again.
	Remember = time.Minute
	// hashing is how many passwords are hashed at a time: a hash takes a tenth of a second of a processor.
	hashing = 2

	cacheEntries = 10_000
	cacheBytes   = 1 << 20
)

// Config says who there is.
type Config struct {
	// Name is what the configuration calls the provider; clients are shown it as the realm.
	Name string
	// File is where the users stand.
	File string
	// Forward are names of metadata by which the backend is told sub, tenant, groups or scope.
	Forward map[string]string
	// Log is told what becomes of the file; nil for nobody.
	Log *slog.Logger
}

// Provider knows the users of a file. It is safe for concurrent use.
type Provider struct {
	config Config
	users  atomic.Pointer[users]
	loaded string // the state of the file that was read first
	secret [sha256.Size]byte
	turns  chan struct{}
	cache  *auth.Cache[found]
}

// users are who there is, as a file says.
type users struct {
	byName map[string]*user
	costly *user // who takes the time for names that are not known
}

type user struct {
	password password
	identity *transcoder.Identity
}

// found is a user whose password was right, as of one state of the file.
type found struct {
	users    *users
	identity *transcoder.Identity
}

var (
	_ auth.Waiter   = (*Provider)(nil)
	_ auth.Runner   = (*Provider)(nil)
	_ auth.Sender   = (*Provider)(nil)
	_ auth.Reporter = (*Provider)(nil)
)

// Check tells what is wrong with a configuration, without reading the file.
func (cfg Config) Check() error {
	var errs []error
	if cfg.File == "" {
		errs = append(errs, errors.New("users_file is empty"))
	}
	return errors.Join(append(errs, cfg.claims().Check())...)
}

func (cfg Config) claims() auth.ClaimNames { return auth.ClaimNames{Forward: cfg.Forward} }

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
	p := &Provider{config: cfg, turns: make(chan struct{}, hashing), cache: auth.NewCache[found](cacheEntries, cacheBytes)}
	_, _ = rand.Read(p.secret[:]) // never fails since Go 1.24
	p.loaded = p.file().State()
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Provider) file() auth.File { return auth.File{Path: p.config.File, Most: MaxFile} }

// Run reads the file again whenever it changes. What cannot be read leaves the users as they are.
func (p *Provider) Run(ctx context.Context) {
	p.file().Watch(ctx, p.loaded, func() {
		if err := p.load(); err != nil {
			p.config.Log.Error("the file with users was not read again; the users before stay in force", slog.Any("error", err))
			return
		}
		p.config.Log.Info("the file with users was read again", slog.String("file", p.config.File), slog.Int("users", len(p.users.Load().byName)))
	})
}

// Report tells how often what was found out before was enough.
func (p *Provider) Report() auth.Report { return auth.Report{Remembers: p.cache.Remembered()} }

// Challenge asks for a name and a password.
func (p *Provider) Challenge() string {
	return "Basic realm=" + strconv.QuoteToASCII(p.config.Name) + `, charset="UTF-8"`
}

// Credentials is Authorization.
func (p *Provider) Credentials() []string { return []string{auth.Authorization} }

// SentBy tells that browsers send what they were once given.
func (p *Provider) SentBy(*transcoder.Call) auth.Sending { return auth.SentByAny }

// Authenticate knows who was right a moment ago; all others have to wait for their turn to be hashed.
func (p *Provider) Authenticate(c *transcoder.Call) (*transcoder.Identity, error) {
	given, err := auth.Basic(c.Request)
	if err != nil {
		return nil, err
	}
	if len(given) > MaxCredentials {
		return nil, p.refuse("the name or the password is too long")
	}
	if f, ok := p.cache.Get(p.key(given), time.Now()); ok && f.users == p.users.Load() {
		return f.identity, nil
	}
	return nil, interceptor.ErrWait
}

// key is by what credentials are remembered: a hash that only this process can make, so that they do not stand in its memory.
func (p *Provider) key(given string) string {
	mac := hmac.New(sha256.New, p.secret[:])
	mac.Write([]byte(given))
	return string(mac.Sum(nil))
}

// Wait compares the password. A name that is not known takes as long as one that is.
func (p *Provider) Wait(ctx context.Context, c *transcoder.Call) (*transcoder.Identity, error) {
	given, err := auth.Basic(c.Request)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.Strict().DecodeString(given)
	if err != nil || !utf8.Valid(data) {
		return nil, p.refuse("the credentials cannot be read")
	}
	name, secret, ok := strings.Cut(string(data), ":")
	if !ok {
		return nil, p.refuse("the credentials cannot be read")
	}
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, &status.Error{
			Code: codes.Unavailable, Reason: status.ReasonAuthUnavailable, Message: "too many passwords are being checked", Cause: ctx.Err(),
		}
	}
	defer func() { <-p.turns }()
	known := p.users.Load()
	u := known.byName[name]
	exists := u != nil
	if !exists {
		u = known.costly
	}
	if right := u.password.matches(secret); !right || !exists {
		return nil, p.refuse("the name or the password is wrong")
	}
	p.cache.Put(p.key(given), found{users: known, identity: u.identity}, time.Now().Add(Remember))
	return u.identity, nil
}

func (p *Provider) refuse(message string) error {
	return &status.Error{Code: codes.Unauthenticated, Reason: status.ReasonPasswordInvalid, Message: message, Challenge: p.Challenge()}
}

// equal compares in constant time.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

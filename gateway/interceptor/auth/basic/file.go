// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Bounds of a file of users.
const (
	// MaxFile is the size in bytes of the largest file.
	MaxFile = 4 << 20
	// MaxUsers is how many users a file may have.
	MaxUsers = 10_000
	// Iterations is the cost of new hashes; MinIterations and MaxIterations bound what is read.
	//
	// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
	Iterations    = 600_000
	MinIterations = 1000
	MaxIterations = 10_000_000

	scheme     = "pbkdf2-sha256"
	saltLength = 16
)

// entry is a user as a file has it.
type entry struct {
	Name     string   `yaml:"name"`
	Password string   `yaml:"password"`
	Tenant   string   `yaml:"tenant,omitempty"`
	Groups   []string `yaml:"groups,omitempty,flow"`
	Scopes   []string `yaml:"scopes,omitempty,flow"`
}

// password is the hash of one: pbkdf2-sha256$iterations$salt$hash.
type password struct {
	iterations int
	salt, hash []byte
}

// Hash returns what stands in a file for a password.
func Hash(secret string, iterations int) (string, error) {
	if secret == "" {
		return "", errors.New("the password is empty")
	}
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	hash, err := pbkdf2.Key(sha256.New, secret, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	e := base64.RawStdEncoding
	return fmt.Sprintf("%s$%d$%s$%s", scheme, iterations, e.EncodeToString(salt), e.EncodeToString(hash)), nil
}

func (p *password) matches(secret string) bool {
	hash, err := pbkdf2.Key(sha256.New, secret, p.salt, p.iterations, sha256.Size)
	return err == nil && equal(hash, p.hash)
}

// parsePassword reads what stands for a password. A password itself, which somebody may have written there, is not shown.
func parsePassword(s string) (password, error) {
	const parts = 4
	bad := fmt.Errorf("password must be %s$iterations$salt$hash, as dragoman keys password prints it, with %d to %d iterations", scheme, MinIterations, MaxIterations)
	fields := strings.Split(s, "$")
	if len(fields) != parts || fields[0] != scheme {
		return password{}, bad
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < MinIterations || n > MaxIterations {
		return password{}, bad
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[2])
	if err != nil || len(salt) < saltLength/2 {
		return password{}, bad
	}
	hash, err := base64.RawStdEncoding.DecodeString(fields[3])
	if err != nil || len(hash) != sha256.Size {
		return password{}, bad
	}
	return password{iterations: n, salt: salt, hash: hash}, nil
}

func (p *Provider) load() error {
	data, err := p.file().Read()
	if err != nil {
		return err
	}
	next, err := p.parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", p.config.File, err)
	}
	p.users.Store(next)
	return nil
}

func (p *Provider) parse(data []byte) (*users, error) {
	var doc struct {
		Users []entry `yaml:"users"`
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not a mapping with users, each with name, password, tenant, groups and scopes")
	}
	if len(doc.Users) > MaxUsers {
		return nil, fmt.Errorf("it has %d users; it may have %d", len(doc.Users), MaxUsers)
	}
	u := &users{byName: make(map[string]*user, len(doc.Users)), costly: &user{password: password{iterations: Iterations, salt: make([]byte, saltLength), hash: make([]byte, sha256.Size)}}}
	most := 0
	for i := range doc.Users {
		e := &doc.Users[i]
		if e.Name == "" || strings.Contains(e.Name, ":") || u.byName[e.Name] != nil {
			return nil, fmt.Errorf("users[%d]: the name %.64q is empty, has a colon, or is there before", i, e.Name)
		}
		hash, err := parsePassword(e.Password)
		if err != nil {
			return nil, fmt.Errorf("users[%d]: %w", i, err)
		}
		id, err := p.identity(e)
		if err != nil {
			return nil, fmt.Errorf("users[%d]: %w", i, err)
		}
		u.byName[e.Name] = &user{password: hash, identity: id}
		most = max(most, hash.iterations)
	}
	if most > 0 {
		u.costly.password.iterations = most
	}
	return u, nil
}

func (p *Provider) identity(e *entry) (*transcoder.Identity, error) {
	names := p.config.claims()
	claims := map[string]any{"sub": e.Name, "groups": auth.List(e.Groups), "scope": auth.List(e.Scopes)}
	if e.Tenant != "" {
		names.Tenant, claims["tenant"] = "tenant", e.Tenant
	}
	return names.Identity(p.config.Name, claims)
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
)

// Bounds of a file of keys.
const (
	// MaxFile is the size in bytes of the largest file.
	MaxFile = 32 << 20
	// MaxKeys is how many keys a file may have.
	MaxKeys = 100_000
	// MaxText is the length in bytes of the longest text of a key.
	MaxText = 256
)

// Key is what a file says of one key.
type Key struct {
	// ID names the key, which is no secret; it is a part of the key.
	ID string `yaml:"id"`
	// SHA256 is the hash of the key in hexadecimal.
	SHA256 string `yaml:"sha256"`
	// Subject is who has it, Tenant for whom, Groups and Scopes what they belong to and may do.
	Subject string   `yaml:"subject"`
	Tenant  string   `yaml:"tenant,omitempty"`
	Groups  []string `yaml:"groups,omitempty,flow"`
	Scopes  []string `yaml:"scopes,omitempty,flow"`
	// Created is when it was made, Expires when it ends to be valid; zero for never.
	Created time.Time `yaml:"created,omitempty"`
	Expires time.Time `yaml:"expires,omitempty"`
}

// document is a file as it is written.
type document struct {
	Keys []Key `yaml:"keys"`
}

// header stands at the beginning of every file that is written here.
const header = "# Written by dragoman keys. The keys themselves are not in it: only their SHA-256.\n"

func (k *Key) digest() (d [sha256.Size]byte) {
	_, _ = hex.Decode(d[:], []byte(k.SHA256)) // it was checked
	return d
}

// newKey makes a key, and returns what the file says of it and the key itself, which is nowhere else: dgk_, its id, and 256 random bits.
func newKey(k Key, now time.Time) (Key, string) {
	var id [5]byte
	var secret [32]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	_, _ = rand.Read(secret[:])
	k.ID = strings.ToLower(base32.StdEncoding.EncodeToString(id[:]))
	key := "dgk_" + k.ID + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
	digest := sha256.Sum256([]byte(key))
	k.SHA256, k.Created = hex.EncodeToString(digest[:]), now.UTC().Truncate(time.Second)
	return k, key
}

// Read reads a file of keys.
func Read(path string) ([]Key, error) {
	data, err := auth.File{Path: path, Most: MaxFile}.Read()
	if err != nil {
		return nil, err
	}
	keys, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// Parse reads what is in a file of keys. What it does not know it refuses: an expires that is spelled wrong must not be a key for ever.
func Parse(data []byte) ([]Key, error) {
	var doc document
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", ""))
	}
	if len(doc.Keys) > MaxKeys {
		return nil, fmt.Errorf("it has %d keys; it may have %d", len(doc.Keys), MaxKeys)
	}
	ids, digests := map[string]bool{}, map[[sha256.Size]byte]bool{}
	for i := range doc.Keys {
		k := &doc.Keys[i]
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		if ids[k.ID] || digests[k.digest()] {
			return nil, fmt.Errorf("keys[%d]: there is another one with its id or its sha256", i)
		}
		ids[k.ID], digests[k.digest()] = true, true
	}
	return doc.Keys, nil
}

func (k *Key) check() error {
	if raw, err := hex.DecodeString(k.SHA256); err != nil || len(raw) != sha256.Size {
		return fmt.Errorf("sha256 is not %d bytes in hexadecimal", sha256.Size)
	}
	if k.ID == "" || k.Subject == "" {
		return errors.New("it needs an id and a subject")
	}
	texts := append([]string{k.ID, k.Subject, k.Tenant}, k.Groups...)
	for _, s := range append(texts, k.Scopes...) {
		if len(s) > MaxText || strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Errorf("%.32q... is longer than %d bytes, or has a control character", s, MaxText)
		}
	}
	return nil
}

// Create adds a key to a file, which need not be there, and returns it: its id, and the key, which is shown this once.
func Create(path string, k Key, now time.Time) (id, key string, err error) {
	k, key = newKey(k, now)
	if err := k.check(); err != nil {
		return "", "", err
	}
	err = change(path, true, func(keys []Key) ([]Key, error) { return append(keys, k), nil })
	return k.ID, key, err
}

// Revoke takes a key out of a file. It counts as soon as gateways have read it again, in about a tenth of a second.
func Revoke(path, id string) error {
	return change(path, false, func(keys []Key) ([]Key, error) {
		for i := range keys {
			if keys[i].ID == id {
				return append(keys[:i:i], keys[i+1:]...), nil
			}
		}
		return nil, fmt.Errorf("%s has no key %q", path, id)
	})
}

// change rewrites a file as a whole: who reads it meanwhile sees it as it was or as it will be.
func change(path string, create bool, edit func([]Key) ([]Key, error)) error {
	before, err := os.ReadFile(path)
	if err != nil && (!create || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	keys, err := Parse(before)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if keys, err = edit(keys); err != nil {
		return err
	}
	out := bytes.NewBufferString(header)
	e := yaml.NewEncoder(out)
	const indent = 2
	e.SetIndent(indent)
	if err := errors.Join(e.Encode(document{Keys: keys}), e.Close()); err != nil {
		return err
	}
	if _, err := Parse(out.Bytes()); err != nil {
		return err
	}
	return replace(path, before, out.Bytes())
}

// replace puts data in the place of a file that was read before, unless somebody else has changed it since.
func replace(path string, before, data []byte) error {
	if really, err := filepath.EvalSymlinks(path); err == nil {
		path = really
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // it is gone when all went well
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil {
		if err := os.Chmod(temporary.Name(), info.Mode().Perm()); err != nil {
			return err
		}
	}
	if now, err := os.ReadFile(path); err == nil && !bytes.Equal(now, before) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s was changed meanwhile; try again", path), err)
	}
	return os.Rename(temporary.Name(), path)
}

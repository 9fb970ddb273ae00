// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const (
	// mostFile is how many bytes of a file are read: all authorities of a system have a fifth of it.
	mostFile = 2 << 20
)

// Source is a Config with what its files have: all that is needed to ask for certificates.
type Source struct {
	config Config
	names  []string
	roots  []byte
	mac    string
}

// Read checks a configuration with its files, the storage among them, and changes nothing on the disk.
func Read(cfg Config) (*Source, error) {
	var errs []error
	for _, w := range cfg.Check() {
		errs = append(errs, w)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	cfg.CA, cfg.KeyType = cmp.Or(cfg.CA, DefaultCA), cmp.Or(cfg.KeyType, DefaultKeyType)
	s := &Source{config: cfg}
	for _, d := range cfg.Domains {
		name, err := Name(d)
		if err != nil {
			return nil, err // Check has said so
		}
		s.names = append(s.names, name)
	}
	if cfg.CARoot != "" {
		var err error
		if s.roots, err = readFile(cfg.CARoot); err == nil && !x509.NewCertPool().AppendCertsFromPEM(s.roots) {
			err = errors.New("it has no certificate")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ca_root: %s: %w", cfg.CARoot, err))
		}
	}
	if cfg.EAB != nil {
		if err := s.readMAC(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := writable(cfg.Storage); err != nil {
		errs = append(errs, fmt.Errorf("storage: %w", err))
	}
	return s, errors.Join(errs...)
}

// readMAC reads the key that binds the account. It is in no error.
func (s *Source) readMAC() error {
	setting := "eab.mac_key"
	s.mac = s.config.EAB.MACKey
	if file := s.config.EAB.MACKeyFile; file != "" {
		setting = "eab.mac_key_file"
		data, err := readFile(file)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", setting, file, err)
		}
		s.mac = strings.TrimSpace(string(data))
	}
	s.mac = strings.TrimRight(s.mac, "=")
	if key, err := base64.RawURLEncoding.DecodeString(s.mac); err != nil || len(key) == 0 {
		return fmt.Errorf("%s must be a key in base64url, as the authority gives it", setting)
	}
	return nil
}

// readFile reads a file of a size that it may have.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the configuration names it
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, mostFile+1))
	if err == nil && len(data) > mostFile {
		err = fmt.Errorf("it has more than %d bytes", mostFile)
	}
	return data, err
}

// reason takes the path off an error that is told with it.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// writable tells why a folder cannot be written to. One that is not there yet has to be possible.
func writable(folder string) error {
	there := folder
	for {
		info, err := os.Stat(there)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is not a folder", there)
		}
		if err == nil {
			break
		}
		if above := filepath.Dir(there); errors.Is(err, fs.ErrNotExist) && above != there {
			there = above
			continue
		}
		return fmt.Errorf("%s: %w", there, reason(err))
	}
	probe, err := os.CreateTemp(there, ".dragoman-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written to: %w", there, reason(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Domains are the names that certificates are for.
func (s *Source) Domains() []string { return s.names }

// CA is the directory of the authority.
func (s *Source) CA() string { return s.config.CA }

// Equal says whether another source would have the same certificates from the same authority in the same way.
func (s *Source) Equal(o *Source) bool { return reflect.DeepEqual(s, o) }

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/basic"
)

// keyLine is a key as `dragoman keys list --json` prints it.
type keyLine struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"`
	Tenant  string    `json:"tenant,omitempty"`
	Groups  []string  `json:"groups,omitempty"`
	Scopes  []string  `json:"scopes,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

func newKeys(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Create, revoke and list API keys, and hash passwords", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysNew(t), newKeysRevoke(t), newKeysList(t), newKeysPassword(t))
	return cmd
}

// keysFile adds the flag for the file of keys.
func keysFile(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "file", "f", "", "the file of the keys, keys_file of an api_key provider")
}

func needFile(t *terminal, file string) error {
	if file == "" {
		return &exitError{code: exitUsage, err: errors.New("--file is missing; it names the file of the keys")}
	}
	return nil
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitFailed, err: err}
}

func newKeysNew(t *terminal) *cobra.Command {
	var (
		file    string
		k       apikey.Key
		expires time.Duration
	)
	cmd := &cobra.Command{
		Use: "new --file FILE --subject NAME", Aliases: []string{"create"},
		Short: "Make an API key and print it, this once: the file gets its hash",
		Example: `  dragoman keys new --file keys.yaml --subject acme --scope read --expires 2160h

Gateways that run read the file again by themselves.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := needFile(t, file); err != nil {
				return err
			}
			if k.Subject == "" {
				return &exitError{code: exitUsage, err: errors.New("--subject is missing; it says who gets the key")}
			}
			now := time.Now()
			if expires < 0 {
				return &exitError{code: exitUsage, err: fmt.Errorf("--expires is %s; it must not be negative", expires)}
			}
			if expires > 0 {
				k.Expires = now.Add(expires).UTC().Truncate(time.Second)
			}
			id, key, err := apikey.Create(file, k, now)
			if err != nil {
				return failed(err)
			}
			t.note("key %s of %s is in %s; what follows is shown this once", id, k.Subject, file)
			t.printf("%s\n", key)
			return nil
		},
	}
	keysFile(cmd, &file)
	cmd.Flags().StringVar(&k.Subject, "subject", "", "who gets the key")
	cmd.Flags().StringVar(&k.Tenant, "tenant", "", "the tenant for whom calls with it are")
	cmd.Flags().StringSliceVar(&k.Groups, "group", nil, "what the subject belongs to; several times for several")
	cmd.Flags().StringSliceVar(&k.Scopes, "scope", nil, "what calls with it may do; several times for several")
	cmd.Flags().DurationVar(&expires, "expires", 0, "how long the key is valid, such as 2160h; 0 for ever")
	return cmd
}

func newKeysRevoke(t *terminal) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "revoke --file FILE ID …",
		Short: "Take API keys out, by their ids",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, ids []string) error {
			if err := needFile(t, file); err != nil {
				return err
			}
			if len(ids) == 0 {
				return &exitError{code: exitUsage, err: errors.New("an id is missing; dragoman keys list has them, and they stand in the key: dgk_ID_…")}
			}
			for _, id := range ids {
				if err := apikey.Revoke(file, id); err != nil {
					return failed(err)
				}
				t.note("key %s is revoked", id)
			}
			return nil
		},
	}
	keysFile(cmd, &file)
	return cmd
}

func newKeysList(t *terminal) *cobra.Command {
	var (
		file   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "list --file FILE",
		Short: "List API keys: id, subject, tenant, scopes, when they expire",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := needFile(t, file); err != nil {
				return err
			}
			keys, err := apikey.Read(file)
			if err != nil {
				return failed(err)
			}
			lines := make([]keyLine, len(keys))
			for i, k := range keys {
				lines[i] = keyLine{ID: k.ID, Subject: k.Subject, Tenant: k.Tenant, Groups: k.Groups, Scopes: k.Scopes, Created: k.Created, Expires: k.Expires}
			}
			if asJSON {
				return failed(json.NewEncoder(t.out).Encode(lines))
			}
			for _, l := range lines {
				t.printf("%-10s %-24s %-16s %-24s %s\n", l.ID, l.Subject, l.Tenant, strings.Join(l.Scopes, " "), expiry(l.Expires, time.Now()))
			}
			return nil
		},
	}
	keysFile(cmd, &file)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func expiry(expires, now time.Time) string {
	switch {
	case expires.IsZero():
		return "never expires"
	case now.Before(expires):
		return "expires " + expires.UTC().Format(time.RFC3339)
	default:
		return "expired " + expires.UTC().Format(time.RFC3339)
	}
}

func newKeysPassword(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "password",
		Short:   "Hash a password for the users_file of a basic provider; it is read from the standard input",
		Example: `  printf '%s' "$PASSWORD" | dragoman keys password`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			line, err := bufio.NewReader(os.Stdin).ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return failed(err)
			}
			hash, err := basic.Hash(strings.TrimRight(line, "\r\n"), basic.Iterations)
			if err != nil {
				return failed(err)
			}
			t.printf("%s\n", hash)
			return nil
		},
	}
}

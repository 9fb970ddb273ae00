// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

type keyServer struct {
	adminv1.UnimplementedKeyServiceServer

	api *API
}

// providers returns the providers of API keys, of one name or all.
func (s *keyServer) providers(name string) ([]*config.AuthProvider, error) {
	var all []*config.AuthProvider
	cfg := s.api.config.Assembly().Config()
	for i := range cfg.Auth.Providers {
		if p := &cfg.Auth.Providers[i]; p.APIKey != nil && (name == "" || name == p.Name) {
			all = append(all, p)
		}
	}
	if name != "" && all == nil {
		return nil, notFound("there is no provider %.64q of API keys", name)
	}
	return all, nil
}

// ListKeys lists the keys.
func (s *keyServer) ListKeys(_ context.Context, in *adminv1.ListKeysRequest) (*adminv1.ListKeysResponse, error) {
	providers, err := s.providers(in.GetProvider())
	if err != nil {
		return nil, err
	}
	out := &adminv1.ListKeysResponse{}
	for _, p := range providers {
		keys, err := apikey.Read(p.APIKey.File)
		if err != nil {
			return nil, invalid("the keys of %s cannot be read: %s", p.Name, err)
		}
		for i := range keys {
			out.Keys = append(out.Keys, keyOf(p, &keys[i]))
		}
	}
	return out, nil
}

func keyOf(p *config.AuthProvider, k *apikey.Key) *adminv1.ApiKey {
	return &adminv1.ApiKey{Provider: p.Name, Id: k.ID, Subject: k.Subject, Tenant: k.Tenant, ExpireTime: timeOf(k.Expires), File: p.APIKey.File, Scopes: k.Scopes}
}

// CreateKey makes a key.
func (s *keyServer) CreateKey(ctx context.Context, in *adminv1.CreateKeyRequest) (*adminv1.CreateKeyResponse, error) {
	providers, err := s.providers(in.GetProvider())
	if err != nil {
		return nil, err
	}
	if len(providers) != 1 {
		return nil, invalid("provider is empty, and there are %d of API keys; name one", len(providers))
	}
	k := apikey.Key{ID: in.GetId(), Subject: in.GetSubject(), Tenant: in.GetTenant()}
	if in.GetExpireTime() != nil {
		if k.Expires = in.GetExpireTime().AsTime(); !k.Expires.After(time.Now()) {
			return nil, invalid("expire_time is %s, which is over", k.Expires.Format(time.RFC3339))
		}
	}
	id, secret, err := apikey.Create(providers[0].APIKey.File, k, time.Now())
	if err != nil {
		return nil, invalid("%s", err)
	}
	k.ID = id
	s.api.config.Log.Info("an API key was made by the admin API", slog.String("provider", providers[0].Name), slog.String("id", id), slog.String("subject", k.Subject), slog.String("who", callerOf(ctx)))
	return &adminv1.CreateKeyResponse{Key: keyOf(providers[0], &k), Secret: secret}, nil
}

// RevokeKey takes a key out.
func (s *keyServer) RevokeKey(ctx context.Context, in *adminv1.RevokeKeyRequest) (*adminv1.RevokeKeyResponse, error) {
	providers, err := s.providers(in.GetProvider())
	if err != nil {
		return nil, err
	}
	if len(providers) != 1 {
		return nil, invalid("provider is empty; name one")
	}
	if err := apikey.Revoke(providers[0].APIKey.File, in.GetId()); err != nil {
		if strings.Contains(err.Error(), "has no key") {
			return nil, notFound("%s has no key %.64q", providers[0].Name, in.GetId())
		}
		return nil, invalid("%s", err)
	}
	s.api.config.Log.Info("an API key was revoked by the admin API", slog.String("provider", providers[0].Name), slog.String("id", in.GetId()), slog.String("who", callerOf(ctx)))
	return &adminv1.RevokeKeyResponse{}, nil
}

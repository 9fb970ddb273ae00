// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

type policyServer struct {
	adminv1.UnimplementedPolicyServiceServer

	api *API
}

// ListPolicies tells of the policies that the configuration has, and of what they did.
func (s *policyServer) ListPolicies(context.Context, *adminv1.ListPoliciesRequest) (*adminv1.ListPoliciesResponse, error) {
	assembly := s.api.config.Assembly()
	cfg := assembly.Config()
	out := &adminv1.ListPoliciesResponse{RateLimits: s.api.limits(assembly), LimitStore: limitStoreOf(assembly), CircuitBreakers: breakersOf(assembly)}
	for _, p := range assembly.Providers() {
		own := providerOf(&p)
		own.Methods = s.methodsOf(own.GetName())
		if p.Config.APIKey != nil {
			own.KeysNotWritable = whyNotWritable(cfg, p.Config.APIKey.File)
			own.KeysWritable = own.GetKeysNotWritable() == ""
		}
		out.AuthProviders = append(out.AuthProviders, own)
	}
	out.Caches, out.AuthorizationRules = cachesOf(assembly.Cache()), s.rulesOfAuthorization()
	return out, nil
}

// whyNotWritable says why the admin API cannot make and revoke the keys of a file; "" when it can.
func whyNotWritable(cfg *config.Config, file string) string {
	if cfg.Admin.ReadOnly {
		return "the admin API is read-only"
	}
	if err := apikey.Writable(file); err != nil {
		return err.Error()
	}
	return ""
}

// methodsOf counts the methods that ask a provider.
func (s *policyServer) methodsOf(provider string) int32 {
	mux, err := s.api.mux()
	if err != nil {
		return 0
	}
	var n int32
	cfg := s.api.config.Assembly().Config()
	for _, m := range mux.Methods() {
		policy, _ := cfg.PolicyFor(m.Service, m.Name)
		for _, alternative := range policy.Auth {
			if !m.Local && slices.Contains(strings.Split(alternative, "+"), provider) {
				n++
				break
			}
		}
	}
	return n
}

func providerKind(p *config.AuthProvider) (kind, location string) {
	switch {
	case p.JWT != nil:
		return "jwt", p.JWT.Issuer
	case p.APIKey != nil:
		return "api_key", p.APIKey.File
	case p.Basic != nil:
		return "basic", ""
	case p.MTLS != nil:
		return "mtls", ""
	case p.ExtAuthz != nil:
		return "ext_authz", p.ExtAuthz.Backend
	case p.Introspection != nil:
		return "introspection", p.Introspection.URL
	default:
		return "", ""
	}
}

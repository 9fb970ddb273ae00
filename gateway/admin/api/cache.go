// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Bounds of what ListCached lists.
const (
	defaultCached = 100
	mostCached    = 1000
)

// cacheName is what the cache is called; there is one.
const cacheName = "answers"

// cachesOf tells how the cache fares, if there is one.
func cachesOf(c *cache.Cache) []*adminv1.Cache {
	if c == nil {
		return nil
	}
	s := c.Stats()
	return []*adminv1.Cache{{
		Name: cacheName, Entries: int64(s.Entries), Bytes: int64(s.Bytes), MaxBytes: int64(s.Memory), Hits: s.Hits + s.Stale + s.StaleErrors + s.Coalesced, Misses: s.Misses,
		Evicted: s.Evicted, Purged: s.Purged, Stale: s.Stale + s.StaleErrors, Bypassed: s.Bypassed, Stored: s.Stored, SharedHits: s.SharedHits, SharedErrors: s.SharedErrors,
	}}
}

// cache returns the cache, and the error where there is none.
func (s *policyServer) cache() (*cache.Cache, error) {
	if c := s.api.config.Assembly().Cache(); c != nil {
		return c, nil
	}
	return nil, status.Errorf(codes.FailedPrecondition, status.ReasonBadRequest, "no answer is stored: no policy says cache")
}

// PurgeCache forgets stored answers.
func (s *policyServer) PurgeCache(_ context.Context, in *adminv1.PurgeCacheRequest) (*adminv1.PurgeCacheResponse, error) {
	said := 0
	for _, text := range []string{in.GetMatch(), in.GetTag(), in.GetKey()} {
		if text != "" {
			said++
		}
	}
	if said != 1 {
		return nil, invalid("match, tag and key: one of them must be set, and %d are", said)
	}
	c, err := s.cache()
	if err != nil {
		return nil, err
	}
	purged := 0
	switch {
	case in.GetTag() != "":
		if len(in.GetTag()) > cache.MaxTag {
			return nil, invalid("tag has %d bytes; tags have %d at most", len(in.GetTag()), cache.MaxTag)
		}
		purged = c.PurgeTag(in.GetTag())
	case in.GetKey() != "":
		key, err := cache.ParseKey(in.GetKey())
		if err != nil {
			return nil, invalid("%s", err)
		}
		purged = c.PurgeKey(key)
	default:
		paths, all, err := s.matching(in.GetMatch())
		if err != nil {
			return nil, err
		}
		if all {
			purged = c.PurgeAll()
		} else {
			purged = c.PurgeMethods(paths)
		}
	}
	return &adminv1.PurgeCacheResponse{Purged: int64(purged)}, nil
}

// matching returns the paths of the methods of a glob, and whether it is one of all.
func (s *policyServer) matching(match string) (paths []string, all bool, err error) {
	glob, err := config.ParseMethodGlob(match)
	if err != nil {
		return nil, false, invalid("match is %.256q, which %s", match, err)
	}
	if glob.String() == config.AllMethods().String() {
		return nil, true, nil
	}
	mux, err := s.api.mux()
	if err != nil {
		return nil, false, err
	}
	for _, m := range mux.Methods() {
		if !m.Local && glob.Match(m.Service, m.Name) {
			paths = append(paths, m.Path)
		}
	}
	if len(paths) == 0 {
		return nil, false, notFound("no method that can be called is one of %s", glob)
	}
	return paths, false, nil
}

// ListCached lists stored answers.
func (s *policyServer) ListCached(_ context.Context, in *adminv1.ListCachedRequest) (*adminv1.ListCachedResponse, error) {
	most := int(in.GetLimit())
	if most == 0 {
		most = defaultCached
	}
	if most < 0 || most > mostCached {
		return nil, invalid("limit is %d; it must be 1 to %d", most, mostCached)
	}
	c, err := s.cache()
	if err != nil {
		return nil, err
	}
	of := func(string) bool { return true }
	if in.GetMatch() != "" {
		paths, all, err := s.matching(in.GetMatch())
		if err != nil {
			return nil, err
		}
		of = func(path string) bool { return all || slices.Contains(paths, path) }
	}
	out := &adminv1.ListCachedResponse{}
	for _, one := range c.List(most+1, of) {
		if len(out.GetAnswers()) == most {
			out.More = true
			break
		}
		out.Answers = append(out.Answers, &adminv1.CachedAnswer{Key: one.Key.String(), Method: strings.TrimPrefix(one.Method, "/"), Tags: one.Tags, Bytes: int64(one.Bytes)})
	}
	return out, nil
}

// rulesOfAuthorization tells how the rules fare.
func (s *policyServer) rulesOfAuthorization() []*adminv1.AuthorizationRule {
	var all []*adminv1.AuthorizationRule
	for _, r := range s.api.config.Assembly().Authorization() {
		all = append(all, &adminv1.AuthorizationRule{Name: r.Rule, DryRun: r.DryRun, Refused: r.Refused, Unknown: r.Unknown})
	}
	return all
}

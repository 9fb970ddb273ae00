// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// compiler turns the message into a Config. It goes on after a problem, with whatever value, so that all are found: who
// uses the result asks the collector first.
type compiler struct {
	*collector
	dir   string         // where relative paths begin
	names map[string]int // of backends, and how often each is used
	cfg   *Config
	told  map[string]string // see identities; nil before it is needed
}

// compile returns the configuration of a message, and reports what only several fields together show to be wrong.
func compile(c *collector, m *configv1.Config, dir string) *Config {
	k := &compiler{collector: c, dir: dir, names: map[string]int{}, cfg: &Config{File: c.text.name, text: c.text, message: m, flat: &flattened{}}}
	for b := range m.GetBackends() {
		k.names[b] = 0
	}
	k.admin(m.GetAdmin())
	k.listeners(m.GetListeners())
	k.schemas(m.GetSchemas())
	k.backends(m.GetBackends())
	k.auth(m.GetAuth())
	k.services(m)
	k.limits(m.GetRateLimits())
	k.authorization(m.GetAuthorization())
	k.docs(m.GetDocs())
	k.cache(m.GetCache())
	k.cfg.JSON = jsonOf(m.GetJson())
	k.routes(m.GetRoutes())
	k.rpc(m.GetRpc())
	k.observability(m.GetObservability())
	k.cfg.Shutdown = Shutdown{Delay: m.GetShutdown().GetDelay().AsDuration(), Drain: m.GetShutdown().GetDrain().AsDuration()}
	for b, uses := range k.names {
		if uses == 0 {
			k.warn(entry("backends", b), "", "no service and no source uses this backend")
		}
	}
	sortProblems(k.warnings)
	k.cfg.Warnings, k.cfg.places = k.warnings, k.places
	k.cfg.SetDefaults()
	return k.cfg
}

// use counts a use of a backend, and reports one that does not exist.
func (k *compiler) use(backend, path string) {
	if _, ok := k.names[backend]; ok {
		k.names[backend]++
		return
	}
	_, written := k.places["backends"]
	if backend == "" || k.refused["backends"] || k.uncertain["backends"] || k.uncertain[""] && !written {
		return // told of already, or for another reason
	}
	shown := backend
	if raw := k.place(path).raw; raw != "" {
		shown = raw
	}
	known := slices.Sorted(maps.Keys(k.names))
	if len(known) == 0 {
		k.on(path, "", "names backend %q; there are no backends", shown)
		return
	}
	k.on(path, didYouMean(shown, known), "names backend %q, which does not exist", shown)
}

func (k *compiler) routes(m *configv1.Routes) {
	k.cfg.Routes = Routes{
		TrailingSlash:          TrailingSlash(m.GetTrailingSlash()),
		UnknownQuery:           UnknownQuery(m.GetUnknownQuery()),
		IgnoredQueryParameters: m.GetIgnoredQueryParameters(),
		DisableDerivedHead:     m != nil && m.DerivedHead != nil && !m.GetDerivedHead(),
		MaxPath:                int(k.size(m.GetMaxPath(), "routes.max_path", leastPath, mostPath)),
		MaxQueryParameters:     int(m.GetMaxQueryParameters()),
		RejectDotSegments:      m.GetRejectDotSegments(),
		Unescape:               Unescape(m.GetUnescape()),
		MethodOverride:         m.GetMethodOverride(),
	}
	k.distinct(m.GetIgnoredQueryParameters(), "routes.ignored_query_parameters")
}

func (k *compiler) rpc(m *configv1.Rpc) {
	k.cfg.RPC = RPC{
		CompressFrom:          int(k.size(m.GetCompressFrom(), "rpc.compress_from", 1, mostCompressFrom)),
		WithoutErrorInfo:      m != nil && m.ErrorInfo != nil && !m.GetErrorInfo(),
		RequireConnectVersion: m.GetRequireConnectVersion(),
	}
}

// file returns the path of a file that the configuration names.
func (k *compiler) file(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(k.dir, path)
}

// size returns the bytes of a size, which must be between two bounds; 0 when it is not set.
func (k *compiler) size(s, path string, least, most int64) int64 {
	if s == "" {
		return 0
	}
	n, err := ParseSize(s)
	if err != nil {
		k.on(path, "", "%s", patternSentence("KiB"))
		return 0
	}
	if n < least || n > most {
		k.on(path, "", "must be %s to %s", FormatSize(least), FormatSize(most))
	}
	return n
}

// entry returns the path of an entry of a map.
func entry(path, key string) string { return fmt.Sprintf("%s[%q]", path, key) }

// item returns the path of an entry of a list.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// detail returns what another package says about a setting, unless it could show what a variable holds.
func (k *compiler) detail(path string, err error) string {
	if k.place(path).raw != "" {
		return "is not right with what its variables hold"
	}
	return err.Error()
}

// distinct reports what a list has twice. The rule of the schema for it says neither which nor where, and takes quadratic time.
func (k *compiler) distinct(list []string, path string) {
	seen := map[string]string{}
	for i, s := range list {
		unique(k.collector, seen, s, item(path, i), "remove one of them")
	}
}

// unique reports a value that another setting has already; empty ones are reported elsewhere.
func unique(c *collector, seen map[string]string, value, path, hint string) bool {
	if value == "" {
		return true
	}
	if before, ok := seen[value]; ok {
		p := c.place(before)
		c.on(path, hint, "is the same as %s, in line %d, column %d", before, p.line, p.column)
		return false
	}
	seen[value] = path
	return true
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dragoman-gateway/dragoman/"

// direction is a statement of policy: which packages of this module a package may import, and which of the modules that only
// some may. An entry that ends in "/..." stands for a folder and all below it. A package without a row, a row without a
// package, and an import without permission all fail. docs/architecture.md draws the same as a picture.
var direction = map[string]row{
	"cmd/dragoman":                           {own: []string{"gateway/telemetry", "internal/heapfloor", "gateway/admin", "gateway/app", "gateway/assemble", "gateway/backend", "gateway/bookstore", "gateway/config", "gateway/docs", "gateway/interceptor/auth/apikey", "gateway/interceptor/auth/basic", "gateway/reload", "gateway/transport", "balancer", "balancer/endpoint", "balancer/resolver", "proto", "transcoder", "transcoder/httprule", "transcoder/schema", "gateway/admin/api", "transcoder/schema/compare", "transcoder/schema/protosource", "transcoder/schema/wellknown", "gateway/calling", "gateway/explain", "transcoder/wire", "gen/dragoman/admin/v1", "gateway/config/envoy", "gateway/memory", "gateway/systemd"}, outside: []string{"github.com/spf13/cobra"}},
	"gateway/app":                            {own: []string{"gateway/admin/replay", "gateway/capture", "gateway/interceptor/authz", "gateway", "gateway/admin", "gateway/assemble", "gateway/backend", "gateway/config", "gateway/local", "gateway/reload", "gateway/telemetry", "gateway/transport", "transcoder/httprule", "transcoder/openapi", "transcoder/schema", "gateway/admin/api", "gateway/interceptor", "transcoder/nethttp", "gateway/telemetry/metrics", "gateway/telemetry/metrics", "gateway/telemetry/otlp", "transcoder", "gateway/interceptor/cache", "gateway/explain", "gateway/admin/console", "gateway/switches", "gateway/transport/acme", "gateway/systemd", "gateway/interceptor/validate"}, outside: []string{"go.uber.org/fx"}},
	"gateway/assemble":                       {own: []string{"gateway", "gateway/...", "transcoder", "transcoder/...", "balancer", "balancer/..."}},
	"gateway/reload":                         {own: []string{"gateway", "gateway/assemble", "gateway/config", "transcoder/schema", "transcoder/httprule", "transcoder/schema/compare", "transcoder/schema/filewatch"}},
	"gateway/config":                         {own: []string{"internal/segments", "gateway/capture", "gen/dragoman/config/v1", "gateway/backend", "gateway/backend/split", "gateway/cors", "gateway/interceptor/auth", "gateway/interceptor/auth/...", "gateway/interceptor/deadline", "gateway/interceptor/headers", "gateway/interceptor/ratelimit", "gateway/interceptor/ratelimit/...", "gateway/transport", "gateway/transport/proxyprotocol", "balancer", "balancer/endpoint", "balancer/outlier", "balancer/picker", "balancer/resolver", "transcoder/rest", "gateway/expression", "gateway/interceptor/authz", "gateway/docs", "transcoder/openapi", "gateway/interceptor/validate", "gateway/admin", "gen/dragoman/policy/v1", "gateway/interceptor/cache", "gateway/interceptor/ratelimit/rls", "gateway/redis", "gateway/interceptor/redact", "gateway/transport/acme"}},
	"gateway/config/envoy":                   {own: []string{"gateway/config", "gateway/backend/split"}, outside: []string{"github.com/envoyproxy/go-control-plane"}},
	"gateway":                                {own: []string{"gateway/cors", "gateway/interceptor", "gateway/interceptor/recovery", "transcoder", "transcoder/httprule", "transcoder/schema", "transcoder/status", "transcoder/wire"}},
	"gateway/admin":                          {},
	"gateway/admin/console":                  {own: []string{"transcoder", "transcoder/nethttp"}},
	"gateway/admin/api":                      {own: []string{"gateway/admin/replay", "gateway/capture", "gateway/interceptor/cache", "gen/dragoman/admin/v1", "gateway", "gateway/assemble", "gateway/backend", "gateway/config", "gateway/interceptor", "gateway/reload", "gateway/telemetry", "transcoder", "transcoder/httprule", "transcoder/schema", "transcoder/schema/compare", "transcoder/status", "gateway/interceptor/auth/apikey", "gateway/interceptor/ratelimit", "gateway/switches", "gateway/explain", "transcoder/wire", "gateway/transport", "gateway/transport/acme", "transcoder/schema/upload"}},
	"gateway/capture":                        {own: []string{"transcoder", "transcoder/codec", "transcoder/prune", "transcoder/schema", "transcoder/status", "transcoder/wire"}},
	"gateway/admin/replay":                   {own: []string{"gateway/calling", "gateway/capture", "transcoder", "transcoder/httprule", "transcoder/nethttp", "transcoder/wire"}},
	"gateway/cors":                           {own: []string{"transcoder", "transcoder/wire"}},
	"gateway/backend":                        {own: []string{"internal/buffers", "transcoder", "transcoder/status", "transcoder/wire", "balancer", "balancer/endpoint", "balancer/health", "balancer/outlier", "balancer/picker", "balancer/resolver", "balancer/resolver/etcd", "balancer/xds"}},
	"gateway/backend/split":                  {own: []string{"transcoder", "transcoder/status", "transcoder/wire", "gateway/expression"}, outside: []string{"cel.dev/cel-go"}},
	"gateway/bookstore":                      {own: []string{"gen/bookstore/v1"}},
	"gateway/interceptor":                    {own: []string{"transcoder", "transcoder/wire"}},
	"gateway/interceptor/deadline":           {own: []string{"transcoder", "transcoder/status"}},
	"gateway/interceptor/headers":            {own: []string{"transcoder", "transcoder/status", "transcoder/wire", "gateway/interceptor"}},
	"gateway/interceptor/recovery":           {own: []string{"transcoder", "transcoder/status"}},
	"gateway/interceptor/redact":             {own: []string{"gateway/expression", "gateway/interceptor", "transcoder", "transcoder/prune", "transcoder/schema", "transcoder/status"}},
	"gateway/interceptor/validate":           {own: []string{"gateway/interceptor", "transcoder", "transcoder/prune", "transcoder/schema", "transcoder/status", "gateway/expression"}, outside: []string{"cel.dev/cel-go"}},
	"gateway/internal/testbackend":           {own: []string{"gen/dragoman/test/v1"}},
	"gateway/local":                          {own: []string{"gateway", "transcoder", "transcoder/schema", "transcoder/status"}},
	"gateway/memory":                         {outside: []string{"github.com/KimMachineGun/automemlimit"}},
	"gateway/systemd":                        {outside: []string{"golang.org/x/sys"}},
	"gateway/switches":                       {own: []string{"gateway/config"}},
	"gateway/telemetry":                      {own: []string{"internal/segments", "transcoder", "transcoder/status", "transcoder/wire"}},
	"gateway/telemetry/metrics":              {own: []string{"gateway/telemetry", "transcoder", "transcoder/status"}, outside: []string{"github.com/prometheus/client_golang"}},
	"gateway/telemetry/otlp":                 {own: []string{"gateway/telemetry", "transcoder", "transcoder/status"}, outside: []string{"github.com/prometheus/client_golang", "go.opentelemetry.io/otel", "go.opentelemetry.io/contrib"}},
	"gateway/telemetry/otlp/otlptest":        {outside: []string{"go.opentelemetry.io/proto"}},
	"gateway/transport":                      {own: []string{"gateway/transport/proxyprotocol", "transcoder", "transcoder/http3", "transcoder/nethttp", "transcoder/http2", "gateway/transport/acme", "transcoder/http1", "transcoder/wire"}, outside: []string{"github.com/fsnotify/fsnotify", "github.com/quic-go/quic-go", "golang.org/x/sys"}},
	"gateway/transport/acme":                 {outside: []string{"github.com/caddyserver/certmagic", "github.com/mholt/acmez"}},
	"gateway/transport/proxyprotocol":        {},
	"gateway/docs":                           {own: []string{"transcoder", "transcoder/compression", "transcoder/openapi", "transcoder/status", "transcoder/wire"}},
	"gateway/explain":                        {own: []string{"gateway/config", "transcoder", "transcoder/bind", "transcoder/codec", "transcoder/httprule", "transcoder/openapi", "transcoder/rest", "transcoder/schema", "transcoder/status", "transcoder/wire"}},
	"gateway/calling":                        {own: []string{"transcoder", "transcoder/codec", "transcoder/httprule", "transcoder/status", "transcoder/wire"}, outside: []string{"connectrpc.com/connect", "github.com/coder/websocket"}},
	"gateway/expression":                     {own: []string{"transcoder", "transcoder/wire"}, outside: []string{"cel.dev/cel-go"}},
	"gateway/interceptor/authz":              {own: []string{"gateway/expression", "gateway/interceptor", "transcoder", "transcoder/status"}},
	"gateway/interceptor/websockets":         {own: []string{"gateway/interceptor", "transcoder", "transcoder/status"}},
	"gateway/interceptor/ratelimit":          {own: []string{"gateway/interceptor", "transcoder", "transcoder/status", "transcoder/wire", "gateway/circuit"}},
	"gateway/interceptor/ratelimit/redis":    {own: []string{"gateway/circuit", "gateway/interceptor/ratelimit", "gateway/redis"}, outside: []string{"github.com/redis/go-redis"}},
	"gateway/circuit":                        {},
	"gateway/redis":                          {own: []string{"gateway/circuit"}, outside: []string{"github.com/redis/go-redis"}},
	"gateway/redis/redistest":                {},
	"gateway/interceptor/cache":              {own: []string{"transcoder", "transcoder/status", "transcoder/wire"}},
	"gateway/interceptor/cache/redis":        {own: []string{"gateway/circuit", "gateway/interceptor/cache", "gateway/redis"}, outside: []string{"github.com/redis/go-redis"}},
	"gateway/interceptor/ratelimit/rls":      {own: []string{"gateway/interceptor/ratelimit", "gateway/circuit"}, outside: []string{"github.com/envoyproxy/go-control-plane"}},
	"gateway/interceptor/auth":               {own: []string{"gateway/interceptor", "transcoder", "transcoder/schema/filewatch", "transcoder/status", "transcoder/wire"}},
	"gateway/interceptor/auth/apikey":        {own: []string{"gateway/interceptor/auth", "transcoder", "transcoder/status"}},
	"gateway/interceptor/auth/basic":         {own: []string{"gateway/interceptor", "gateway/interceptor/auth", "transcoder", "transcoder/status"}},
	"gateway/interceptor/auth/mtls":          {own: []string{"gateway/interceptor/auth", "transcoder", "transcoder/status"}},
	"gateway/interceptor/auth/authtest":      {own: []string{"gateway/interceptor", "gateway/interceptor/auth", "transcoder", "transcoder/status", "transcoder/wire"}},
	"gateway/interceptor/auth/extauthz":      {own: []string{"gateway/interceptor", "gateway/interceptor/auth", "transcoder", "transcoder/status", "transcoder/wire"}, outside: []string{"github.com/envoyproxy/go-control-plane"}},
	"gateway/interceptor/auth/introspection": {own: []string{"gateway/interceptor", "gateway/interceptor/auth", "gateway/interceptor/auth/jwks", "transcoder", "transcoder/status"}},
	"gateway/interceptor/auth/jwks":          {own: []string{"gateway/interceptor/auth"}},
	"gateway/interceptor/auth/jwt":           {own: []string{"gateway/interceptor", "gateway/interceptor/auth", "gateway/interceptor/auth/jwks", "transcoder", "transcoder/status"}},
	"gateway/interceptor/auth/jwt/jwttest":   {},
	"transcoder":                             {own: []string{"internal/buffers", "transcoder/codec", "transcoder/compression", "transcoder/httprule", "transcoder/schema", "transcoder/status", "transcoder/wire"}},
	"transcoder/bind":                        {own: []string{"internal/percent", "transcoder/codec", "transcoder/httprule", "transcoder/status", "transcoder/wire"}},
	"transcoder/codec":                       {},
	"transcoder/handler":                     {own: []string{"transcoder", "transcoder/codec", "transcoder/connect", "transcoder/grpcweb", "transcoder/httprule", "transcoder/native", "transcoder/nethttp", "transcoder/rest", "transcoder/rpc", "transcoder/schema", "transcoder/status", "transcoder/websocket"}},
	"transcoder/compression":                 {own: []string{"internal/buffers", "transcoder/status"}, outside: []string{"github.com/klauspost/compress", "github.com/andybalholm/brotli"}},
	"transcoder/connect":                     {own: []string{"transcoder", "transcoder/codec", "transcoder/compression", "transcoder/httprule", "transcoder/rpc", "transcoder/status", "transcoder/wire"}},
	"transcoder/grpcweb":                     {own: []string{"transcoder", "transcoder/compression", "transcoder/rpc", "transcoder/status", "transcoder/wire"}},
	"transcoder/head":                        {own: []string{"transcoder/wire"}},
	"transcoder/http1":                       {own: []string{"internal/buffers", "transcoder", "transcoder/head", "transcoder/nethttp", "transcoder/wire", "transcoder/worker"}, outside: []string{"golang.org/x/sys"}},
	"transcoder/http2":                       {own: []string{"internal/buffers", "internal/frames", "transcoder", "transcoder/head", "transcoder/wire", "transcoder/worker"}},
	"transcoder/http3":                       {own: []string{"internal/buffers", "transcoder", "transcoder/head", "transcoder/wire"}, outside: []string{"github.com/quic-go/quic-go", "github.com/quic-go/qpack"}},
	"transcoder/httprule":                    {},
	"transcoder/openapi":                     {own: []string{"transcoder", "transcoder/bind", "transcoder/codec", "transcoder/httprule", "transcoder/rest", "transcoder/schema"}, outside: []string{"github.com/grpc-ecosystem/grpc-gateway"}},
	"transcoder/native":                      {own: []string{"transcoder", "transcoder/rpc", "transcoder/status", "transcoder/wire"}},
	"transcoder/nethttp":                     {own: []string{"internal/buffers", "transcoder", "transcoder/wire"}, outside: []string{"github.com/coder/websocket"}},
	"transcoder/prune":                       {},
	"transcoder/protocoltest":                {own: []string{"internal/percent", "transcoder", "transcoder/httprule", "transcoder/schema", "transcoder/status", "transcoder/wire"}},
	"transcoder/rest":                        {own: []string{"transcoder", "transcoder/bind", "transcoder/codec", "transcoder/compression", "transcoder/httprule", "transcoder/status", "transcoder/wire"}},
	"transcoder/rpc":                         {own: []string{"transcoder", "transcoder/codec", "transcoder/compression", "transcoder/status", "transcoder/wire"}},
	"transcoder/schema":                      {own: []string{"transcoder/schema/wellknown"}},
	"transcoder/schema/compare":              {own: []string{"transcoder/schema"}},
	"transcoder/schema/compile":              {own: []string{"transcoder/schema", "transcoder/schema/link", "transcoder/schema/wellknown"}, outside: []string{"github.com/bufbuild/protocompile"}},
	"transcoder/schema/descriptorset":        {own: []string{"transcoder/schema", "transcoder/schema/filewatch", "transcoder/schema/link", "transcoder/schema/wellknown"}},
	"transcoder/schema/filewatch":            {outside: []string{"github.com/fsnotify/fsnotify"}},
	"transcoder/schema/link":                 {own: []string{"transcoder/schema", "transcoder/schema/wellknown"}},
	"transcoder/schema/protofile":            {own: []string{"transcoder/schema", "transcoder/schema/compile", "transcoder/schema/filewatch", "transcoder/schema/link", "transcoder/schema/wellknown"}},
	"transcoder/schema/protosource":          {outside: []string{"github.com/jhump/protoreflect"}},
	"transcoder/schema/upload":               {own: []string{"transcoder/schema", "transcoder/schema/descriptorset", "transcoder/schema/link"}},
	"transcoder/schema/reflection":           {own: []string{"transcoder/schema", "transcoder/schema/link", "transcoder/schema/wellknown"}, outside: []string{"github.com/jhump/protoreflect"}},
	"transcoder/schema/sourcetest":           {own: []string{"transcoder/schema", "transcoder/schema/wellknown"}, outside: []string{"github.com/bufbuild/protocompile"}},
	"transcoder/schema/wellknown":            {},
	"transcoder/serviceconfig":               {own: []string{"transcoder/schema", "transcoder/schema/filewatch"}},
	"transcoder/status":                      {},
	"transcoder/websocket":                   {own: []string{"transcoder", "transcoder/bind", "transcoder/codec", "transcoder/compression", "transcoder/httprule", "transcoder/status", "transcoder/wire"}},
	"transcoder/wire":                        {own: []string{"internal/percent"}},
	"transcoder/worker":                      {},
	"transcoder/codec/internal/benchpb":      {},
	"balancer":                               {own: []string{"internal/frames", "balancer/endpoint", "balancer/engine", "balancer/health", "balancer/outlier", "balancer/picker", "balancer/resolver"}},
	"balancer/endpoint":                      {},
	"balancer/engine":                        {own: []string{"balancer/http2"}},
	"balancer/http2":                         {own: []string{"internal/buffers", "internal/frames", "internal/percent"}, outside: []string{"golang.org/x/sys"}},
	"balancer/health":                        {},
	"balancer/outlier":                       {own: []string{"balancer/picker"}},
	"balancer/picker":                        {own: []string{"balancer/endpoint"}},
	"balancer/picker/processes":              {own: []string{"balancer", "balancer/endpoint", "balancer/outlier", "balancer/picker"}, outside: []string{"google.golang.org/grpc/xds"}},
	"balancer/picker/simulation":             {own: []string{"balancer/endpoint", "balancer/outlier", "balancer/picker"}},
	"balancer/picker/pickertest":             {own: []string{"balancer/endpoint", "balancer/picker"}},
	"balancer/resolver":                      {own: []string{"balancer/endpoint"}, outside: []string{"github.com/fsnotify/fsnotify"}},
	"balancer/resolver/etcd":                 {own: []string{"balancer/endpoint", "balancer/resolver"}, outside: []string{"go.etcd.io/etcd"}},
	"balancer/xds":                           {outside: []string{"google.golang.org/grpc/xds"}},
	"balancer/xds/xdstest":                   {outside: []string{"github.com/envoyproxy/go-control-plane"}},
	"balancer/resolver/resolvertest":         {own: []string{"balancer/endpoint", "balancer/resolver"}},
	"internal/buffers":                       {own: []string{"internal/race"}},
	"internal/certificatetest":               {},
	"internal/faults":                        {},
	"internal/frames":                        {},
	"internal/framestest":                    {own: []string{"internal/frames"}},
	"internal/heapfloor":                     {},
	"internal/percent":                       {},
	"internal/processtest":                   {},
	"internal/race":                          {},
	"internal/segments":                      {},
	"internal/networktest":                   {},
	"proto":                                  {},
}

// row is what one package may import.
type row struct {
	own     []string // packages of this module
	outside []string // modules of which onlySome below says that not everybody may
}

// onlySome are modules that are kept behind one or a few packages.
var onlySome = []string{
	"connectrpc.com/connect", "github.com/quic-go/quic-go", "github.com/quic-go/qpack",
	"github.com/prometheus/client_golang", "go.opentelemetry.io/otel", "go.opentelemetry.io/contrib",
	"go.uber.org/fx", "github.com/spf13/cobra", "github.com/bufbuild/protocompile", "github.com/jhump/protoreflect",
	"github.com/fsnotify/fsnotify", "github.com/grpc-ecosystem/grpc-gateway", "github.com/coder/websocket", "github.com/klauspost/compress", "github.com/andybalholm/brotli",
	"go.etcd.io/etcd", "google.golang.org/grpc/xds", "github.com/redis/go-redis", "cel.dev/cel-go", "github.com/envoyproxy/go-control-plane",
}

// vague are names of packages that say nothing.
var vague = regexp.MustCompile(`^(util|utils|common|helper|helpers|base|types|misc|shared|lib)$`)

func TestImportsFollowTheDirection(t *testing.T) {
	t.Parallel()
	packages := imports(t, "../..")
	for name, imported := range packages {
		if strings.HasPrefix(name, "gen/") {
			continue
		}
		if vague.MatchString(path.Base(name)) {
			t.Errorf("package %s: the name says nothing; name it after what it provides", name)
		}
		r, ok := direction[name]
		if !ok {
			t.Errorf("package %s has no row in the table of directions", name)
			continue
		}
		for _, to := range imported {
			if own, ok := strings.CutPrefix(to, module); ok {
				if !allowed(r.own, own) {
					t.Errorf("%s imports %s; its row does not allow that", name, own)
				}
				continue
			}
			if guarded := guardedBy(to); guarded != "" && !slices.Contains(r.outside, guarded) {
				t.Errorf("%s imports %s; its row does not allow that", name, to)
			}
		}
	}
	for name := range direction {
		if _, ok := packages[name]; !ok {
			t.Errorf("the table of directions has a row for %s, which is no package", name)
		}
	}
}

func allowed(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		folder, all := strings.CutSuffix(p, "/...")
		return name == p || (all && strings.HasPrefix(name, folder+"/"))
	})
}

func guardedBy(imported string) string {
	for _, m := range onlySome {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			return m
		}
	}
	return ""
}

// imports returns what each package of the module imports in files that are not tests.
func imports(t *testing.T, root string) map[string][]string {
	t.Helper()
	packages := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			skip := name == "testdata" || name == "node_modules" || (strings.HasPrefix(name, ".") && name != "." && name != "..")
			if rel, _ := filepath.Rel(root, file); skip || rel == "tools" || rel == "bench" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		packages[pkg] = append(packages[pkg], []string{}...)
		for _, spec := range parsed.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			packages[pkg] = append(packages[pkg], to)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

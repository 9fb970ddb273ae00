// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/jhump/protoreflect/grpcreflect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// The services that the gateway itself answers.
const (
	reflectionService      = "grpc.reflection.v1.ServerReflection"
	reflectionServiceAlpha = "grpc.reflection.v1alpha.ServerReflection"
	healthService          = "grpc.health.v1.Health"
)

// withLocal turns reflection and health on at the listener "main"; another one, "bare", has neither.
func withLocal(c *config.Config) {
	c.Listeners = append(c.Listeners, transport.Config{Name: "bare", Address: "127.0.0.1:0"})
	c.Local = map[string]config.Local{"main": {Reflection: true, Health: true}}
}

// bare is the same gateway by its other listener.
func (d *dragoman) bare() *dragoman {
	other := dragoman{backend: d.backend, address: d.started.Listeners[1].Addr.String(), secure: d.secureOf("bare"), admin: d.admin, started: d.started, log: d.log, access: d.access}
	return &other
}

// reflector is a client of reflection as tools have it.
func reflector(t testing.TB, conn grpc.ClientConnInterface) *grpcreflect.Client {
	t.Helper()
	r := grpcreflect.NewClientAuto(within(t), conn)
	t.Cleanup(r.Reset)
	return r
}

// TestReflection: tools need no files: all that can be called is found, and nothing else (threats A15, H6).
func TestReflection(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		withLocal(c)
		hide("**.AdminService", "dragoman.test.v1.BeyondService", "dragoman.test.v1.BeyondStreamService")(c)
	})
	conn := d.dial(t)
	for name, r := range map[string]*grpcreflect.Client{
		"auto":    reflector(t, conn),
		"v1":      grpcreflect.NewClientV1(within(t), reflectionv1.NewServerReflectionClient(conn)),
		"v1alpha": grpcreflect.NewClientV1Alpha(within(t), reflectionv1alpha.NewServerReflectionClient(conn)),
	} {
		services, err := r.ListServices()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.IsSorted(services) || slices.Contains(services, "dragoman.test.v1.AdminService") {
			t.Errorf("%s: %q", name, services)
		}
		for _, want := range []string{"dragoman.test.v1.EchoService", "dragoman.test.v1.StreamService", reflectionService, reflectionServiceAlpha, healthService} {
			if !slices.Contains(services, want) {
				t.Errorf("%s: %s is not in %q", name, want, services)
			}
		}
		for _, service := range services {
			if sd, err := r.ResolveService(service); err != nil || len(sd.GetMethods()) == 0 {
				t.Errorf("%s: %s: %v, %v", name, service, sd, err)
			}
		}
		// A hidden service is not in the file of its neighbours, either.
		file, err := r.FileContainingSymbol("dragoman.test.v1.EchoService.Converse")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if file.FindService("dragoman.test.v1.AdminService") != nil || file.FindService("dragoman.test.v1.UserService") == nil || len(file.AsFileDescriptorProto().GetSourceCodeInfo().GetLocation()) > 0 {
			t.Errorf("%s: %s has %v", name, file.GetName(), file.GetServices())
		}
		// What is imported and what is extended.
		if m, err := r.ResolveMessage("google.protobuf.Timestamp"); err != nil || m.FindFieldByName("seconds") == nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
		if numbers, err := r.AllExtensionNumbersForType("google.protobuf.MethodOptions"); err != nil || !slices.Contains(numbers, 72295728) {
			t.Errorf("%s: the extensions are %v, %v", name, numbers, err)
		}
		if f, err := r.FileContainingExtension("google.protobuf.MethodOptions", 72295728); err != nil || f.GetName() != "google/api/annotations.proto" {
			t.Errorf("%s: the extension is in %v, %v", name, f, err)
		}
		for symbol, call := range map[string]func(string) error{
			"dragoman.test.v1.AdminService":        func(s string) error { _, err := r.FileContainingSymbol(s); return err },
			"dragoman.test.v1.AdminService.Delete": func(s string) error { _, err := r.FileContainingSymbol(s); return err },
			"dragoman.test.v1.BeyondService":       func(s string) error { _, err := r.FileContainingSymbol(s); return err },
			"dragoman/test/v1/beyond.proto":        func(s string) error { _, err := r.FileByFilename(s); return err },
		} {
			if err := call(symbol); !grpcreflect.IsElementNotFoundError(err) {
				t.Errorf("%s: %s: %v", name, symbol, err)
			}
		}
		r.Reset()
	}
	eventually(t, func() error { // the calls are in the log like all others
		for _, r := range d.access.records(t) {
			if r.Msg == "call" && r.RPC == "ServerReflectionInfo" {
				return nil
			}
		}
		return errors.New("no line tells of reflection")
	})
}

// TestThreatH6_Reflection: what is hidden is told in the same bytes as what is not there; and where a listener has no reflection, so
// is reflection itself.
func TestThreatH6_Reflection(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		withLocal(c)
		hide("**.AdminService")(c)
	})
	ask := func(symbol string) string {
		s, err := reflectionv1.NewServerReflectionClient(d.dial(t)).ServerReflectionInfo(within(t))
		if err != nil {
			t.Fatal(err)
		}
		in := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol}}
		if err := s.Send(in); err != nil {
			t.Fatal(err)
		}
		out, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		out.OriginalRequest = nil
		return out.String()
	}
	if hidden, none := ask("dragoman.test.v1.AdminService"), ask("dragoman.test.v1.NoService"); hidden != none || !strings.Contains(hidden, "error_code:5") {
		t.Errorf("hidden: %s\nunknown: %s", hidden, none)
	}

	// The same bytes, whatever the protocol.
	bare := d.bare()
	for _, c := range bare.both(t) {
		for name, fields := range map[string][]string{
			"grpc": {"content-type", "application/grpc", "te", "trailers"}, "grpc-web": web("application/grpc-web"), "connect": {"content-type", "application/connect+proto"},
			"connect unary": {"content-type", "application/proto"}, "rest": {"content-type", "application/json"},
		} {
			if name == "grpc" && c.name == "HTTP/1.1" {
				continue
			}
			fields = append(fields, "x-request-id", "same")
			answers := map[string]string{}
			for _, path := range []string{"/" + healthService + "/Check", "/" + healthService + "/Chick", "/grpc.health.v2.Health/Check", "/dragoman.test.v1.AdminService/Delete"} {
				a := c.do(t, c.request(t, "POST", path, string(frame{}.bytes()), fields...))
				a.header.Del("Date")
				text := strings.ReplaceAll(a.body, path, "PATH")
				answers[path] = strings.Join([]string{a.trailer.Get("Grpc-Status"), a.header.Get("Grpc-Status"), a.header.Get("Grpc-Message"), text}, "|")
			}
			for path, got := range answers {
				if want := answers["/grpc.health.v2.Health/Check"]; got != want {
					t.Errorf("%s, %s: %s: %q; want %q", c.name, name, path, got, want)
				}
			}
		}
	}
	if services, err := reflector(t, bare.dial(t)).ListServices(); status.Code(err) != codes.Unimplemented {
		t.Errorf("by the listener without reflection: %q, %v", services, err)
	}
}

// TestReflectionFollowsReloads: a stream goes on, and each of its requests is answered by what is in force.
func TestReflectionFollowsReloads(t *testing.T) {
	t.Parallel()
	folder, files := newTree(t)
	d := start(t, func(c *config.Config) {
		withLocal(c)
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
	})
	s, err := reflectionv1.NewServerReflectionClient(d.dial(t)).ServerReflectionInfo(within(t))
	if err != nil {
		t.Fatal(err)
	}
	files1 := askFiles(t, s, "dragoman.test.v1.EchoService")
	if again := askFiles(t, s, "dragoman.test.v1.EchoService"); len(again) != 1 || len(files1) < 3 {
		t.Errorf("%d files, and then %d; want what it needs, and then the file alone", len(files1), len(again))
	}
	text, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	files.write(t, strings.Replace(string(text), "service EchoService {", "service NewService {\n  rpc Fresh(CanaryRequest) returns (CanaryResponse);\n}\n\nservice EchoService {", 1))
	if e := d.reloaded(t, d.started.Load.Snapshot); e.Err != nil {
		t.Fatal(e.Err)
	}
	// All files come again: they may be others now.
	after := askFiles(t, s, "dragoman.test.v1.NewService.Fresh")
	if len(after) != len(files1) {
		t.Errorf("%d files, and %d after the reload", len(files1), len(after))
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// askFiles asks for the files of a symbol, and links them.
func askFiles(t testing.TB, s reflectionv1.ServerReflection_ServerReflectionInfoClient, symbol string) []*descriptorpb.FileDescriptorProto {
	t.Helper()
	in := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol}}
	if err := s.Send(in); err != nil {
		t.Fatal(err)
	}
	out, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, data := range out.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(data, f); err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, f)
	}
	if len(set.GetFile()) == 0 {
		t.Fatalf("%s: %v", symbol, out)
	}
	if len(set.GetFile()) > 1 {
		if _, err := protodesc.NewFiles(set); err != nil {
			t.Errorf("%s: the files do not fit together: %v", symbol, err)
		}
	}
	return set.GetFile()
}

// TestReflectionByEveryProtocol: reflection is a method like all others (T180).
func TestReflectionByEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, withLocal)
	in := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
	for _, service := range []string{reflectionService, reflectionServiceAlpha} {
		path := "/" + service + "/ServerReflectionInfo"
		for name, options := range map[string][]connect.ClientOption{
			"connect": nil, "connect, json": {connect.WithProtoJSON()}, "grpc-web": {connect.WithGRPCWeb()}, "grpc": {connect.WithGRPC()}, "grpc, gzip": {connect.WithGRPC(), connect.WithSendGzip()},
		} {
			s := connect.NewClient[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse](d.h2(t).http, "http://"+d.address+path, options...).CallBidiStream(within(t))
			if err := s.Send(in); err != nil {
				t.Fatal(err)
			}
			out, err := s.Receive()
			if err != nil || len(out.GetListServicesResponse().GetService()) < 5 {
				t.Errorf("%s: %s: %v, %v", service, name, out, err)
			}
			if err := errors.Join(s.CloseRequest(), s.CloseResponse()); err != nil {
				t.Errorf("%s: %s: %v", service, name, err)
			}
		}
		k := d.connect(t, path, nil)
		k.send(`{"listServices":""}`)
		if text := k.next(1); !strings.Contains(text, "dragoman.test.v1.EchoService") {
			t.Errorf("%s: by WebSocket: %s", service, text)
		}
	}
	// Limits hold (T196).
	big := connect.NewClient[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse](d.h2(t).http, "http://"+d.address+"/"+reflectionService+"/ServerReflectionInfo").CallBidiStream(within(t))
	_ = big.Send(&reflectionv1.ServerReflectionRequest{Host: strings.Repeat("x", 5<<20)})
	if _, err := big.Receive(); connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("a request of 5 MiB: %v", err)
	}
	if err := big.CloseResponse(); err != nil {
		t.Error(err)
	}
	if a := d.h2(t).do(t, d.h2(t).request(t, "POST", "/"+reflectionService+"/ServerReflectionInfo", string(frame{0, "\xff"}.bytes()), "content-type", "application/grpc", "te", "trailers")); a.trailer.Get("Grpc-Status")+a.header.Get("Grpc-Status") != "3" {
		t.Errorf("rubbish: %+v", a)
	}
}

// TestPoliciesHoldForReflection: what is answered without a backend is held to the same as all else (T145, T146, T174).
func TestPoliciesHoldForReflection(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, d *dragoman, ctx context.Context) func() error {
		t.Helper()
		s, err := reflectionv1.NewServerReflectionClient(d.dial(t)).ServerReflectionInfo(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
		return func() error {
			_, err := s.Recv()
			return err
		}
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *config.Config) {
			withLocal(c)
			c.Defaults.Deadline.StreamIdle = 100 * time.Millisecond
		})
		if err := begin(t, d, within(t))(); status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "no message moved for 100ms") {
			t.Error(err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *config.Config) {
			withLocal(c)
			c.Defaults.Deadline.Timeout, c.Defaults.Deadline.MaxTimeout = time.Second, time.Second
		})
		from := time.Now()
		if err := begin(t, d, within(t))(); status.Code(err) != codes.DeadlineExceeded || time.Since(from) > patience/2 {
			t.Errorf("after %s: %v", time.Since(from), err)
		}
	})
	t.Run("draining", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *config.Config) {
			withLocal(c)
			c.Shutdown.Drain = 50 * time.Millisecond
		})
		next := begin(t, d, within(t))
		if err := d.stopsBadly(t, patience); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := next(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "shutting down") {
			t.Error(err)
		}
	})
	t.Run("the client goes", func(t *testing.T) {
		t.Parallel()
		d := start(t, withLocal)
		ctx, cancel := context.WithCancel(within(t))
		next := begin(t, d, metadata.AppendToOutgoingContext(ctx, "x-request-id", "goes"))
		cancel()
		if err := next(); status.Code(err) != codes.Canceled {
			t.Error(err)
		}
		if r := d.access.await(t, "goes"); r.Status != 499 || r.Reason != "client_cancelled" { // T177
			t.Errorf("the log has %+v", r)
		}
	})
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// administer connects to the admin API until the test ends.
func (d *dragoman) administer(t testing.TB) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(d.admin, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// adminJSON asks the admin API over REST or Connect, and reads the answer.
func (d *dragoman) adminJSON(t testing.TB, method, target, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), method, "http://"+d.admin+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("%s %s: %d %s", method, target, answer.StatusCode, data)
	}
	return answer.StatusCode, m
}

// The admin API is the same over gRPC, REST and Connect: the gateway's own transcoder serves it.
func TestAdminAPIInEveryProtocol(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	status, err := adminv1.NewStatusServiceClient(g.administer(t)).GetStatus(within(t), &adminv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !status.GetReady() || status.GetTotals().GetBackends() != 2 || status.GetTotals().GetMethods() < 10 || status.GetConfigFile() != g.file || status.GetVersion() != "test" ||
		len(status.GetListeners()) == 0 || status.GetListeners()[0].GetAddress() != g.address || status.GetLastReload().GetTrigger() != adminv1.Trigger_TRIGGER_START {
		t.Errorf("gRPC: %v", status)
	}
	for _, row := range []struct{ method, target, body string }{
		{"GET", "/api/v1/status", ""},
		{"POST", "/dragoman.admin.v1.StatusService/GetStatus", "{}"},
	} {
		code, m := g.adminJSON(t, row.method, row.target, row.body)
		if code != http.StatusOK || m["ready"] != true || m["version"] != "test" {
			t.Errorf("%s: %d %v", row.target, code, m)
		}
	}
	if code, m := g.adminJSON(t, "GET", "/api/v1/nothing", ""); code != http.StatusNotFound {
		t.Errorf("an unknown path: %d %v", code, m)
	}
	if code, m := g.adminJSON(t, "GET", "/api/v1/reload", ""); code != http.StatusMethodNotAllowed {
		t.Errorf("a reload by GET (threat I2): %d %v", code, m)
	}
}

// Threat I4: nothing of the operators' is on a listener for calls.
func TestThreatI4_NothingOfTheOperatorsIsPublic(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		for _, target := range []string{"/debug/pprof/", "/metrics", "/livez", "/readyz", "/backends", "/api/v1/status", "/api/v1/reload", "/events", "/dragoman.admin.v1.StatusService/GetStatus"} {
			if a := c.call(t, "GET", target, ""); a.status != http.StatusNotFound {
				t.Errorf("%s %s: %d %s", c.name, target, a.status, a.body)
			}
		}
	}
	if err := d.dial(t).Invoke(within(t), adminv1.StatusService_GetStatus_FullMethodName, &adminv1.GetStatusRequest{}, &adminv1.GetStatusResponse{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("over gRPC: %v", err)
	}
}

// What the admin API tells of routes, schemas and the configuration is what is in force, with its origin.
func TestAdminTellsWhatIsInForce(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	conn := g.administer(t)
	ctx := within(t)
	routes, err := adminv1.NewRouteServiceClient(conn).ListRoutes(ctx, &adminv1.ListRoutesRequest{Match: "/canary/v1/echo", Policies: true})
	if err != nil || len(routes.GetRoutes()) == 0 {
		t.Fatalf("%v, %v", routes, err)
	}
	r := routes.GetRoutes()[0]
	if !strings.HasSuffix(r.GetMethod(), "EchoService/Echo") || len(r.GetBackends()) != 1 || r.GetBackends()[0] != "b1" || r.GetTimeout().AsDuration().Seconds() != 15 ||
		!strings.HasSuffix(r.GetDeclared().GetFile(), "canary.proto") || r.GetDeclared().GetLine() == 0 {
		t.Errorf("the route: %v", r)
	}
	origins := map[string]string{}
	for _, v := range r.GetPolicy() {
		origins[v.GetName()] = v.GetValue() + " by " + v.GetOrigin()
	}
	if origins["timeout"] != "15s by services[0].policy.timeout" || origins["max_timeout"] != "5m by " {
		t.Errorf("the policy: %v", origins)
	}

	schemas := adminv1.NewSchemaServiceClient(conn)
	sources, err := schemas.ListSources(ctx, &adminv1.ListSourcesRequest{})
	if err != nil || len(sources.GetSources()) != 1 || !sources.GetSources()[0].GetOk() || sources.GetSources()[0].GetKind() != "protos" || sources.GetSources()[0].GetMethods() < 10 {
		t.Errorf("the sources: %v, %v", sources, err)
	}
	services, err := schemas.ListServices(ctx, &adminv1.ListServicesRequest{Match: "EchoService/Echo"})
	if err != nil || len(services.GetServices()) != 1 || len(services.GetServices()[0].GetMethods()) != 1 || services.GetServices()[0].GetMethods()[0].GetComment() == "" ||
		len(services.GetServices()[0].GetMethods()[0].GetRoutes()) == 0 {
		t.Errorf("the services: %v, %v", services, err)
	}
	described, err := schemas.GetType(ctx, &adminv1.GetTypeRequest{Name: services.GetServices()[0].GetMethods()[0].GetResponseType()})
	if err != nil || len(described.GetMessages()) < 2 || described.GetMessages()[0].GetName() != "dragoman.test.v1.CanaryResponse" {
		t.Errorf("the type: %v, %v", described, err)
	}
	if _, err := schemas.GetType(ctx, &adminv1.GetTypeRequest{Name: "no.Such"}); status.Code(err) != codes.NotFound {
		t.Errorf("a type that is not there: %v", err)
	}
	body, err := schemas.DownloadDescriptors(ctx, &adminv1.DownloadDescriptorsRequest{})
	set := &descriptorpb.FileDescriptorSet{}
	if err != nil || proto.Unmarshal(body.GetData(), set) != nil || len(set.GetFile()) < 5 {
		t.Fatalf("the descriptors: %v, %d files", err, len(set.GetFile()))
	}
	same, err := schemas.CompareSchemas(ctx, &adminv1.CompareSchemasRequest{DescriptorSet: body.GetData()})
	if err != nil || len(same.GetChanges()) > 0 {
		t.Errorf("what is in force differs from itself: %v, %v", same, err)
	}

	configs := adminv1.NewConfigServiceClient(conn)
	cfg, err := configs.GetConfig(ctx, &adminv1.GetConfigRequest{})
	if err != nil || cfg.GetPending() {
		t.Fatalf("%v, %v", cfg, err)
	}
	found := map[string]*adminv1.Setting{}
	for _, s := range cfg.GetSettings() {
		found[s.GetPath()] = s
	}
	if s := found["services[0].policy.timeout"]; s.GetValue() != "15s" || s.GetOrigin() != adminv1.SettingOrigin_SETTING_ORIGIN_FILE || s.GetPosition().GetLine() == 0 {
		t.Errorf("a setting of the file: %v", s)
	}
	if s := found["schemas.on_conflict"]; s.GetValue() != "reject" || s.GetOrigin() != adminv1.SettingOrigin_SETTING_ORIGIN_DEFAULT {
		t.Errorf("a default: %v", s)
	}
	if again, err := config.Parse("again.yaml", []byte(cfg.GetYaml()), config.Options{}); err != nil || len(config.Changes(g.started.Config(), again)) > 0 {
		t.Errorf("the YAML is not the configuration in force: %v\n%s", err, cfg.GetYaml())
	}
	diff, err := configs.DiffConfig(ctx, &adminv1.DiffConfigRequest{Yaml: g.with("b2", "15s", "")})
	if err != nil || len(diff.GetChanges()) != 1 || diff.GetChanges()[0].GetPath() != "services[0].backend" {
		t.Errorf("the difference: %v, %v", diff, err)
	}
	valid, err := configs.ValidateConfig(ctx, &adminv1.ValidateConfigRequest{Yaml: g.with("b3", "15s", "")})
	if err != nil || valid.GetValid() || len(valid.GetProblems()) != 1 {
		t.Errorf("the check: %v, %v", valid, err)
	}
}

// Endpoints are taken out of service and back by the admin API.
func TestAdminDrainsAndWeighs(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	backends := adminv1.NewBackendServiceClient(d.administer(t))
	ctx := within(t)
	address := d.backend.Address()
	eventually(t, func() error {
		if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status != http.StatusOK {
			return errors.New(a.body)
		}
		return nil
	})
	drained, err := backends.DrainEndpoint(ctx, &adminv1.DrainEndpointRequest{Backend: "test", Address: address})
	if err != nil || drained.GetBackend().GetEndpoints()[0].GetState() != adminv1.EndpointState_ENDPOINT_STATE_DRAINING {
		t.Fatalf("%v, %v", drained, err)
	}
	if a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "Grpc-Timeout", "200m"); a.status == http.StatusOK {
		t.Error("an endpoint that is drained was called")
	}
	if _, err := backends.UndrainEndpoint(ctx, &adminv1.UndrainEndpointRequest{Backend: "test", Address: address}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status != http.StatusOK {
			return errors.New(a.body)
		}
		return nil
	})
	weighed, err := backends.SetEndpointWeight(ctx, &adminv1.SetEndpointWeightRequest{Backend: "test", Address: address, Weight: 7})
	if err != nil || weighed.GetBackend().GetEndpoints()[0].GetWeight() != 7 {
		t.Errorf("%v, %v", weighed, err)
	}
	for name, call := range map[string]error{
		"no such backend":  second(backends.DrainEndpoint(ctx, &adminv1.DrainEndpointRequest{Backend: "none", Address: address})),
		"no such endpoint": second(backends.DrainEndpoint(ctx, &adminv1.DrainEndpointRequest{Backend: "test", Address: "127.0.0.1:1"})),
		"no such name":     second(backends.GetBackend(ctx, &adminv1.GetBackendRequest{Name: "none"})),
	} {
		if status.Code(call) != codes.NotFound {
			t.Errorf("%s: %v", name, call)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A reload by the admin API says what it did, or all that is wrong; one that is only tried does nothing.
func TestAdminReloads(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	reloads := adminv1.NewReloadServiceClient(g.administer(t))
	ctx := within(t)
	answer, err := reloads.Reload(ctx, &adminv1.ReloadRequest{})
	if err != nil || answer.GetReload().GetResult() != adminv1.ReloadResult_RELOAD_RESULT_UNCHANGED && answer.GetReload().GetResult() != adminv1.ReloadResult_RELOAD_RESULT_APPLIED {
		t.Fatalf("%v, %v", answer, err)
	}
	if r := answer.GetReload(); r.GetTrigger() != adminv1.Trigger_TRIGGER_ADMIN || r.GetWho() != "127.0.0.1" || len(r.GetChanges()) > 0 {
		t.Errorf("the reload: %v", r)
	}
	g.write(g.with("b3", "1", ""))
	answer, err = reloads.Reload(ctx, &adminv1.ReloadRequest{})
	if r := answer.GetReload(); err != nil || r.GetResult() != adminv1.ReloadResult_RELOAD_RESULT_REFUSED || len(r.GetProblems()) != 2 || r.GetProblems()[0].GetSpans()[0].GetPosition().GetLine() == 0 {
		t.Errorf("two mistakes: %v, %v", r, err)
	}
	listed, err := reloads.ListReloads(ctx, &adminv1.ListReloadsRequest{Limit: 2})
	if err != nil || len(listed.GetReloads()) != 2 || listed.GetReloads()[0].GetResult() != adminv1.ReloadResult_RELOAD_RESULT_REFUSED {
		t.Errorf("the history: %v, %v", listed, err)
	}
}

// A read-only admin API reads.
func TestAdminReadOnly(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Admin.ReadOnly = true })
	conn := d.administer(t)
	ctx := within(t)
	if s, err := adminv1.NewStatusServiceClient(conn).GetStatus(ctx, &adminv1.GetStatusRequest{}); err != nil || !s.GetReadOnly() {
		t.Errorf("%v, %v", s, err)
	}
	for name, err := range map[string]error{
		"reload": second(adminv1.NewReloadServiceClient(conn).Reload(ctx, &adminv1.ReloadRequest{})),
		"drain":  second(adminv1.NewBackendServiceClient(conn).DrainEndpoint(ctx, &adminv1.DrainEndpointRequest{Backend: "test", Address: d.backend.Address()})),
		"level":  second(adminv1.NewLogServiceClient(conn).SetLogLevel(ctx, &adminv1.SetLogLevelRequest{Level: "debug"})),
	} {
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v; want PERMISSION_DENIED", name, err)
		}
	}
}

// Everything that happens comes over one stream of server-sent events.
func TestAdminEvents(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.admin+"/events?topics=TOPIC_RELOADS&topics=TOPIC_BACKENDS", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	seen := func(part string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", part, lines.Err())
	}
	seen(`"backends":{"backends":[{"name":"b1"`)
	g.write(g.with("b2", "15s", ""))
	seen(`"services[0].backend","before":"b1","after":"b2"`)
}

// APIs are switched off and on, and their calls sent elsewhere, without a restart; what is under way goes on.
func TestAdminSwitchesAPIs(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	c := g.h1(t)
	board := adminv1.NewSwitchServiceClient(g.administer(t))
	ctx := within(t)
	const echo = "dragoman.test.v1.EchoService"
	stream, err := testv1.NewEchoServiceClient(g.dial(t)).Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	converse := func() {
		t.Helper()
		if err := stream.Send(&testv1.CanaryRequest{Id: "1"}); err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); err != nil || m.GetSeen().GetBackend() != "b1" {
			t.Fatalf("the stream from before: %v, %v", m, err)
		}
	}
	converse()
	set, err := board.SetSwitch(ctx, &adminv1.SetSwitchRequest{Match: echo, Backend: "b2", Note: "b1 is moved"})
	if err != nil || set.GetReload().GetResult() != adminv1.ReloadResult_RELOAD_RESULT_APPLIED || set.GetSwitch().GetMethods() == 0 || len(set.GetReload().GetRoutesChanged()) == 0 {
		t.Fatalf("%v, %v", set, err)
	}
	if name, err := served(ctx, c); name != "b2" || err != nil {
		t.Errorf("calls go to %q, %v; want b2", name, err)
	}
	converse()
	if _, err := board.SetSwitch(ctx, &adminv1.SetSwitchRequest{Match: echo + "/Echo", Off: true, Note: "back at noon"}); err != nil {
		t.Fatal(err)
	}
	a := c.call(t, "GET", "/canary/v1/echo", "")
	if a.status != http.StatusServiceUnavailable || a.header.Get("X-Dragoman-Reason") != "switched_off" || !strings.Contains(a.body, "back at noon") {
		t.Errorf("a method that is off: %d %v %s", a.status, a.header, a.body)
	}
	routes, err := adminv1.NewRouteServiceClient(g.administer(t)).ListRoutes(ctx, &adminv1.ListRoutesRequest{Match: "/canary/v1/echo"})
	var calls int64
	for _, r := range routes.GetRoutes() {
		calls += r.GetStats().GetCalls()
		if !r.GetSwitchedOff() {
			t.Errorf("the route %s %s is not told to be off", r.GetVerb(), r.GetPath())
		}
	}
	if err != nil || calls == 0 {
		t.Errorf("its routes: %v, %v", routes, err)
	}
	g.write(g.with("b1", "9s", "")) // a reload of the configuration changes nothing of that
	eventually(t, func() error {
		select {
		case e := <-g.reloads:
			if e.Trigger == reload.ConfigFile {
				return e.Err
			}
		default:
		}
		return errors.New("the file was not read")
	})
	if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("after a reload: %d %s", a.status, a.body)
	}
	for _, match := range []string{echo + "/Echo", echo} {
		if _, err := board.DeleteSwitch(ctx, &adminv1.DeleteSwitchRequest{Match: match}); err != nil {
			t.Fatal(err)
		}
	}
	if name, err := served(ctx, c); name != "b1" || err != nil {
		t.Errorf("calls go to %q, %v; want b1", name, err)
	}
	for name, row := range map[string]struct {
		err  error
		want codes.Code
	}{
		"a backend that is not there": {second(board.SetSwitch(ctx, &adminv1.SetSwitchRequest{Match: echo, Backend: "b9"})), codes.InvalidArgument},
		"nothing":                     {second(board.SetSwitch(ctx, &adminv1.SetSwitchRequest{Match: echo})), codes.InvalidArgument},
		"one that is not there":       {second(board.DeleteSwitch(ctx, &adminv1.DeleteSwitchRequest{Match: echo})), codes.NotFound},
	} {
		if status.Code(row.err) != row.want {
			t.Errorf("%s: %v; want %s", name, row.err, row.want)
		}
	}
}

// Single calls are told as they end and afterwards, with what became of them.
func TestAdminTellsOfCalls(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	traffic := adminv1.NewTrafficServiceClient(d.administer(t))
	ctx := within(t)
	tail, err := traffic.TailCalls(ctx, &adminv1.TailCallsRequest{Filter: &adminv1.CallFilter{Codes: []string{"NOT_FOUND", "UNIMPLEMENTED"}}, Details: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if d.started.Feed.Subscribers() == 0 {
			return errors.New("nobody follows the calls")
		}
		return nil
	})
	c := d.h1(t)
	if a := c.call(t, "GET", "/canary/v1/echo?text=x", ""); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	c.call(t, "GET", "/nowhere", "")
	told, err := tail.Recv()
	if err != nil || told.GetCall().GetPath() != "/nowhere" || told.GetCall().GetReason() != "no_route" || told.GetCall().GetHttpStatus() != http.StatusNotFound {
		t.Fatalf("%v, %v", told, err)
	}
	list, err := traffic.ListCalls(ctx, &adminv1.ListCallsRequest{Filter: &adminv1.CallFilter{Route: "*EchoService/Echo*"}})
	if err != nil || len(list.GetCalls()) != 1 || list.GetCalls()[0].GetBackend() != "test" || list.GetCalls()[0].GetCode() != "OK" {
		t.Fatalf("%v, %v", list, err)
	}
	// Patterns are those of settings, and one that is too long is refused.
	for pattern, want := range map[string]int{"dragoman.test.v1.EchoService": 1, "dragoman.*.v1.EchoService": 1, "dragoman.**": 1, "/canary/*/echo": 1, "dragoman.*": 0} {
		list, err := traffic.ListCalls(ctx, &adminv1.ListCallsRequest{Filter: &adminv1.CallFilter{Route: pattern}})
		if err != nil || len(list.GetCalls()) != want {
			t.Errorf("%s: %d calls, %v; want %d", pattern, len(list.GetCalls()), err, want)
		}
	}
	if _, err := traffic.ListCalls(ctx, &adminv1.ListCallsRequest{Filter: &adminv1.CallFilter{Route: strings.Repeat("*", 1024)}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a pattern of 1024 letters: %v", err)
	}
	call, err := traffic.GetCall(ctx, &adminv1.GetCallRequest{Id: list.GetCalls()[0].GetId()})
	if err != nil || len(call.GetCall().GetTimeline()) < 3 || call.GetCall().GetTimeline()[0].GetName() != "match" {
		t.Errorf("%v, %v", call, err)
	}
	if _, err := traffic.ReplayCall(ctx, &adminv1.ReplayCallRequest{Id: list.GetCalls()[0].GetId()}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a replay of what was not captured: %v", err)
	}
	if _, err := traffic.GetCall(ctx, &adminv1.GetCallRequest{Id: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("a call that is not kept: %v", err)
	}
	if _, err := traffic.ListCalls(ctx, &adminv1.ListCallsRequest{Filter: &adminv1.CallFilter{Codes: []string{"FINE"}}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a code that is none: %v", err)
	}
	// Calls of the admin API are none of them.
	all, err := traffic.ListCalls(ctx, &adminv1.ListCallsRequest{})
	if err != nil || len(all.GetCalls()) != 2 {
		t.Errorf("%d calls, %v; want the two that clients made", len(all.GetCalls()), err)
	}
	eventually(t, func() error {
		series, err := adminv1.NewMetricServiceClient(d.administer(t)).GetSeries(ctx, &adminv1.GetSeriesRequest{})
		if err != nil {
			return err
		}
		var calls int64
		for _, p := range series.GetPoints() {
			calls += p.GetCalls()
		}
		if calls != 2 {
			return errors.New("the series does not have the two calls")
		}
		return nil
	})
}

// Threat H8: a source of endpoints that gives the address of the admin listener leads no call there.
func TestThreatH8_SourcesCannotNameTheAdminListener(t *testing.T) {
	t.Parallel()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	file := filepath.Join(t.TempDir(), "endpoints.yaml")
	list := func(address string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte("[\""+address+"\"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	list(b.Address())
	d := startFor(t, b.Address(), func(c *config.Config) { c.Backends = []backend.Config{{Name: "test", File: file}} })
	c := d.h1(t)
	eventually(t, func() error {
		if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != http.StatusOK {
			return errors.New(a.body)
		}
		return nil
	})
	list(d.admin)
	eventually(t, func() error {
		for _, e := range d.started.Overviews()[0].Endpoints {
			if e.Address == d.admin && strings.Contains(e.Error, "the address is the gateway's own") {
				return nil
			}
		}
		return fmt.Errorf("%+v", d.started.Overviews()[0].Endpoints)
	})
	if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != http.StatusServiceUnavailable || strings.Contains(a.body, d.admin) {
		t.Errorf("%d %s; want that there is no endpoint", a.status, a.body)
	}
}

// TestStatusTellsOfDeadBackends: the status says what of the API does not work while a backend has no endpoint, why, and when that is tried again.
func TestStatusTellsOfDeadBackends(t *testing.T) {
	t.Parallel()
	dead, err := endpoint.New(endpoint.Spec{Addresses: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	admins, err := config.ParseGlob("dragoman.test.v1.AdminService")
	if err != nil {
		t.Fatal(err)
	}
	d := start(t, func(cfg *config.Config) {
		cfg.Backends = append(cfg.Backends, backend.Config{Name: "dead", Endpoints: []endpoint.Endpoint{dead}})
		cfg.Services = append([]config.Service{{Match: admins, Backend: "dead"}}, cfg.Services...)
	})
	if a := d.h1(t).call(t, "DELETE", "/canary/v1/admin/7", ""); a.status != http.StatusServiceUnavailable {
		t.Fatalf("a call to nobody is answered %d %s", a.status, a.body)
	}
	client := adminv1.NewStatusServiceClient(d.administer(t))
	eventually(t, func() error {
		status, err := client.GetStatus(within(t), &adminv1.GetStatusRequest{})
		if err != nil {
			return err
		}
		var told []*adminv1.Diagnostic
		for _, w := range status.GetWarnings() {
			if w.GetCode() == "DG2101" {
				told = append(told, w)
			}
		}
		if len(told) != 1 {
			return fmt.Errorf("%d warnings of backends: %v", len(told), told)
		}
		want := fmt.Sprintf("backend %q has no ready endpoint; 2 of %d routes answer 503", "dead", status.GetTotals().GetRoutes())
		if got := told[0].GetMessage(); got != want {
			return fmt.Errorf("%q; want %q", got, want)
		}
		if notes := strings.Join(told[0].GetNotes(), "\n"); !regexp.MustCompile(`^127\.0\.0\.1:1  connection refused, (1 try|\d+ tries), next in [\d.]+m?s$`).MatchString(notes) {
			return fmt.Errorf("of the endpoint is told %q", notes)
		}
		if help := told[0].GetHelp(); len(help) != 1 || help[0] != "dragoman backends dead    dragoman check --online" {
			return fmt.Errorf("the help is %q", help)
		}
		return nil
	})
}

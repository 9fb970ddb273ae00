// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
	policyv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/policy/v1"
)

// These tests are inside because the schema's messages are.

// An option is read as a policy of the configuration, so its fields are the same ones under the same numbers.
func TestOptionsAreOfThePoliciesFields(t *testing.T) {
	t.Parallel()
	var compare func(option, policy protoreflect.MessageDescriptor)
	compare = func(option, policy protoreflect.MessageDescriptor) {
		for i := range option.Fields().Len() {
			f := option.Fields().Get(i)
			if (f.Name() == "authorization" || f.Name() == "limits") && policy.Fields().ByNumber(f.Number()) == nil && policy.Fields().ByName(f.Name()) == nil {
				continue // which policies of the configuration do not have
			}
			other := policy.Fields().ByName(f.Name())
			if other == nil || other.Number() != f.Number() || other.Kind() != f.Kind() || other.IsList() != f.IsList() || other.HasPresence() != f.HasPresence() {
				t.Errorf("%s is not as the field of %s: %v", f.FullName(), policy.FullName(), other)
				continue
			}
			if f.Message() != nil && f.Message().FullName() != durationName {
				compare(f.Message(), other.Message())
			}
		}
	}
	compare((&policyv1.Policy{}).ProtoReflect().Descriptor(), (&configv1.Policy{}).ProtoReflect().Descriptor())
	compare((&policyv1.Limit{}).ProtoReflect().Descriptor(), (&configv1.LimitRule{}).ProtoReflect().Descriptor())
	compare((&policyv1.Authorization{}).ProtoReflect().Descriptor(), (&configv1.AuthorizationRule{}).ProtoReflect().Descriptor())
	for written, of := range map[string]protoreflect.ExtensionType{MethodOption: policyv1.E_Method, ServiceOption: policyv1.E_Service} {
		if want := "(" + string(of.TypeDescriptor().FullName()) + ")"; written != want {
			t.Errorf("an option is written %s; want %s", written, want)
		}
	}
	if n := policyv1.E_Method.TypeDescriptor().Number(); n != OptionNumber || policyv1.E_Service.TypeDescriptor().Number() != n {
		t.Errorf("the options have the number %d; want %d", n, OptionNumber)
	}
}

// described is a method with an option, and its service with one.
func described(t testing.TB, service, method *policyv1.Policy) protoreflect.MethodDescriptor {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("a.proto"), Package: proto.String("acme"), Syntax: proto.String("proto3"), MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Get"), InputType: proto.String(".acme.M"), OutputType: proto.String(".acme.M"),
		}}}},
	}
	if service != nil {
		file.Service[0].Options = &descriptorpb.ServiceOptions{}
		proto.SetExtension(file.GetService()[0].GetOptions(), policyv1.E_Service, service)
	}
	if method != nil {
		file.Service[0].Method[0].Options = &descriptorpb.MethodOptions{}
		proto.SetExtension(file.GetService()[0].GetMethod()[0].GetOptions(), policyv1.E_Method, method)
	}
	made, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return made.Services().Get(0).Methods().Get(0)
}

// The more specific place counts, and of two that are equally specific the configuration.
func TestWhichPlaceCounts(t *testing.T) {
	t.Parallel()
	seconds := func(n int64) Policy {
		return Policy{Deadline: deadline.Config{Timeout: time.Duration(n) * time.Second}}
	}
	option := func(n int64) *policyv1.Policy { return &policyv1.Policy{Timeout: &durationpb.Duration{Seconds: n}} }
	for _, row := range []struct {
		name            string
		cfg             Config
		service, method *policyv1.Policy
		want            time.Duration
		origin          Origin
	}{
		{"nothing", Config{}, nil, nil, deadline.DefaultTimeout, BuiltIn},
		{"defaults", Config{Defaults: seconds(1)}, nil, nil, time.Second, "defaults.timeout"},
		{"the option of the service over defaults", Config{Defaults: seconds(1)}, option(2), nil, 2 * time.Second, "(dragoman.policy.v1.service).timeout"},
		{"the service in the configuration over its option", Config{Services: []Service{{Match: AllServices(), Policy: seconds(3)}}}, option(2), nil, 3 * time.Second, "services[0].policy.timeout"},
		{"the option of the method over all services", Config{Services: []Service{{Match: AllServices(), Policy: seconds(3)}}}, option(2), option(4), 4 * time.Second, "(dragoman.policy.v1.method).timeout"},
		{
			"the method in the configuration over all",
			Config{Services: []Service{{Match: AllServices(), Policy: seconds(3), Methods: []Method{{Name: "Get", Policy: seconds(5)}}}}},
			option(2), option(4), 5 * time.Second, "services[0].methods[0].policy.timeout",
		},
	} {
		m := described(t, row.service, row.method)
		ofService, problems := row.cfg.Option(m.Parent())
		ofMethod, more := row.cfg.Option(m)
		if len(problems)+len(more) > 0 {
			t.Fatalf("%s: %v, %v", row.name, problems, more)
		}
		at, own := -1, -1
		if i, ok := row.cfg.ServiceFor("acme.S"); ok {
			at, own = i, row.cfg.Services[i].Method("Get")
		}
		got, origins := row.cfg.PolicyWith(at, own, ofService, ofMethod)
		if got.Deadline.Timeout != row.want || origins["timeout"] != row.origin {
			t.Errorf("%s: %s by %q; want %s by %q", row.name, got.Deadline.Timeout, origins["timeout"], row.want, row.origin)
		}
		if inSchema := strings.HasPrefix(string(row.origin), "("); origins["timeout"].InSchema() != inSchema {
			t.Errorf("%s: it is in the schema: %t", row.name, !inSchema)
		}
	}
}

// What cannot work in an option is told with the field, as in the configuration.
func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	cfg := Config{Auth: Auth{Providers: []AuthProvider{{Name: "mobile"}}}}
	unknown := &policyv1.Policy{}
	unknown.ProtoReflect().SetUnknown([]byte{0xf8, 0x07, 1}) // field 127
	for _, row := range []struct {
		name   string
		option *policyv1.Policy
		want   string
	}{
		{"fine", &policyv1.Policy{Auth: []string{"mobile", "none"}, Retry: &policyv1.Retry{Attempts: proto.Uint32(3), On: []string{"UNAVAILABLE"}}}, ""},
		{"another provider", &policyv1.Policy{Auth: []string{"mobil"}}, `auth[0] names provider "mobil", which does not exist`},
		{"a bound", &policyv1.Policy{Timeout: durationpb.New(48 * time.Hour)}, "timeout must be more than 0s and at most 24h"},
		{"a code", &policyv1.Policy{Retry: &policyv1.Retry{On: []string{"OK"}}}, "retry.on[0] must be in list"},
		{"a bound of another", &policyv1.Policy{Retry: &policyv1.Retry{Backoff: durationpb.New(2 * time.Second), MaxBackoff: durationpb.New(time.Second)}}, "retry.max_backoff is 1s, less than backoff, 2s"},
		{"no expression", &policyv1.Policy{Authorization: []*policyv1.Authorization{{Message: "x"}}}, "authorization[0].allow is missing"},
		{"a wrong expression", &policyv1.Policy{Authorization: []*policyv1.Authorization{{Allow: "auth.subject == 7"}}}, "authorization[0].allow at character 14: found no matching overload"},
		{"a long message", &policyv1.Policy{Authorization: []*policyv1.Authorization{{Allow: "true", Message: strings.Repeat("x", 1025)}}}, "authorization[0].message has 1025 bytes; it may have 1024"},
		{"a limit of nothing", &policyv1.Policy{Limits: []*policyv1.Limit{{}}}, "limits[0] limits nothing: it has neither limit nor max_in_flight"},
		{"a limit of another form", &policyv1.Policy{Limits: []*policyv1.Limit{{Limit: "many"}}}, "limits[0].limit"},
		{"a key", &policyv1.Policy{Limits: []*policyv1.Limit{{Limit: "1/s", Key: "client.port"}}}, `limits[0].key has "client.port", which is unknown`},
		{"a limit without a store", &policyv1.Policy{Limits: []*policyv1.Limit{{Limit: "1/s", Shared: true}}}, "limits[0].shared is set, and there is no store"},
		{"of a newer gateway", unknown, "has a field with the number 127, which this gateway does not know"},
	} {
		_, problems := cfg.Option(described(t, nil, row.option))
		var told []string
		for _, p := range problems {
			told = append(told, strings.TrimSpace(p.Path+" "+p.Message))
		}
		if got := strings.Join(told, "; "); row.want == "" && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%s: told is %q; want %q", row.name, got, row.want)
		}
	}
	if o, problems := cfg.Option(described(t, nil, nil)); o != nil || problems != nil {
		t.Errorf("without an option there is %v, %v", o, problems)
	}
}

// Whoever runs a backend does not say who may call it, unless the configuration lets them.
func TestOptionsOfReflectionAreIgnored(t *testing.T) {
	t.Parallel()
	cfg := Config{Schemas: Schemas{Sources: []Source{
		{Reflection: &Reflection{}}, {Reflection: &Reflection{}, PolicyOptions: ReadOptions}, {Protos: &Protos{}}, {DescriptorSet: &DescriptorSet{}},
	}}}
	cfg.SetDefaults()
	for i, want := range []PolicyOptions{IgnoreOptions, ReadOptions, "", ""} {
		if got := cfg.Schemas.Sources[i].PolicyOptions; got != want {
			t.Errorf("source %d: %q; want %q", i, got, want)
		}
	}
}

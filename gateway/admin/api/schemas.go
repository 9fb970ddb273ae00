// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

type schemaServer struct {
	adminv1.UnimplementedSchemaServiceServer

	api *API
}

// mux returns what is in force.
func (a *API) mux() (*transcoder.Mux, error) {
	if s := a.config.Gateway.Snapshot(); s != nil {
		return s.Mux, nil
	}
	return nil, status.Errorf(codes.Unavailable, status.ReasonDraining, "nothing is in force: the gateway is shutting down")
}

// ListSources tells how the sources fare.
func (s *schemaServer) ListSources(context.Context, *adminv1.ListSourcesRequest) (*adminv1.ListSourcesResponse, error) {
	out := &adminv1.ListSourcesResponse{}
	cfg := s.api.config.Assembly().Config()
	reports := s.api.config.Reloads.Sources()
	for i := range cfg.Schemas.Sources {
		if i >= len(reports) {
			break // a reload is between the two; who asks again is told
		}
		r := &reports[i]
		own := &cfg.Schemas.Sources[i]
		source := &adminv1.SchemaSource{Name: r.Name, Watched: r.Watched, Ok: r.Err == nil, Loaded: timeOf(r.Loaded), Checked: timeOf(r.Checked), Problems: reasonsOf(r.Err)}
		source.Kind, source.Location = kindOf(own)
		if !r.Loaded.IsZero() {
			source.Age = durationpb.New(time.Since(r.Loaded))
		}
		if r.InForce.Schema != nil {
			stats := r.InForce.Schema.Stats()
			source.Files, source.Services, source.Methods, source.Messages = number(stats.Files), number(stats.Services), number(stats.Methods), number(stats.Messages)
			source.Unserved, source.Version = diagnosticsOf(r.InForce.Schema.Unserved()), versionOf(r.InForce)
		}
		out.Sources = append(out.Sources, source)
	}
	if history := s.api.config.Reloads.History(); len(history) > 0 && history[0].Err == nil {
		out.Conflicts = diagnosticsOf(history[0].Diagnostics)
	}
	return out, nil
}

func kindOf(s *config.Source) (kind, location string) {
	switch {
	case s.Protos != nil:
		return "protos", strings.Join(s.Protos.Dirs, ", ")
	case s.DescriptorSet != nil:
		return "descriptor_set", s.DescriptorSet.Path
	case s.Reflection != nil:
		return "reflection", s.Reflection.Backend
	case s.Upload != nil:
		return "upload", s.Upload.File
	default:
		return "", ""
	}
}

// versionOf is another text when what a source has is other than it was.
func versionOf(l assemble.Loaded) string {
	h := sha256.New()
	for _, f := range l.Schema.Files() {
		data, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(protodesc.ToFileDescriptorProto(f))
		if err != nil {
			continue // of two versions that cannot be written, one is as good as the other
		}
		h.Write(data)
	}
	const shown = 6
	return hex.EncodeToString(h.Sum(nil)[:shown])
}

// ListServices lists the services in force.
func (s *schemaServer) ListServices(_ context.Context, in *adminv1.ListServicesRequest) (*adminv1.ListServicesResponse, error) {
	mux, err := s.api.mux()
	if err != nil {
		return nil, err
	}
	routes := map[string][]*adminv1.MethodRoute{}
	if t := mux.Routes(); t != nil {
		for _, b := range t.Bindings() {
			r := &adminv1.MethodRoute{Verb: b.HTTPMethod, Path: b.Template.String(), Body: bodyOf(b), Variables: variablesOf(b)}
			if b.ResponseField != nil {
				r.ResponseBody = string(b.ResponseField.Name())
			}
			routes[fullName(b.Method)] = append(routes[fullName(b.Method)], r)
		}
	}
	out := &adminv1.ListServicesResponse{}
	byName := map[string]*adminv1.Service{}
	for _, m := range mux.Methods() {
		if m.Local || !contains(in.GetMatch(), fullName(m.Desc)) {
			continue
		}
		service := byName[m.Service]
		if service == nil {
			d := m.Desc.Parent()
			service = &adminv1.Service{
				Name: m.Service, Comment: commentOf(d), Source: m.Schema.Source(), Position: positionOf(m.Schema.Locate(d)), Deprecated: deprecated(d),
			}
			byName[m.Service] = service
			out.Services = append(out.Services, service)
		}
		service.Methods = append(service.Methods, &adminv1.Method{
			Name: m.Name, FullName: fullName(m.Desc), Kind: m.Kind(), Comment: commentOf(m.Desc), RequestType: string(m.Desc.Input().FullName()),
			ResponseType: string(m.Desc.Output().FullName()), Deprecated: deprecated(m.Desc), NoSideEffects: m.NoSideEffects, Idempotent: m.Idempotent,
			Routes: routes[fullName(m.Desc)], Position: positionOf(m.Schema.Locate(m.Desc)),
		})
	}
	return out, nil
}

// DownloadDescriptors sends the descriptors in force.
func (s *schemaServer) DownloadDescriptors(_ context.Context, in *adminv1.DownloadDescriptorsRequest) (*httpbody.HttpBody, error) {
	mux, err := s.api.mux()
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] || f.IsPlaceholder() {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	for _, m := range mux.Methods() {
		if !m.Local && (in.GetService() == "" || in.GetService() == m.Service) {
			add(m.Desc.ParentFile())
		}
	}
	if in.GetService() != "" && len(set.GetFile()) == 0 {
		return nil, notFound("there is no service %q", in.GetService())
	}
	data, err := proto.MarshalOptions{AllowPartial: true}.Marshal(set)
	if err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: "application/protobuf", Data: data}, nil
}

// CompareSchemas tells what differs.
func (s *schemaServer) CompareSchemas(_ context.Context, in *adminv1.CompareSchemasRequest) (*adminv1.CompareSchemasResponse, error) {
	mux, err := s.api.mux()
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(in.GetDescriptorSet(), set); err != nil || len(set.GetFile()) == 0 {
		return nil, invalid("descriptor_set is no google.protobuf.FileDescriptorSet with files")
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, invalid("descriptor_set cannot be linked: %s", err)
	}
	cfg := s.api.config.Assembly().Config()
	var before, after []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		if !m.Local {
			before = append(before, m.Desc)
		}
	}
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			sd := f.Services().Get(i)
			for j := range sd.Methods().Len() {
				if cfg.Schemas.Exposes(string(sd.FullName())) {
					after = append(after, sd.Methods().Get(j))
				}
			}
		}
		return true
	})
	changes := compare.Methods(before, after)
	return &adminv1.CompareSchemasResponse{Changes: schemaChangesOf(changes), Breaking: number(compare.Breaking(changes))}, nil
}

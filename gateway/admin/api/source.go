// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Bounds of what is shown of a file.
const (
	defaultAround = 12
	mostAround    = 200
	mostSource    = 4 << 20 // bytes of a file that is read
)

type sourceServer struct {
	adminv1.UnimplementedSourceServiceServer

	api *API
}

// GetSource shows the lines in which an element is written. Which file that is, a source of .proto files has said when it was loaded: what
// backends and descriptor sets call their files is no path on this machine.
func (s *sourceServer) GetSource(_ context.Context, in *adminv1.GetSourceRequest) (*adminv1.GetSourceResponse, error) {
	around := int(in.GetAround())
	if around == 0 {
		around = defaultAround
	}
	if around < 0 || around > mostAround {
		return nil, invalid("around is %d; it must be 0 to %d", around, mostAround)
	}
	mux, err := s.api.mux()
	if err != nil {
		return nil, err
	}
	name := protoreflect.FullName(strings.Replace(in.GetElement(), "/", ".", 1))
	for _, one := range mux.Schemas() {
		d, err := one.FindDescriptorByName(name)
		if err != nil {
			continue
		}
		at := one.Locate(d)
		loaded, ok := s.folders(one)
		if !ok || at.Line == 0 || filepath.Ext(at.File) != ".proto" {
			return nil, notFound("%q is from no .proto file of a folder", in.GetElement())
		}
		return linesOf(at, around, loaded)
	}
	return nil, notFound("there is no %q", in.GetElement())
}

// folders tells when a schema was loaded, if it is of a source that reads folders of .proto files.
func (s *sourceServer) folders(one *schema.Schema) (loaded time.Time, ok bool) {
	cfg := s.api.config.Assembly().Config()
	for i, r := range s.api.config.Reloads.Sources() {
		if r.InForce.Schema == one {
			return r.Loaded, i < len(cfg.Schemas.Sources) && cfg.Schemas.Sources[i].Protos != nil
		}
	}
	return time.Time{}, false // a reload is between the two; who asks again is told
}

func linesOf(at schema.Position, around int, loaded time.Time) (*adminv1.GetSourceResponse, error) {
	info, err := os.Stat(at.File)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostSource {
		return nil, notFound("%s cannot be shown now", at.File)
	}
	data, err := os.ReadFile(at.File)
	if err != nil {
		return nil, notFound("%s cannot be read now", at.File)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	first := max(1, at.Line-around)
	last := min(len(lines), at.Line+around)
	if first > last {
		return nil, notFound("%s has only %d lines now", at.File, len(lines))
	}
	return &adminv1.GetSourceResponse{
		File: at.File, Text: strings.ToValidUTF8(string(bytes.Join(lines[first-1:last], nil)), "\uFFFD"), FirstLine: number(first), Line: number(at.Line),
		Newer: info.ModTime().After(loaded),
	}, nil
}

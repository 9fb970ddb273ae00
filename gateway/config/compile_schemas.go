// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

func (k *compiler) schemas(m *configv1.Schemas) {
	s := &k.cfg.Schemas
	names := map[string]string{}
	for i, source := range m.GetSources() {
		at := item("schemas.sources", i)
		compiled := k.source(source, at)
		name := at + ".name"
		if source.GetName() == "" {
			name = at
		}
		unique(k.collector, names, compiled.Name, name, "give one of them another name")
		s.Sources = append(s.Sources, compiled)
	}
	s.Expose = k.globs(m.GetExpose(), "schemas.expose")
	s.Hide = k.globs(m.GetHide(), "schemas.hide")
	s.OnConflict, s.MergeRules, s.LiteralTail = OnConflict(m.GetOnConflict()), MergeRules(m.GetMergeRules()), m.GetAllowLiteralTail()
	s.BreakingChanges = BreakingChanges(m.GetBreakingChanges())
}

func (k *compiler) source(m *configv1.Source, at string) Source {
	s := Source{Name: m.GetName()}
	byDefault := ""
	switch kind := m.GetKind().(type) {
	case *configv1.Source_Protos:
		s.Protos = k.protos(kind.Protos, at+".protos")
		byDefault = cmp.Or(kind.Protos.GetDir(), strings.Join(kind.Protos.GetDirs(), ","))
	case *configv1.Source_DescriptorSet:
		p := kind.DescriptorSet.GetPath()
		if _, err := filepath.Match(p, ""); err != nil {
			k.on(at+".descriptor_set.path", "", "is no pattern: a [ in it has no ]")
		}
		s.DescriptorSet = &DescriptorSet{Path: k.file(p), Watch: kind.DescriptorSet.GetWatch()}
		byDefault = p
	case *configv1.Source_Reflection:
		k.use(kind.Reflection.GetBackend(), at+".reflection.backend")
		s.Reflection = &Reflection{Backend: kind.Reflection.GetBackend(), Interval: kind.Reflection.GetInterval().AsDuration()}
		byDefault = kind.Reflection.GetBackend()
	case *configv1.Source_Upload:
		byDefault = DefaultUpload
		s.Upload = k.upload(cmp.Or(m.GetName(), byDefault), at)
	}
	s.Name = cmp.Or(s.Name, byDefault)
	s.PolicyOptions = PolicyOptions(m.GetPolicyOptions())
	for _, file := range m.GetHttpRules() {
		s.HTTPRules = append(s.HTTPRules, k.file(file))
	}
	k.distinct(s.HTTPRules, at+".http_rules") // as they are in the end: ./a.yaml is a.yaml
	return s
}

// uploadName is what the name of a source of uploads has to be: that of its file.
var uploadName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$`)

// uploadFolder is the folder in admin.data_dir in which uploads are kept.
const uploadFolder = "schemas"

func (k *compiler) upload(name, at string) *Upload {
	if !uploadName.MatchString(name) {
		k.on(at+".name", "", `is %q; of an upload it must be letters, digits and "_-.", at most 64, without a dot in front: a file has that name`, name)
	}
	if k.cfg.Admin.DataDir == "" {
		k.on(at+".upload", "set admin: {data_dir: /var/lib/dragoman}", "needs a folder in which uploads are kept: admin.data_dir")
	}
	return &Upload{File: filepath.Join(k.cfg.Admin.DataDir, uploadFolder, name+".binpb")}
}

func (k *compiler) protos(m *configv1.Protos, at string) *Protos {
	p := &Protos{Watch: m.GetWatch()}
	for _, dir := range append([]string{m.GetDir()}, m.GetDirs()...) {
		if dir != "" {
			p.Dirs = append(p.Dirs, k.file(dir))
		}
	}
	for i, s := range m.GetImportPaths() {
		virtual, dir, mapped := strings.Cut(s, "=")
		if !mapped {
			virtual, dir = "", s
		}
		if dir == "" || mapped && (virtual == "" || path.Clean(virtual) != virtual || path.IsAbs(virtual) || virtual == ".." || strings.HasPrefix(virtual, "../")) {
			k.on(item(at+".import_paths", i), "", "must be a folder, or a path before file names and a folder, such as acme/common=../common")
			continue
		}
		p.ImportPaths = append(p.ImportPaths, ImportPath{Virtual: virtual, Dir: k.file(dir)})
	}
	return p
}

func (k *compiler) globs(list []string, at string) []Glob {
	var globs []Glob
	for i, s := range list {
		g, err := ParseGlob(s)
		if err != nil {
			k.on(item(at, i), "", "%s", k.detail(item(at, i), err))
		}
		globs = append(globs, g)
	}
	return globs
}

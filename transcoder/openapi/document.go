// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// specVersion is the version of OpenAPI.
const specVersion = "3.1.1"

// Document is an OpenAPI document. It is immutable.
type Document struct {
	root     *object
	unlisted []string
}

// builder makes a document.
type builder struct {
	cfg       Config
	schemas   *schemas
	services  []string // in the document, sorted
	sameNames map[string]int
	tagNames  map[string]string // by service
	extraTags []string
	ids       map[string]bool
	failures  []failure
	swaggers  []*options.Swagger // of the files of the services, each once
	schemes   *object
	owners    map[string]*options.SecurityScheme // of schemes that come from protos
}

// New makes the document of the routes of a Mux. The same Config gives the same document, byte for byte.
func New(cfg Config) (*Document, error) {
	if problems := cfg.Info.Check(); len(problems) > 0 {
		return nil, fmt.Errorf("%s %s", problems[0].Path, problems[0].Message)
	}
	b := &builder{cfg: cfg, sameNames: map[string]int{}, tagNames: map[string]string{}, ids: map[string]bool{}, schemes: &object{}, owners: map[string]*options.SecurityScheme{}}
	b.schemas = &schemas{builder: b, made: map[string]*object{}}
	bindings := b.bindings()
	b.findServices(bindings)
	b.gatewaySchemes()
	paths, unlisted := b.paths(bindings)
	root := obj("openapi", specVersion, "info", b.info(), "servers", b.servers())
	root.set("security", list{}) // operations say what they need
	if tags := b.tags(); len(tags) > 0 {
		root.set("tags", tags)
	}
	root.set("paths", paths)
	root.set("components", b.components())
	for _, s := range b.swaggers {
		externalDocs(root, s.GetExternalDocs())
		extend(root, s.GetExtensions())
	}
	if len(unlisted) > 0 {
		root.set("x-unlisted", texts(unlisted))
	}
	return &Document{root: root, unlisted: unlisted}, nil
}

// JSON is the document as JSON.
func (d *Document) JSON() []byte { return append(appendJSON(nil, d.root, 0), '\n') }

// YAML is the document as YAML.
func (d *Document) YAML() ([]byte, error) {
	var out strings.Builder
	e := yaml.NewEncoder(&out)
	const indent = 2
	e.SetIndent(indent)
	if err := e.Encode(yamlNode(d.root)); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return []byte(out.String()), nil
}

// Unlisted are the routes for which OpenAPI has no place: methods of HTTP that it does not know, and paths that to it are the same as
// another one. They stand in the document under x-unlisted.
func (d *Document) Unlisted() []string { return d.unlisted }

// bindings are the routes of the document, by service, and there as the methods stand in the schema.
func (b *builder) bindings() []*httprule.Binding {
	if b.cfg.Mux.Routes() == nil {
		return nil
	}
	var all []*httprule.Binding
	for _, binding := range b.cfg.Mux.Routes().Bindings() {
		service := binding.Method.Parent()
		if b.cfg.Include != nil && !b.cfg.Include(string(service.FullName())) {
			continue
		}
		m := b.cfg.Mux.Method("/" + methodPath(binding))
		if m == nil || !b.shown(service) || !b.shown(binding.Method) {
			continue
		}
		if m.Local && binding.Place.Origin == httprule.FromDefault {
			continue // reflection and health, which nobody calls by REST unless a rule says so
		}
		all = append(all, binding)
	}
	slices.SortStableFunc(all, func(x, y *httprule.Binding) int {
		return cmp.Or(cmp.Compare(x.Method.Parent().FullName(), y.Method.Parent().FullName()), cmp.Compare(x.Method.Index(), y.Method.Index()), cmp.Compare(x.Index, y.Index))
	})
	return all
}

// findServices notes the services of the bindings, and what their files say.
func (b *builder) findServices(bindings []*httprule.Binding) {
	files := map[string]bool{}
	for _, binding := range bindings {
		sd, ok := binding.Method.Parent().(protoreflect.ServiceDescriptor)
		if name := string(sd.FullName()); ok && !slices.Contains(b.services, name) {
			b.services = append(b.services, name)
			b.sameNames[string(sd.Name())]++
			b.tagNames[name] = cmp.Or(tagOf(sd).GetName(), name)
			if file := sd.ParentFile(); !files[file.Path()] {
				files[file.Path()] = true
				if s := swaggerOf(file); s != nil {
					b.swaggers = append(b.swaggers, s)
				}
			}
		}
	}
}

func (b *builder) tagName(service string) string { return b.tagNames[service] }

// tags describe the services.
func (b *builder) tags() list {
	var all list
	seen := map[string]bool{}
	for _, service := range b.services {
		name := b.tagNames[service]
		if seen[name] {
			continue
		}
		seen[name] = true
		tag := obj("name", name)
		if sd := b.service(service); sd != nil {
			own := tagOf(sd)
			tag.text("description", cmp.Or(own.GetDescription(), comment(sd)))
			externalDocs(tag, own.GetExternalDocs())
			extend(tag, own.GetExtensions())
		}
		all = append(all, tag)
	}
	described := map[string]*options.Tag{}
	for _, s := range b.swaggers {
		for _, t := range s.GetTags() {
			described[t.GetName()] = t
		}
	}
	for _, name := range b.extraTags {
		if seen[name] {
			continue
		}
		tag := obj("name", name).text("description", described[name].GetDescription())
		externalDocs(tag, described[name].GetExternalDocs())
		extend(tag, described[name].GetExtensions())
		all = append(all, tag)
	}
	return all
}

func (b *builder) service(name string) protoreflect.ServiceDescriptor {
	s := b.cfg.Mux.SchemaOf(name)
	if s == nil {
		return nil
	}
	d, err := s.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil
	}
	sd, _ := d.(protoreflect.ServiceDescriptor)
	return sd
}

// info says what the API is: what the configuration says, else what the protos say where they agree, else what can be seen.
func (b *builder) info() *object {
	own := &options.Info{}
	for _, s := range b.swaggers {
		if i := s.GetInfo(); i != nil && (own.GetTitle() == "" || own.GetTitle() == i.GetTitle()) {
			own = i
		} else if i != nil {
			own = &options.Info{} // several files say something else
			break
		}
	}
	title := b.title()
	info := obj("title", cmp.Or(b.cfg.Info.Title, own.GetTitle(), title))
	info.text("description", sentences(cmp.Or(b.cfg.Info.Description, own.GetDescription()), b.jsonText()))
	info.text("termsOfService", own.GetTermsOfService())
	if c := own.GetContact(); c != nil {
		info.set("contact", (&object{}).text("name", c.GetName()).text("url", c.GetUrl()).text("email", c.GetEmail()))
	}
	if l := own.GetLicense(); l.GetName() != "" {
		info.set("license", obj("name", l.GetName()).text("url", l.GetUrl()))
	}
	info.set("version", cmp.Or(b.cfg.Info.Version, own.GetVersion(), b.version()))
	extend(info, own.GetExtensions())
	return info
}

// title is what a document is called that nobody has given a name: the service that it is of, or the package of all its services.
func (b *builder) title() string {
	if len(b.services) == 1 {
		return b.services[0]
	}
	pkg := ""
	for _, service := range b.services {
		own := string(protoreflect.FullName(service).Parent())
		if pkg != "" && own != pkg {
			return DefaultTitle
		}
		pkg = own
	}
	return cmp.Or(pkg, DefaultTitle)
}

// version is the version that all packages have at their end, such as v1.
func (b *builder) version() string {
	version := ""
	for _, service := range b.services {
		parts := strings.Split(service, ".")
		if len(parts) < 2 || !isVersion(parts[len(parts)-2]) || (version != "" && version != parts[len(parts)-2]) {
			return DefaultVersion
		}
		version = parts[len(parts)-2]
	}
	return cmp.Or(version, DefaultVersion)
}

func isVersion(s string) bool {
	return len(s) > 1 && s[0] == 'v' && s[1] >= '0' && s[1] <= '9'
}

// servers are where the API is served. Without any, the server is the one that the document comes from.
func (b *builder) servers() list {
	if len(b.cfg.Info.Servers) == 0 {
		return list{obj("url", "/")}
	}
	var all list
	for _, s := range b.cfg.Info.Servers {
		if s != "/" {
			s = strings.TrimSuffix(s, "/")
		}
		all = append(all, obj("url", s))
	}
	return all
}

// components are the types, errors and schemes that operations refer to.
func (b *builder) components() *object {
	components := &object{}
	names := make([]string, 0, len(b.schemas.made))
	for name := range b.schemas.made {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > 0 {
		all := components.object("schemas")
		for _, name := range names {
			all.set(name, b.schemas.made[name])
		}
	}
	for i := range b.failures {
		components.object("responses").set(b.failures[i].name, b.failures[i].response)
	}
	if b.schemes.len() > 0 {
		components.set("securitySchemes", b.schemes)
	}
	return components
}

// access is what a method needs.
func (b *builder) access(m *transcoder.Method) Access {
	if b.cfg.Access == nil {
		return Access{}
	}
	return b.cfg.Access(m)
}

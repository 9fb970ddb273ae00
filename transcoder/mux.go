// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Config is what a Mux is built from.
type Config struct {
	// Schemas are where the methods come from. A service that two of them have must be the same in both.
	Schemas []*schema.Schema
	// Codec are the limits of conversion; the zero value has the codec's defaults.
	Codec codec.Config
	// Expose says whether a method is served; nil serves all.
	Expose func(service, method string) bool
	// Local are services that the server itself answers; nil for none.
	Local *Local
	// Passthrough says which methods that no schema has are passed on; nil for none.
	Passthrough *Passthrough
}

// Mux finds the protocol, the method and the binding of a request. It is
// immutable once it serves: a reload makes a new one. It is built in three steps, because routes need the methods and protocols may
// need the routes: NewMux, SetRoutes, SetProtocols.
type Mux struct {
	protocols []Protocol
	schemas   []*schema.Schema
	methods   []*Method
	byPath    map[string]*Method
	services  map[string]*schema.Schema // those that have a method in byPath
	routes    *httprule.Table
	files     func() map[string]*File // made when first asked for

	passthrough *Passthrough
	passed      []*Method      // one for each of its rules
	local       *schema.Schema // of local services; nil for none

	views     []*Mux          // what requests of listeners with local services find; nil in a view
	listeners map[string]*Mux // which of the views, by listener
}

// NewMux returns the Mux of the methods of a configuration. The error joins all problems.
func NewMux(cfg Config) (*Mux, error) {
	x := &Mux{schemas: slices.Clone(cfg.Schemas), byPath: map[string]*Method{}, services: map[string]*schema.Schema{}}
	x.files = sync.OnceValue(x.findFiles)
	owner := map[string]*schema.Schema{}
	var errs []error
	for _, s := range cfg.Schemas {
		c, err := codec.New(s.Types(), cfg.Codec)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Source(), err))
			continue
		}
		for _, sd := range s.Services() {
			name := string(sd.FullName())
			if other := owner[name]; other != nil {
				if !sameService(other, sd) {
					errs = append(errs, fmt.Errorf("service %s: %s and %s define it differently; hide one of them", name, other.Source(), s.Source()))
				}
				continue
			}
			owner[name] = s
			for i := range sd.Methods().Len() {
				md := sd.Methods().Get(i)
				if cfg.Expose != nil && !cfg.Expose(name, string(md.Name())) {
					continue
				}
				m := newMethod(len(x.methods), s, c, md)
				x.methods = append(x.methods, m)
				x.byPath[m.Path] = m
				x.services[name] = s
			}
		}
	}
	if cfg.Local != nil {
		errs = append(errs, x.addLocal(cfg.Local, cfg.Codec))
	}
	if cfg.Passthrough != nil {
		x.addPassthrough(cfg.Passthrough)
	}
	return x, errors.Join(errs...)
}

// Schemas returns the schemas that the methods come from, but for that of the local services. The slice is not to be changed.
func (x *Mux) Schemas() []*schema.Schema { return x.schemas }

// Methods returns every method, those of local services last; the index of one is its ID. The slice is not to be changed.
func (x *Mux) Methods() []*Method { return x.methods }

// Method returns the method of "/package.Service/Method", compared exactly (threats A1, A2), or nil.
func (x *Mux) Method(path string) *Method { return x.byPath[path] }

// Services returns the full names of the services that can be called, sorted.
func (x *Mux) Services() []string { return slices.Sorted(maps.Keys(x.services)) }

// SchemaOf returns the schema of a service that can be called, or nil.
func (x *Mux) SchemaOf(service string) *schema.Schema { return x.services[service] }

// Routes returns the route table, which may be nil.
func (x *Mux) Routes() *httprule.Table { return x.routes }

// SetRoutes gives the Mux its route table; each of its Views has one of its own. It is called before the Mux serves.
func (x *Mux) SetRoutes(t *httprule.Table) { x.routes = t }

// SetProtocols gives the Mux its protocols, which are asked in this order: the first that accepts a request has it. It is
// called before the Mux serves.
func (x *Mux) SetProtocols(protocols ...Protocol) { x.protocols = slices.Clone(protocols) }

// Open finds out what a call is: the protocol, and through it method, binding and metadata. The
// Framer is nil only if no protocol accepts the request; otherwise it can say the error, a *status.Error.
func (x *Mux) Open(c *Call) (Framer, error) {
	view := x.At(c.Request.Listener)
	for _, p := range x.protocols {
		if p.Accepts(c.Request) {
			c.Protocol = p.Name()
			return p.Open(view, c)
		}
	}
	return nil, status.Errorf(codes.InvalidArgument, status.ReasonUnsupportedMediaType, "no protocol serves such a request")
}

// sameService tells whether a schema defines a service as sd does: its file, and all files
// that it imports, are equal but for comments.
func sameService(a *schema.Schema, sd protoreflect.ServiceDescriptor) bool {
	d, err := a.FindDescriptorByName(sd.FullName())
	if err != nil {
		return false
	}
	return sameFile(d.ParentFile(), sd.ParentFile(), map[string]bool{})
}

func sameFile(a, b protoreflect.FileDescriptor, seen map[string]bool) bool {
	if a == b || seen[a.Path()] {
		return true
	}
	seen[a.Path()] = true
	x, y := protodesc.ToFileDescriptorProto(a), protodesc.ToFileDescriptorProto(b)
	x.SourceCodeInfo, y.SourceCodeInfo = nil, nil
	if !proto.Equal(x, y) {
		return false
	}
	for i := range a.Imports().Len() {
		if !sameFile(a.Imports().Get(i).FileDescriptor, b.Imports().Get(i).FileDescriptor, seen) {
			return false
		}
	}
	return true
}

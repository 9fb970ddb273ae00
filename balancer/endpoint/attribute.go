// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"google.golang.org/grpc/attributes"
	grpcresolver "google.golang.org/grpc/resolver"
)

// attributeKey is the key under which an Endpoint rides on grpc-go's endpoint attributes.
type attributeKey struct{}

// carried is the value there. It is a type of its own because grpc-go wants Equal(any) bool.
type carried struct {
	Endpoint
}

// Equal implements the comparison that grpc-go's attributes look for.
func (c carried) Equal(o any) bool {
	other, ok := o.(carried)
	return ok && c.Endpoint.Equal(other.Endpoint)
}

// GRPC returns e as grpc-go's endpoint: its addresses, each with the server name, and e itself in
// the attributes.
func (e Endpoint) GRPC() grpcresolver.Endpoint {
	v := e.get()
	addresses := make([]grpcresolver.Address, len(v.spec.Addresses))
	for i, a := range v.spec.Addresses {
		addresses[i] = grpcresolver.Address{Addr: a, ServerName: v.spec.ServerName}
	}
	return grpcresolver.Endpoint{
		Addresses:  addresses,
		Attributes: attributes.New(attributeKey{}, carried{e}),
	}
}

// FromGRPC returns the endpoint that rides on g. A g that another resolver made yields an
// endpoint of g's addresses and server name with the defaults for the rest; g's addresses are
// taken as they are. The result is zero when g has no address.
func FromGRPC(g grpcresolver.Endpoint) Endpoint {
	if c, ok := g.Attributes.Value(attributeKey{}).(carried); ok {
		return c.Endpoint
	}
	if len(g.Addresses) == 0 {
		return Endpoint{}
	}
	s := Spec{Weight: DefaultWeight, ServerName: g.Addresses[0].ServerName}
	for _, a := range g.Addresses {
		s.Addresses = append(s.Addresses, a.Addr)
	}
	return Endpoint{v: &value{spec: s, key: key(s.Addresses, s.ServerName)}}
}

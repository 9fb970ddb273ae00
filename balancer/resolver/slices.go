// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// maxSlices bounds the slices of one service: a hundred endpoints each, a hundred thousand.
const maxSlices = 1000

// slice is what is read of an EndpointSlice.
type slice struct {
	Metadata struct{ Name, ResourceVersion string }
	Ports    []struct {
		Name     string
		Port     int
		Protocol string
	}
	Endpoints []struct {
		Addresses  []string
		Conditions struct{ Ready *bool }
		Zone       string
		NodeName   string
		TargetRef  struct{ Kind, Name, UID string }
	}
}

// slicesOf is the slices of a service as they are known, and where to go on from.
type slicesOf struct {
	k       *Kubernetes
	update  func([]endpoint.Endpoint, error)
	known   map[string]*slice
	version string // empty: they must be listed
}

// errExpired is a version that the server knows nothing of any more.
var errExpired = errors.New("the version is too old")

// follow lists the slices if need be, and watches them until the watch ends, which is no error.
func (f *slicesOf) follow(ctx context.Context) error {
	if f.version == "" {
		known, version, err := f.k.list(ctx)
		if err != nil {
			return err
		}
		f.known, f.version = known, version
		if err := f.tell(); err != nil {
			return err
		}
	}
	err := f.watch(ctx)
	var refused *statusError
	if errors.Is(err, errExpired) || (errors.As(err, &refused) && refused.code == http.StatusGone) {
		f.version = ""
		return nil
	}
	if err != nil {
		// What happens until the next watch is told there; but what is in force is said again then, to end the error.
		f.version = ""
	}
	return err
}

// watch takes over what the server sends until it ends.
func (f *slicesOf) watch(ctx context.Context) error {
	// A server that stops sending without a word must not be waited for: the watch ends some time after it should have.
	ctx, cancel := context.WithTimeout(ctx, 2*watchFor+listPatience)
	defer cancel()
	r, err := f.k.watch(ctx, f.version)
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	for events := json.NewDecoder(r.Body); ; {
		var e struct {
			Type   string
			Object json.RawMessage
		}
		if err := events.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // its time was over
			}
			return fmt.Errorf("the watch: %w", err)
		}
		if err := f.take(e.Type, e.Object); err != nil {
			return err
		}
	}
}

// take takes over one change.
func (f *slicesOf) take(kind string, object json.RawMessage) error {
	if kind == "ERROR" {
		var s struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal(object, &s); err != nil {
			return fmt.Errorf("the watch: %w", err)
		}
		if s.Code == http.StatusGone {
			return errExpired
		}
		return fmt.Errorf("the watch: %d: %s", s.Code, s.Message)
	}
	s := new(slice)
	if err := json.Unmarshal(object, s); err != nil {
		return fmt.Errorf("the watch: %w", err)
	}
	f.version = s.Metadata.ResourceVersion
	switch kind {
	case "ADDED", "MODIFIED":
		f.known[s.Metadata.Name] = s
	case "DELETED":
		delete(f.known, s.Metadata.Name)
	case "BOOKMARK":
		return nil // only the version
	default:
		return fmt.Errorf("the watch: an event of type %q", kind)
	}
	return f.tell()
}

// tell tells what is known.
func (f *slicesOf) tell() error {
	if len(f.known) > maxSlices {
		return fmt.Errorf("the service has more than %d slices", maxSlices)
	}
	f.update(f.endpoints())
	return nil
}

// endpoints returns the endpoints that are ready. Slices that know of the same pod, one for each family of addresses,
// make one endpoint; during an update an endpoint may be in two slices.
func (f *slicesOf) endpoints() ([]endpoint.Endpoint, error) {
	entries := map[string]*Entry{}
	for _, name := range slices.Sorted(maps.Keys(f.known)) {
		s := f.known[name]
		port, err := s.port(f.k.cfg.Port)
		if err != nil {
			return nil, fmt.Errorf("kubernetes: slice %s: %w", name, err)
		}
		for _, e := range s.Endpoints {
			if len(e.Addresses) == 0 || (e.Conditions.Ready != nil && !*e.Conditions.Ready) || port == 0 {
				continue
			}
			// Kubernetes: "consumers should only use the first".
			address := net.JoinHostPort(e.Addresses[0], strconv.Itoa(port))
			id := cmp.Or(e.TargetRef.UID, address)
			entry := entries[id]
			if entry == nil {
				entry = &Entry{Zone: e.Zone, Labels: labelled(map[string]string{"node": e.NodeName, "pod": e.TargetRef.Name})}
				entries[id] = entry
			}
			if !slices.Contains(entry.Addresses, address) {
				entry.Addresses = append(entry.Addresses, address)
			}
		}
	}
	out := make([]endpoint.Endpoint, 0, len(entries))
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		e, err := entries[id].Endpoint()
		if err != nil {
			return nil, fmt.Errorf("kubernetes: %w", err)
		}
		out = append(out, e)
	}
	return out, nil
}

// labelled returns the labels that have a value.
func labelled(labels map[string]string) map[string]string {
	maps.DeleteFunc(labels, func(_, v string) bool { return v == "" })
	return labels
}

// port returns the number of the port that is wanted; 0 when the slice has none at all.
func (s *slice) port(want string) (int, error) {
	if len(s.Ports) == 0 {
		return 0, nil
	}
	if want == "" {
		if len(s.Ports) > 1 {
			return 0, fmt.Errorf("there are %d ports; say which one, by its name or number", len(s.Ports))
		}
		return s.Ports[0].Port, nil
	}
	for _, p := range s.Ports {
		if p.Name == want || strconv.Itoa(p.Port) == want {
			return p.Port, nil
		}
	}
	return 0, fmt.Errorf("there is no port %q", want)
}

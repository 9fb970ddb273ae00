// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Codes of what is doubtful while a gateway runs.
const (
	noEndpointCode  = "DG2101" // a backend that no call can go to
	certificateCode = "DG2102" // a certificate that ends soon, or has
	// missingCertificateCode is for a domain that an authority has given no certificate.
	missingCertificateCode = "DG2104"
)

// soon is when a certificate ends soon.
const soon = 14 * 24 * time.Hour

type statusServer struct {
	adminv1.UnimplementedStatusServiceServer

	api *API
}

// GetStatus tells how the gateway is.
func (s *statusServer) GetStatus(context.Context, *adminv1.GetStatusRequest) (*adminv1.GetStatusResponse, error) {
	return s.api.status(), nil
}

func (a *API) status() *adminv1.GetStatusResponse {
	assembly, snapshot := a.config.Assembly(), a.config.Gateway.Snapshot()
	cfg := assembly.Config()
	host, err := os.Hostname()
	if err != nil {
		host = "" // which is not known
	}
	out := &adminv1.GetStatusResponse{
		Version: a.config.Version, GoVersion: runtime.Version(), Hostname: host, Pid: number(os.Getpid()), StartTime: timeOf(a.config.Started),
		Uptime: durationpb.New(time.Since(a.config.Started)), Ready: true, AdminAddress: a.config.Address(), ReadOnly: cfg.Admin.ReadOnly, ConfigFile: cfg.File,
		TraceLink: cfg.Observability.Tracing.Link,
		Totals:    &adminv1.Totals{InFlight: a.config.Gateway.InFlight(), Sources: number(len(cfg.Schemas.Sources)), Backends: number(len(cfg.Backends))},
	}
	checks := a.config.Ready()
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		c := &adminv1.Check{Name: name, Ok: checks[name] == nil}
		if !c.Ok {
			c.Message, out.Ready = checks[name].Error(), false
		}
		out.Checks = append(out.Checks, c)
	}
	shown := a.shown()
	for _, l := range a.config.Listeners() {
		own := cfg.Local[l.Name]
		listener := &adminv1.Listener{
			Name: l.Name, Address: l.Address, Protocols: l.Protocols, Tls: l.TLS, Reflection: own.Reflection, Health: own.Health,
		}
		addCertificates(listener, shown)
		out.Listeners = append(out.Listeners, listener)
	}
	if snapshot != nil {
		services := map[string]bool{}
		for _, m := range snapshot.Mux.Methods() {
			if !m.Local {
				services[m.Service] = true
				out.Totals.Methods++
			}
		}
		out.Totals.Services = number(len(services))
		if t := snapshot.Mux.Routes(); t != nil {
			out.Totals.Routes = number(len(t.Bindings()))
		}
	}
	backends := overviews(assembly)
	for i := range backends {
		for j := range backends[i].Endpoints {
			out.Totals.Endpoints++
			if backends[i].Endpoints[j].State == "ready" {
				out.Totals.ReadyEndpoints++
			}
		}
	}
	a.addReloads(out)
	out.Warnings = append(out.Warnings, problemsOf(cfg.Warnings)...)
	out.Warnings = append(out.Warnings, a.backendWarnings(backends)...)
	certificates := a.certificates()
	out.CertificatesVersion = certificatesVersion(certificates)
	out.Warnings = append(out.Warnings, a.certificateWarnings(certificates)...)
	return out
}

// addReloads tells what was loaded last, what is doubtful in that, and what waits for a restart.
func (a *API) addReloads(out *adminv1.GetStatusResponse) {
	history := a.config.Reloads.History() // the newest first
	if len(history) == 0 {
		return
	}
	out.LastReload = reloadOf(&history[0])
	out.InForceSince = timeOf(history[0].Since)
	waiting := map[string]*adminv1.FieldChange{}
	var order []string
	for i := len(history) - 1; i >= 0; i-- {
		e := &history[i]
		if e.Err != nil {
			continue
		}
		out.Warnings = diagnosticsOf(e.Diagnostics)
		for _, c := range changesOf(e.Changes) {
			switch before := waiting[c.GetPath()]; {
			case !c.GetNeedsRestart():
			case before == nil:
				waiting[c.GetPath()] = c
				order = append(order, c.GetPath())
			default: // what it was when the process began counts
				before.After = c.GetAfter()
			}
		}
	}
	for _, path := range order {
		if c := waiting[path]; c.GetBefore() != c.GetAfter() {
			out.NeedsRestart = append(out.NeedsRestart, c)
		}
	}
}

// backendWarnings tell of backends that no call can go to, with what is wrong with their endpoints.
func (a *API) backendWarnings(overviews []backend.Overview) []*adminv1.Diagnostic {
	var all []*adminv1.Diagnostic
	assembly := a.config.Assembly()
	for i := range overviews {
		o := &overviews[i]
		b := assembly.Backend(o.Name)
		if b == nil || b.Ready() || idle(o) {
			continue
		}
		d := NoEndpoint(o, true)
		alone, routes := 0, 0
		for backends := range a.routes(assembly) {
			routes++
			if len(backends) == 1 && backends[0] == o.Name {
				alone++
			}
		}
		if alone > 0 {
			d.Message += fmt.Sprintf("; %d of %d routes answer 503", alone, routes)
		}
		all = append(all, &adminv1.Diagnostic{
			Level: adminv1.Level_LEVEL_WARNING, Code: d.Code, Message: d.Message, Path: fmt.Sprintf("backends[%q]", o.Name),
			Help: []string{"dragoman backends " + o.Name + "    dragoman check --online"}, Notes: d.Notes,
		})
	}
	return all
}

// nextPrecision is how exactly it is told when an endpoint is tried again.
const nextPrecision = 100 * time.Millisecond

// NoEndpoint is the warning of a backend that no call can go to, with what is wrong with its endpoints; and when they are tried again, if they are.
func NoEndpoint(o *backend.Overview, again bool) schema.Diagnostic {
	d := schema.Diagnostic{Level: schema.Warning, Code: noEndpointCode, Message: fmt.Sprintf("backend %q has no ready endpoint", o.Name)}
	for i := range o.Endpoints {
		e := &o.Endpoints[i]
		text := cmp.Or(e.Reason, e.Error, e.State)
		switch {
		case e.Tries == 1:
			text += ", 1 try"
		case e.Tries > 1:
			text += fmt.Sprintf(", %d tries", e.Tries)
		}
		if again && !e.NextTry.IsZero() {
			text += ", next in " + max(time.Until(e.NextTry), 0).Round(nextPrecision).String()
		}
		d.Notes = append(d.Notes, e.Address+"  "+text)
	}
	if o.Source.Error != "" {
		d.Notes = append(d.Notes, o.Source.Name+"  "+o.Source.Error)
	}
	return d
}

// idle says whether a backend is not ready because nobody has wanted it yet.
func idle(o *backend.Overview) bool {
	return len(o.Endpoints) > 0 && !slices.ContainsFunc(o.Endpoints, func(e backend.EndpointState) bool { return e.State != "idle" && e.State != "connecting" })
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/admin/replay"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/capture"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/switches"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// Listener is a socket on which calls are served.
type Listener struct {
	// Name is its name in the configuration, Address the address that it has.
	Name, Address string
	// Protocols are what it speaks.
	Protocols []string
	// TLS tells whether it is secured.
	TLS bool
}

// Reloader reloads and remembers that; *reload.Manager is one.
type Reloader interface {
	Reload(ctx context.Context, r reload.Request) (reload.Event, error)
	History() []reload.Event
	Sources() []reload.SourceReport
}

// Config is what the admin API tells of.
type Config struct {
	// Version is that of the program, Started when it began.
	Version string
	Started time.Time
	// Gateway is the gateway, whose snapshot is in force.
	Gateway *gateway.Gateway
	// Assembly returns what the snapshot in force was made by.
	Assembly func() *assemble.Assembly
	// Reloads reloads.
	Reloads Reloader
	// Reread reads the configuration file as it is now; nil where there is none. The error is a *config.Problems where it is wrong.
	Reread func() (*config.Config, error)
	// Check tells what is wrong with the files that a configuration names.
	Check func(*config.Config) []config.Problem
	// Ready tells what keeps the gateway from serving, by the name of the check.
	Ready func() map[string]error
	// Listeners are where calls are served.
	Listeners func() []Listener
	// Connections tells how many connections are open, by what they speak; nil where that is not known.
	Connections func() map[string]int64
	// Certificates are those that they show; nil for none.
	Certificates func() []ListenerCertificates
	// Address is that of the admin listener.
	Address func() string
	// Feed has the calls as they end, History their figures.
	Feed    *telemetry.Feed
	History *telemetry.History
	// Capture keeps what calls say; nil where the configuration does not permit it. Replay sends such calls again.
	Capture *capture.Capture
	Replay  *replay.Replayer
	// Switches are what operators say of APIs while the gateway runs.
	Switches func() *switches.Board
	// Logs are the last lines of the gateway's own log; nil where they are not kept.
	Logs *LogTail
	// Level is the level of that log; nil where it cannot be changed.
	Level *slog.LevelVar
	// Log is the gateway's own log.
	Log *slog.Logger
}

// API is the admin API.
type API struct {
	config  Config
	sampler *sampler
}

// New returns the admin API of a gateway. Its Run has to run for what changes over time to be told.
func New(cfg Config) *API {
	a := &API{config: cfg}
	a.sampler = newSampler(a)
	return a
}

// Register registers the services.
func (a *API) Register(r grpc.ServiceRegistrar) {
	adminv1.RegisterStatusServiceServer(r, &statusServer{api: a})
	adminv1.RegisterReloadServiceServer(r, &reloadServer{api: a})
	adminv1.RegisterRouteServiceServer(r, &routeServer{api: a})
	adminv1.RegisterBackendServiceServer(r, &backendServer{api: a})
	adminv1.RegisterSchemaServiceServer(r, &schemaServer{api: a})
	adminv1.RegisterConfigServiceServer(r, &configServer{api: a})
	adminv1.RegisterTrafficServiceServer(r, &trafficServer{api: a})
	adminv1.RegisterMetricServiceServer(r, &metricServer{api: a})
	adminv1.RegisterPolicyServiceServer(r, &policyServer{api: a})
	adminv1.RegisterKeyServiceServer(r, &keyServer{api: a})
	adminv1.RegisterSwitchServiceServer(r, &switchServer{api: a})
	adminv1.RegisterCertificateServiceServer(r, &certificateServer{api: a})
	adminv1.RegisterLogServiceServer(r, &logServer{api: a})
	adminv1.RegisterEventServiceServer(r, &eventServer{api: a})
	adminv1.RegisterSourceServiceServer(r, &sourceServer{api: a})
	adminv1.RegisterExplainServiceServer(r, &explainServer{api: a})
}

// Reloaded is told of every reload, for those who watch.
func (a *API) Reloaded(e reload.Event) { a.sampler.reloads.publish(reloadOf(&e)) }

// Run looks at what changes over time, until ctx ends. It returns when all is quiet.
func (a *API) Run(ctx context.Context) { a.sampler.run(ctx) }

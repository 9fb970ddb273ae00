// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/health"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// The defaults of a Config.
const (
	// DefaultConnectTimeout bounds one connection attempt.
	DefaultConnectTimeout = time.Second
	// DefaultBackoffBase and DefaultBackoffMax bound the pause between attempts. They keep both
	// promises for a backend that is down: at most two attempts in a second, and back in use
	// within one second of its return.
	DefaultBackoffBase = 500 * time.Millisecond
	// DefaultBackoffMax is the longest pause, to which up to a quarter is added.
	DefaultBackoffMax = 750 * time.Millisecond
	// DefaultMaxHeaderList is the largest list of header fields that a server may answer with (threat H4).
	DefaultMaxHeaderList = 64 << 10
	// DefaultUserAgent is what requests say of this program.
	DefaultUserAgent = "dragoman"
	// DefaultStreamWindow is how many bytes of an answer may be under way before they are taken: what a slow client may leave here of a fast backend's
	// stream, and enough for 50 MB a second over a way of 10 ms.
	DefaultStreamWindow = 512 << 10
	// DefaultConnectionWindow is how many bytes of all answers of a connection may be on their way: eight streams at their full speed.
	DefaultConnectionWindow = 4 << 20
	// DefaultPingInterval is above the five minutes that a gRPC server tolerates by default, by
	// enough that a ping which the network delays does not make the next one come too soon.
	DefaultPingInterval = 330 * time.Second
	// DefaultMaxConnections is enough for three hundred calls at a time to a server that takes ten streams.
	DefaultMaxConnections = 32
	// DefaultDeadAfter is how long a peer may leave data without acknowledgement. A dead connection is to be
	// noticed within ten seconds; the kernel looks only when it sends again, up to half a second
	// later (measured: 9.2 s to 9.5 s with this value, with calls and without).
	DefaultDeadAfter = 9 * time.Second
)

// The bounds of windows.
const (
	leastWindow = 64 << 10
	mostWindow  = 1 << 30
)

// connectionLimit is the most connections that an endpoint may be given.
const connectionLimit = 1024

// streamLimit is the most calls at a time that a connection may be held to.
const streamLimit = 1 << 16

// minHeaderList is enough for what gRPC itself sends.
const minHeaderList = 4096

// minPingInterval is the least that grpc-go accepts.
const minPingInterval = 10 * time.Second

// Config describes a channel. Name, Credentials and one of Target, Endpoints and Source are required.
type Config struct {
	// Name names the backend in logs and errors.
	Name string
	// Target says where the endpoints are, in one of the forms of resolver.ParseTarget.
	Target string
	// Endpoints are the endpoints, when they are known and do not change.
	Endpoints []endpoint.Endpoint
	// Source is where the endpoints come from, for sources that have no target.
	Source *resolver.Source
	// Credentials secure the connections: credentials.NewTLS, or insecure.NewCredentials for
	// plain text.
	Credentials credentials.TransportCredentials
	// Policy places the calls. nil: DefaultPolicy.
	Policy picker.Policy
	// Health checks the endpoints: health.NewWatch or health.NewPoll. An endpoint gets calls when it has been found
	// healthy. nil: whoever has a connection is healthy.
	Health health.Check
	// PanicThreshold is the share of healthy endpoints below which health is ignored; above 0, at most 1. 0:
	// picker.DefaultPanicThreshold.
	PanicThreshold float64
	// MinConnections is how many connections an endpoint has; 1 to MaxConnections. 0: 1.
	MinConnections int
	// MinTotal is how many connections an endpoint has that is the only one; at most MaxConnections. So a connection that is lost is not
	// the only one. 0: MinConnections.
	MinTotal int
	// MaxConnections is how many connections an endpoint may have when its server takes few streams at a time and all of
	// them are used; 1 to 1024. Calls beyond wait. 0: DefaultMaxConnections, or MinConnections if that is more.
	MaxConnections int
	// MaxStreams is how many calls at a time a connection carries before another is opened, where the server says nothing or more; at most
	// 65536. 0: what the server says.
	MaxStreams int
	// ConnectTimeout bounds one connection attempt to one address, from the first packet to the
	// end of the handshakes. 0: DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Backoff is the pause between attempts to connect to an endpoint that fails.
	Backoff Backoff
	// ResolveInterval is how often a source that is asked is asked. 0: resolver.DefaultInterval.
	ResolveInterval time.Duration
	// PingInterval is how often a connection with calls on it that says nothing is asked for a
	// sign of life (an HTTP/2 PING); without calls never. A server closes connections that ping more
	// often than it allows, by default every five minutes; set less only when the servers are known to
	// allow it. At least 10 s. 0: DefaultPingInterval.
	PingInterval time.Duration
	// DeadAfter is how long a peer may leave data or a ping unacknowledged before the connection
	// counts as dead; on Linux the TCP_USER_TIMEOUT, which idle connections are held to as
	// well. At least 2 s, or the probes of an idle connection come too close. 0: DefaultDeadAfter.
	DeadAfter time.Duration
	// MaxHeaderList is the largest list of header fields that a server may answer with, in bytes, as HTTP/2 counts them: a call
	// whose answer has more fails; at least 4096. 0: DefaultMaxHeaderList.
	MaxHeaderList uint32
	// Avoid says of an address, as names have been resolved, that no connection is made to it, whatever a source gives as an endpoint; nil avoids
	// none. It is called by any goroutine.
	Avoid func(netip.AddrPort) bool
	// Dial connects to the address of an endpoint, instead of to what it says; nil: the network is dialled.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// UserAgent is what requests say of this program. "": DefaultUserAgent.
	UserAgent string
	// StreamWindow and ConnectionWindow are how many bytes of an answer, and of all of a connection, may be under way before they are
	// taken; 64 KiB to 1 GiB. 0: DefaultStreamWindow, DefaultConnectionWindow. They are New's; gRPC's own channel finds out for itself.
	StreamWindow, ConnectionWindow int
	// DialOptions are added after our own, by [Options] alone; [New] refuses them. Those that replace the dialer, the resolver or the
	// service config take away what this package is for.
	DialOptions []grpc.DialOption
	// Logger is told when an endpoint's state changes and when a source fails. nil: nothing is logged.
	Logger *slog.Logger
}

// Backoff is the pause between attempts to connect: Base after the first failure, 1.6 times as long
// after each further one, at most Max; up to a quarter is added at random. Base is also the least time
// between the beginnings of two attempts, so that a server that accepts connections and drops them
// is not hammered.
type Backoff struct {
	// Base is the first pause. 0: DefaultBackoffBase.
	Base time.Duration
	// Max is the longest pause, at least Base. 0: DefaultBackoffMax, or Base if that is more.
	Max time.Duration
}

// check returns cfg with its defaults, and its source; or everything that is wrong with it.
func (cfg Config) check() (Config, resolver.Source, error) {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("balancer %q: "+format, append([]any{cfg.Name}, args...)...))
	}
	if cfg.Name == "" {
		refuse("name is empty; it must name the backend")
	}
	if cfg.Credentials == nil {
		refuse("credentials is nil; it must be credentials.NewTLS, or insecure.NewCredentials for plain text")
	}
	source, err := cfg.source()
	if err != nil {
		refuse("%w", err)
	}
	cfg = cfg.withDefaults()
	for _, d := range []struct {
		field        string
		value, least time.Duration
	}{
		{"connect timeout", cfg.ConnectTimeout, time.Millisecond},
		{"backoff base", cfg.Backoff.Base, time.Millisecond},
		{"backoff max", cfg.Backoff.Max, cfg.Backoff.Base},
		{"resolve interval", cfg.ResolveInterval, time.Millisecond},
		{"ping interval", cfg.PingInterval, minPingInterval},
		{"dead after", cfg.DeadAfter, 2 * time.Second},
	} {
		if d.value < d.least {
			refuse("%s is %v; it must be %v or more", d.field, d.value, d.least)
		}
	}
	if !(cfg.PanicThreshold > 0 && cfg.PanicThreshold <= 1) {
		refuse("panic threshold is %v; it must be above 0 and at most 1", cfg.PanicThreshold)
	}
	if cfg.MinTotal < 0 || cfg.MinTotal > cfg.MaxConnections {
		refuse("min total is %d; it must be 0 to max connections, %d", cfg.MinTotal, cfg.MaxConnections)
	}
	if cfg.StreamWindow < leastWindow || cfg.StreamWindow > mostWindow {
		refuse("stream window is %d; it must be %d to %d", cfg.StreamWindow, leastWindow, mostWindow)
	}
	if cfg.ConnectionWindow < leastWindow || cfg.ConnectionWindow > mostWindow {
		refuse("connection window is %d; it must be %d to %d", cfg.ConnectionWindow, leastWindow, mostWindow)
	}
	if cfg.MaxHeaderList < minHeaderList {
		refuse("max header list is %d; it must be %d or more", cfg.MaxHeaderList, minHeaderList)
	}
	if cfg.MaxConnections < 1 || cfg.MaxConnections > connectionLimit {
		refuse("max connections is %d; it must be 1 to %d", cfg.MaxConnections, connectionLimit)
	}
	if cfg.MinConnections < 1 || cfg.MinConnections > cfg.MaxConnections {
		refuse("min connections is %d; it must be 1 to max connections, %d", cfg.MinConnections, cfg.MaxConnections)
	}
	if cfg.MaxStreams < 0 || cfg.MaxStreams > streamLimit {
		refuse("max streams is %d; it must be 0 to %d", cfg.MaxStreams, streamLimit)
	}
	return cfg, source, errors.Join(errs...)
}

// withDefaults returns cfg with a value for whatever has a default.
func (cfg Config) withDefaults() Config {
	if cfg.Policy == nil {
		cfg.Policy = DefaultPolicy()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&cfg.PanicThreshold, picker.DefaultPanicThreshold)
	setDefault(&cfg.MaxHeaderList, DefaultMaxHeaderList)
	setDefault(&cfg.UserAgent, DefaultUserAgent)
	setDefault(&cfg.StreamWindow, DefaultStreamWindow)
	setDefault(&cfg.ConnectionWindow, DefaultConnectionWindow)
	setDefault(&cfg.MinConnections, 1)
	setDefault(&cfg.MaxConnections, max(DefaultMaxConnections, cfg.MinConnections, cfg.MinTotal))
	setDefault(&cfg.ConnectTimeout, DefaultConnectTimeout)
	setDefault(&cfg.Backoff.Base, DefaultBackoffBase)
	setDefault(&cfg.Backoff.Max, max(DefaultBackoffMax, cfg.Backoff.Base))
	setDefault(&cfg.ResolveInterval, resolver.DefaultInterval)
	setDefault(&cfg.PingInterval, DefaultPingInterval)
	setDefault(&cfg.DeadAfter, DefaultDeadAfter)
	return cfg
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// source returns where the endpoints come from.
func (cfg Config) source() (resolver.Source, error) {
	given := 0
	for _, set := range []bool{cfg.Target != "", cfg.Endpoints != nil, cfg.Source != nil} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return resolver.Source{}, fmt.Errorf("%d of target, endpoints and source are set; exactly one must be", given)
	case cfg.Source != nil:
		return *cfg.Source, nil
	case cfg.Endpoints != nil:
		return resolver.FromEndpoints(cfg.Name, cfg.Endpoints)
	default:
		return resolver.ParseTarget(cfg.Target)
	}
}

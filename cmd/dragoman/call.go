// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/calling"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// codeShift is by how much exit codes of calls are the codes of gRPC, shifted left: those below 8 are the command's own.
const codeShift = 3

// maxLine is the size in bytes of the longest line that is read as a message.
const maxLine = 64 << 20

// callFlags are the flags of `dragoman call`.
type callFlags struct {
	in       input
	protos   []string
	at       string
	verb     string
	via      string
	data     []string
	headers  []string
	deadline time.Duration
	verbose  bool
	tls      tlsFlags
}

func newCall(t *terminal) *cobra.Command {
	var f callFlags
	cmd := &cobra.Command{
		Use:   "call METHOD | call PATH",
		Short: "Call a method, in any of the protocols",
		Long: `Call a method of a running gateway, or of any server, by its name, or send a request of HTTP to a path.

The schema comes from --protos, --descriptor-set or -c; without them, with --at or where no configuration file is found, the server is asked by reflection. A plain
path needs none.
Messages are JSON: that of -d, or without -d each line of the standard input, where the client streams. They are sent as they are read, and answers are printed
as they come.

The exit code is 0, or the code of gRPC shifted left by three: 40 is NOT_FOUND. Codes below 8 are those of the command itself.`,
		Example: `  dragoman call bookstore.v1.BookstoreService/GetShelf -d '{"name": "shelves/classics"}'
  dragoman call /v1/shelves
  dragoman call /v1/shelves -d '{"title": "Poems"}'
  dragoman call BookstoreService/Chat --via websocket --protos ./proto
  dragoman call Users/Get --at https://api.example.com --cacert ca.pem -H 'authorization: Bearer x' -v`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, t, args[0]) },
	}
	f.in.fileFlag(cmd)
	cmd.Flags().StringArrayVar(&f.protos, "protos", nil, "a folder of .proto files (repeatable)")
	cmd.Flags().StringArrayVar(&f.in.importPaths, "import-path", nil, "a folder where imports are looked for, or virtual=folder (repeatable)")
	cmd.Flags().StringArrayVar(&f.in.descriptorSets, "descriptor-set", nil, "a descriptor set, or a pattern of several (repeatable)")
	cmd.Flags().StringVar(&f.at, "at", "", "the server, http://HOST:PORT or https://HOST:PORT; by default that of the configuration, or http://"+defaultListen)
	cmd.Flags().StringVar(&f.via, "via", "", "rest, grpc, grpcweb, connect or websocket; by default rest for paths and grpc for methods")
	cmd.Flags().StringVarP(&f.verb, "request", "X", "", "the method of HTTP for a path; by default GET, or POST with -d")
	cmd.Flags().StringArrayVarP(&f.data, "data", "d", nil, "a message as JSON, or @FILE (repeatable where the client streams)")
	cmd.Flags().StringArrayVarP(&f.headers, "header", "H", nil, "a header field, 'name: value' (repeatable)")
	cmd.Flags().DurationVar(&f.deadline, "deadline", 0, "how long the call may take; by default as long as the server lets it")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show the exchange on the standard error")
	f.tls.add(cmd)
	return cmd
}

func (f *callFlags) run(cmd *cobra.Command, t *terminal, what string) error {
	wrong := func(format string, args ...any) error {
		return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
	}
	if f.via != "" && !slices.Contains(calling.Vias(), calling.Via(f.via)) {
		return wrong("--via is %q; it must be rest, grpc, grpcweb, connect or websocket", f.via)
	}
	if f.deadline < 0 {
		return wrong("--deadline is %s; it must not be negative", f.deadline)
	}
	header, err := headerOf(f.headers)
	if err != nil {
		return err
	}
	call := &calling.Call{Header: header, Timeout: f.deadline, Receive: t.receive}
	via := calling.Via(f.via)
	closeSchema := func() {}
	if f.plain(what) {
		via = cmp.Or(via, calling.ViaREST)
		if via != calling.ViaREST && via != calling.ViaWebSocket {
			return wrong("--via is %s, which needs the name of a method, such as package.Service/Method", via)
		}
		call.Target, call.HTTPMethod = what, f.verb
		if call.HTTPMethod == "" && len(f.data) > 0 {
			call.HTTPMethod = http.MethodPost
		}
		call.HTTPMethod = cmp.Or(call.HTTPMethod, http.MethodGet)
		if f.at == "" {
			f.in.find(t, f.protos)
		}
		if f.in.file != "" && f.at == "" {
			cfg, err := f.in.load(t, nil)
			if err != nil {
				return err
			}
			f.at = addressOf(cfg)
		}
	} else {
		if f.verb != "" {
			return wrong("-X is for paths; %s is a method", what)
		}
		via = cmp.Or(via, calling.ViaGRPC)
		if closeSchema, err = f.findMethod(cmd, t, call, what); err != nil {
			return err
		}
	}
	defer closeSchema()
	if call.Send, err = f.messages(call, via); err != nil {
		return wrong("-d: %w", err)
	}
	secure, err := f.tls.config()
	if err != nil {
		return wrong("%w", err)
	}
	cfg := calling.Config{URL: cmp.Or(f.at, "http://"+defaultListen), Via: via, TLS: secure}
	if f.verbose {
		cfg.Trace = t.err
	}
	caller, err := calling.New(cfg)
	if err != nil {
		return wrong("--at: %w", err)
	}
	defer caller.Close()
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return t.callError(caller.Do(ctx, call))
}

// plain tells whether what is called is a path, and not the name of a method.
func (f *callFlags) plain(what string) bool {
	return strings.HasPrefix(what, "/") && (f.verb != "" || !isMethodName(what))
}

// isMethodName tells whether a path may be "/package.Service/Method".
func isMethodName(path string) bool {
	service, method, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return ok && strings.Contains(service, ".") && method != "" && !strings.ContainsAny(method, "/?.:")
}

// findMethod loads the schema and finds the method of that name: the full one, or an end of it that is that of no other.
func (f *callFlags) findMethod(cmd *cobra.Command, t *terminal, call *calling.Call, what string) (closeSchema func(), err error) {
	cfg, err := f.schemas(t)
	if err != nil {
		return nil, err
	}
	loaded, err := app.Load(cmd.Context(), cfg, slog.New(slog.DiscardHandler), true)
	if err != nil {
		return nil, t.startError(err)
	}
	mux := loaded.Snapshot.Mux
	name := strings.TrimPrefix(what, "/")
	if !strings.Contains(name, "/") { // package.Service.Method
		if i := strings.LastIndexByte(name, '.'); i > 0 {
			name = name[:i] + "/" + name[i+1:]
		}
	}
	var found []*transcoder.Method
	for _, m := range mux.Methods() {
		switch {
		case m.Local:
		case m.Path == "/"+name:
			found = []*transcoder.Method{m}
		case len(found) != 1 || found[0].Path != "/"+name:
			if strings.HasSuffix(m.Path, "."+name) || strings.HasSuffix(m.Path, "/"+name) {
				found = append(found, m)
			}
		}
	}
	if len(found) != 1 {
		defer loaded.Close()
		var names []string
		for _, m := range found {
			names = append(names, strings.TrimPrefix(m.Path, "/"))
		}
		if len(found) == 0 {
			return nil, &exitError{code: exitFailed, err: fmt.Errorf("no service has a method %s; the services are %s", name, strings.Join(mux.Services(), ", "))}
		}
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s may be %s", name, strings.Join(names, " or "))}
	}
	call.Method = found[0]
	for _, b := range mux.Routes().Bindings() {
		if b.Method == call.Method.Desc && b.Place.Origin != httprule.FromDefault && (call.Binding == nil || b.Index < call.Binding.Index) {
			call.Binding = b
		}
	}
	return loaded.Close, nil
}

// schemas is the configuration that has the schema: a file, folders, or the server itself.
func (f *callFlags) schemas(t *terminal) (*config.Config, error) {
	if f.at == "" {
		f.in.find(t, f.protos)
	}
	if f.in.file != "" || len(f.protos) > 0 || len(f.in.descriptorSets) > 0 {
		cfg, err := f.in.load(t, f.protos)
		if err == nil && f.at == "" && f.in.file != "" {
			f.at = addressOf(cfg)
		}
		return cfg, err
	}
	u, err := url.Parse(cmp.Or(f.at, "http://"+defaultListen))
	if err != nil || u.Host == "" {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("--at is %q; it must be a URL such as http://%s", f.at, defaultListen)}
	}
	f.in.to = u.Host
	if u.Port() == "" {
		f.in.to = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	cfg, err := f.in.load(t, nil)
	if err == nil && u.Scheme == "https" {
		cfg.Backends[0].TLS = &backend.TLS{
			CA: f.tls.ca, Cert: f.tls.cert, Key: f.tls.key, ServerName: cmp.Or(f.tls.serverName, u.Hostname()), InsecureSkipVerify: f.tls.insecure,
		}
	}
	return cfg, err
}

// addressOf is where the first listener of a configuration can be reached from here.
func addressOf(cfg *config.Config) string {
	l := &cfg.Listeners[0]
	host, port, err := net.SplitHostPort(l.Address)
	if err != nil {
		return "http://" + l.Address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme(l.TLS != nil) + "://" + net.JoinHostPort(host, port)
}

// messages are the messages of -d; or the lines of the standard input, where the client streams.
func (f *callFlags) messages(call *calling.Call, via calling.Via) (func() ([]byte, error), error) {
	streams := call.Method != nil && call.Method.ClientStreams || call.Method == nil && via == calling.ViaWebSocket
	if len(f.data) == 0 && streams {
		lines := bufio.NewScanner(os.Stdin)
		const first = 64 << 10
		lines.Buffer(make([]byte, first), maxLine)
		return func() ([]byte, error) {
			for lines.Scan() {
				if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
					return bytes.Clone(line), nil
				}
			}
			return nil, cmp.Or(lines.Err(), io.EOF)
		}, nil
	}
	if len(f.data) > 1 && !streams {
		return nil, errors.New("there are several, and the method takes one message")
	}
	var all [][]byte
	for _, d := range f.data {
		data, err := dataOf(d)
		if err != nil {
			return nil, err
		}
		if call.Method != nil && !json.Valid(data) {
			return nil, fmt.Errorf("%.60q is not JSON", data)
		}
		all = append(all, data)
	}
	return func() ([]byte, error) {
		if len(all) == 0 {
			return nil, io.EOF
		}
		next := all[0]
		all = all[1:]
		return next, nil
	}, nil
}

// receive prints a message of an answer.
func (t *terminal) receive(message []byte, raw bool) error {
	if !raw {
		message = append(bytes.Clone(message), '\n')
	}
	_, err := t.out.Write(message)
	return err
}

// callError prints the failure of a call, and returns it with its exit code.
func (t *terminal) callError(err error) error {
	f, ok := errors.AsType[*calling.Failure](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		f = &calling.Failure{Code: codes.Canceled, Message: "the call was cancelled"}
	case !ok:
		return &exitError{code: exitFailed, err: err}
	}
	fmt.Fprintf(t.err, "error: %s\n", f.Error())
	for _, d := range f.Details {
		fmt.Fprintf(t.err, "   = detail: %s\n", d)
	}
	return &exitError{code: int(f.Code) << codeShift}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/calling"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// completionTime is how long a person who pressed the tab key waits for a gateway at most.
const completionTime = time.Second

// completionLoad is how long schemas may take to load for that: files of this machine, which nobody else keeps waiting.
const completionLoad = 5 * time.Second

// offers tells what can stand next on a command line, of which args are there already.
type offers func(ctx context.Context, cmd *cobra.Command, args []string) []string

// addCompletions says what shells offer for arguments and flags, of all commands. What a command does not say here is completed as
// a file, as shells do.
func addCompletions(root *cobra.Command, t *terminal) {
	arguments := map[string]offers{
		"apis off":         only(1, t.methodGlobs),
		"apis reset":       only(1, t.switchGlobs),
		"apis to":          t.backendThenMethods,
		"backends":         only(1, t.backendNames),
		"backends drain":   only(2, t.backendThenEndpoints), //nolint:mnd // a backend and an endpoint
		"backends undrain": only(2, t.backendThenEndpoints), //nolint:mnd // a backend and an endpoint
		"backends weight":  only(2, t.backendThenEndpoints), //nolint:mnd // the weight is up to the person
		"call":             only(1, t.methodNames),
		"explain":          t.codesOrVerbs,
	}
	flags := map[string]offers{
		"color":      fixed("auto", "always", "never"),
		"log-format": fixed("text", "json"),
		"log-level":  fixed("debug", "info", "warn", "error"),
		"request":    fixed("GET", "POST", "PUT", "PATCH", "DELETE"),
		"service":    t.serviceGlobs,
		"via":        fixed(vias()...),
	}
	walkCommands(root, func(cmd *cobra.Command) {
		offered, ok := arguments[strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")]
		switch {
		case ok:
			cmd.ValidArgsFunction = offer(offered)
		case strings.Contains(cmd.Use, "PROTO_DIR"):
			cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		case cmd.ValidArgsFunction == nil && !cmd.HasSubCommands():
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		for name, offered := range flags {
			if cmd.Flag(name) != nil && cmd.LocalFlags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, offer(offered)) // it is there, and has none yet
			}
		}
		for name, extensions := range map[string][]string{"config": {"yaml", "yml"}, "descriptor-set": {"binpb", "pb", "json", "gz"}} {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.MarkFlagFilename(name, extensions...)
			}
		}
		for _, name := range []string{"protos", "import-path"} {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.MarkFlagDirname(name)
			}
		}
	})
}

// walkCommands visits a command and all below it.
func walkCommands(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, below := range cmd.Commands() {
		walkCommands(below, visit)
	}
}

// offer makes of offers what cobra asks.
func offer(w offers) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		base := cmd.Context()
		if base == nil {
			base = context.Background()
		}
		ctx, cancel := context.WithTimeout(base, completionTime)
		defer cancel()
		_ = setFlags(cmd, os.Getenv) // a shell has no place for errors; whoever runs the command is told
		return w(ctx, cmd, args), cobra.ShellCompDirectiveNoFileComp
	}
}

// only offers nothing after so many arguments.
func only(most int, w offers) offers {
	return func(ctx context.Context, cmd *cobra.Command, args []string) []string {
		if len(args) >= most {
			return nil
		}
		return w(ctx, cmd, args)
	}
}

func fixed(all ...string) offers {
	return func(context.Context, *cobra.Command, []string) []string { return all }
}

func vias() []string {
	var all []string
	for _, via := range calling.Vias() {
		all = append(all, string(via))
	}
	return all
}

// running asks the gateway that runs, where --admin or the environment says. Where none answers nothing is offered: a shell has no place for
// errors.
func (t *terminal) running(ctx context.Context, cmd *cobra.Command, ask func(context.Context, *grpc.ClientConn) error) {
	c := &control{terminal: t, address: os.Getenv(addressVariable)}
	if flag := cmd.Flag("admin"); flag != nil && flag.Changed {
		c.address = flag.Value.String()
	}
	_ = c.ask(ctx, ask)
}

func (t *terminal) backendNames(ctx context.Context, cmd *cobra.Command, _ []string) (names []string) {
	t.running(ctx, cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := adminv1.NewBackendServiceClient(conn).ListBackends(ctx, &adminv1.ListBackendsRequest{})
		for _, b := range answer.GetBackends() {
			names = append(names, b.GetName())
		}
		return err
	})
	return names
}

func (t *terminal) backendThenEndpoints(ctx context.Context, cmd *cobra.Command, args []string) (addresses []string) {
	if len(args) == 0 {
		return t.backendNames(ctx, cmd, args)
	}
	t.running(ctx, cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := adminv1.NewBackendServiceClient(conn).GetBackend(ctx, &adminv1.GetBackendRequest{Name: args[0]})
		for _, e := range answer.GetBackend().GetEndpoints() {
			addresses = append(addresses, e.GetAddress()+"\t"+stateWord(e.GetState()))
		}
		return err
	})
	return addresses
}

func (t *terminal) backendThenMethods(ctx context.Context, cmd *cobra.Command, args []string) []string {
	switch len(args) {
	case 0:
		return t.backendNames(ctx, cmd, args)
	case 1:
		return t.methodGlobs(ctx, cmd, args)
	default:
		return nil
	}
}

func (t *terminal) switchGlobs(ctx context.Context, cmd *cobra.Command, _ []string) (globs []string) {
	t.running(ctx, cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := adminv1.NewSwitchServiceClient(conn).ListSwitches(ctx, &adminv1.ListSwitchesRequest{})
		for _, s := range answer.GetSwitches() {
			globs = append(globs, s.GetMatch()+"\t"+s.GetNote())
		}
		return err
	})
	return globs
}

// methodGlobs are the services of a gateway that runs, and their methods.
func (t *terminal) methodGlobs(ctx context.Context, cmd *cobra.Command, _ []string) (globs []string) {
	t.running(ctx, cmd, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := adminv1.NewSchemaServiceClient(conn).ListServices(ctx, &adminv1.ListServicesRequest{})
		for _, s := range answer.GetServices() {
			globs = append(globs, s.GetName())
			for _, m := range s.GetMethods() {
				globs = append(globs, s.GetName()+"/"+m.GetName())
			}
		}
		return err
	})
	return globs
}

// methodNames are the methods of the schemas that the command line names, or else of a gateway that runs.
func (t *terminal) methodNames(ctx context.Context, cmd *cobra.Command, args []string) []string {
	methods, named := t.schemaMethods(ctx, cmd, args)
	if !named {
		methods = t.methodGlobs(ctx, cmd, args)
	}
	return slices.DeleteFunc(methods, func(m string) bool { return !strings.Contains(m, "/") })
}

// serviceGlobs are the services of the schemas that the command line names, or else of a gateway that runs.
func (t *terminal) serviceGlobs(ctx context.Context, cmd *cobra.Command, args []string) []string {
	methods, named := t.schemaMethods(ctx, cmd, args)
	if !named {
		methods = t.methodGlobs(ctx, cmd, args)
	}
	for i := range methods {
		methods[i], _, _ = strings.Cut(methods[i], "/")
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// schemaMethods are the methods, as package.Service/Method, of the schemas that the command line names; false where it names none. No
// backend is asked.
func (t *terminal) schemaMethods(ctx context.Context, cmd *cobra.Command, args []string) (methods []string, named bool) {
	in := &input{}
	dirs, _ := cmd.Flags().GetStringArray("protos") // a flag that a command does not have is empty
	if strings.Contains(cmd.Use, "PROTO_DIR") {
		dirs = append(dirs, args...)
	}
	in.file, _ = cmd.Flags().GetString("config")
	in.importPaths, _ = cmd.Flags().GetStringArray("import-path")
	in.descriptorSets, _ = cmd.Flags().GetStringArray("descriptor-set")
	in.to, _ = cmd.Flags().GetString("to")
	if at, _ := cmd.Flags().GetString("at"); at == "" && cmd.Flags().Lookup("config") != nil {
		in.find(t, dirs)
	}
	if in.file == "" && len(dirs) == 0 && len(in.descriptorSets) == 0 {
		return nil, false
	}
	cfg, err := in.load(t, dirs) // what is wrong goes to the standard error, which shells throw away here
	if err != nil {
		return nil, true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completionLoad)
	defer cancel()
	loaded, err := app.Load(ctx, cfg, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return nil, true
	}
	defer loaded.Close()
	for _, m := range loaded.Snapshot.Mux.Methods() {
		if !m.Local {
			methods = append(methods, strings.TrimPrefix(m.Path, "/"))
		}
	}
	slices.Sort(methods)
	return methods, true
}

// codesOrVerbs are what `dragoman explain` begins with.
func (t *terminal) codesOrVerbs(_ context.Context, _ *cobra.Command, args []string) []string {
	if len(args) > 0 {
		return nil
	}
	all := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	for _, page := range explain.Pages() {
		all = append(all, page.Code+"\t"+page.Title)
	}
	return all
}

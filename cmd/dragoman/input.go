// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// onlyBackend is the name of the backend of `dev` and `demo`.
const onlyBackend = "backend"

// input is where a command has its schemas from: a configuration file, or flags.
type input struct {
	file           string
	to             string
	importPaths    []string
	descriptorSets []string
	// strict refuses two methods that claim one route also where no file says so.
	strict bool
}

// fileFlag adds -c.
func (in *input) fileFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&in.file, "config", "c", "", "the configuration file; without it dragoman.yaml, "+configVariable+" or "+packagedFile+", the first that is there")
	nameVariable(cmd.Flags(), "config", configVariable)
}

// schemaFlags adds what says where schemas are without a file.
func (in *input) schemaFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.importPaths, "import-path", nil,
		"a folder where imports are looked for, or virtual=folder, as protoc has it (repeatable)")
	cmd.Flags().StringArrayVar(&in.descriptorSets, "descriptor-set", nil, "a descriptor set, or a pattern of several (repeatable)")
	cmd.Flags().StringVar(&in.to, "to", "", "the backend, host:port; without protos and descriptor sets it is asked by reflection")
}

// find takes the configuration file that is there where the command line does not say where schemas are. One that is not in the folder is
// named: nobody sees it there.
func (in *input) find(t *terminal, dirs []string) {
	if in.file != "" || in.to != "" || len(dirs)+len(in.importPaths)+len(in.descriptorSets) > 0 {
		return
	}
	if in.file = usualFile(); in.file != "" && in.file != hereFile {
		t.note("note: the configuration file is %s", in.file)
	}
}

// load returns the configuration: of the file, or of the flags and the folders.
func (in *input) load(t *terminal, dirs []string) (*config.Config, error) {
	if in.file == "" {
		return in.fromFlags(dirs)
	}
	if len(dirs) > 0 || in.to != "" || len(in.importPaths) > 0 || len(in.descriptorSets) > 0 {
		return nil, &exitError{code: exitUsage, err: errors.New("-c stands alone; folders, --to, --import-path and --descriptor-set say the same without a file")}
	}
	cfg, err := config.Load(in.file, config.Options{})
	if err == nil {
		t.problems(cfg.Warnings)
		return cfg, nil
	}
	if p, ok := errors.AsType[*config.Problems](err); ok {
		t.problems(p.List)
		return nil, &exitError{code: exitInvalid, err: fmt.Errorf("%s has %s", in.file, counted(len(p.List), "problem"))}
	}
	return nil, &exitError{code: exitInvalid, err: err}
}

// fromFlags makes the configuration of folders, sets and a backend, watched where that is possible. Two methods that claim one route
// do not keep it from starting, unless in is strict: the first has it, and the screen says so.
func (in *input) fromFlags(dirs []string) (*config.Config, error) {
	cfg := &config.Config{Schemas: config.Schemas{OnConflict: config.ConflictFirstWins}}
	if in.strict {
		cfg.Schemas.OnConflict = config.ConflictReject
	}
	if len(dirs) > 0 {
		protos := &config.Protos{Dirs: dirs, Watch: true}
		for _, p := range in.importPaths {
			virtual, dir, mapped := strings.Cut(p, "=")
			if !mapped {
				virtual, dir = "", p
			}
			protos.ImportPaths = append(protos.ImportPaths, config.ImportPath{Virtual: virtual, Dir: dir})
		}
		cfg.Schemas.Sources = append(cfg.Schemas.Sources, config.Source{Name: strings.Join(dirs, ", "), Protos: protos})
	} else if len(in.importPaths) > 0 {
		return nil, &exitError{code: exitUsage, err: errors.New("--import-path needs a folder of protos whose imports it finds")}
	}
	for _, set := range in.descriptorSets {
		cfg.Schemas.Sources = append(cfg.Schemas.Sources,
			config.Source{Name: set, DescriptorSet: &config.DescriptorSet{Path: set, Watch: true}})
	}
	if in.to != "" {
		if err := checkTarget(in.to); err != nil {
			return nil, err
		}
		cfg.Backends = []backend.Config{{Name: onlyBackend, Target: in.to}}
		cfg.Services = []config.Service{{Match: config.AllServices(), Backend: onlyBackend}}
	}
	if len(cfg.Schemas.Sources) == 0 {
		if in.to == "" {
			return nil, &exitError{code: exitUsage, err: errors.New("there is nothing to load: name a folder of .proto files, a --descriptor-set, or a backend that serves reflection with --to; there is no dragoman.yaml here, either")}
		}
		cfg.Schemas.Sources = []config.Source{{
			Name: "reflection of " + in.to, Reflection: &config.Reflection{Backend: onlyBackend, Interval: reflectionInterval},
		}}
	}
	cfg.SetDefaults()
	return cfg, nil
}

// checkTarget refuses a --to that names no backend, and says what to write.
func checkTarget(to string) error {
	wrong := func(what, write string) error {
		return &exitError{code: exitUsage, err: fmt.Errorf("--to is %q; %s --to %s", to, what, write)}
	}
	if address, ok := strings.CutPrefix(to, "http://"); ok {
		return wrong("it has no scheme: write", strings.TrimRight(address, "/"))
	}
	if strings.HasPrefix(to, "https://") {
		return &exitError{code: exitUsage, err: fmt.Errorf("--to is %q; it is host:port, in clear text: a backend with TLS needs a configuration file, which dragoman config init begins", to)}
	}
	host, port, err := net.SplitHostPort(to)
	_, notNumber := strconv.ParseUint(to, 10, 16)
	switch {
	case notNumber == nil:
		return wrong("its host is missing: write", net.JoinHostPort("localhost", to))
	case err == nil && host == "":
		return wrong("its host is missing: write", net.JoinHostPort("localhost", port))
	case err != nil && !strings.ContainsAny(to, " /") && !strings.HasPrefix(to, "static:") && !strings.HasPrefix(to, "unix:"):
		return wrong("its port is missing: write", net.JoinHostPort(strings.Trim(to, "[]"), usualPort))
	}
	if _, err := resolver.ParseTarget(to); err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("--to: %w", err)}
	}
	return nil
}

// usualPort is the port that servers of gRPC have in most examples.
const usualPort = "50051"

// reflectionInterval is how often `dev` asks a backend whether its schema changed.
const reflectionInterval = 5 * time.Second

// listen puts the listeners of `dev` and `demo` at these addresses. Who tries something out wants to ask what there is.
func listen(cfg *config.Config, address, adminAddress string) error {
	for flag, a := range map[string]string{"--listen": address, "--admin": adminAddress} {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return &exitError{code: exitUsage, err: fmt.Errorf("%s is %q; it must be host:port, such as 127.0.0.1:8080", flag, a)}
		}
	}
	cfg.Listeners = []transport.Config{{Name: config.DefaultListener, Address: address}}
	cfg.Local = map[string]config.Local{config.DefaultListener: {Reflection: true}}
	cfg.Docs = &docs.Config{}
	cfg.Admin.Address = adminAddress
	cfg.SetDefaults()
	return nil
}

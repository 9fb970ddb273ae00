// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/proto"
)

// demoInstances is how many instances of the bookstore stand behind the gateway, so that balancing is seen.
const demoInstances = 3

func newDemo(t *terminal) *cobra.Command {
	var address, adminAddress string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Serve an example API with a built-in backend: nothing else is needed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := startDemo(cmd.Context())
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			defer d.stop()
			cfg, err := d.config()
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			if err := listen(cfg, address, adminAddress); err != nil {
				return err
			}
			cfg.Docs.Info.Title = "Bookstore"
			t.forPeople(cfg)
			s := &screen{
				terminal: t, mode: "demo: a bookstore, three instances; edit the proto and see it reload", again: "dragoman routes " + d.protos,
				tries: []string{
					"curl {api}/v1/shelves",
					"curl {api}/v1/shelves/computing/books -H 'content-type: application/json' -d '{\"title\":\"Sketchpad\",\"authors\":[\"Ivan Sutherland\"]}'",
					"curl -N {api}/v1/books:watch",
					"grpcurl -plaintext {address} bookstore.v1.BookstoreService/ListShelves",
				},
			}
			return (&service{terminal: t, config: cfg, started: s.print, reloaded: s.reloaded, draining: s.draining}).run(cmd.Context())
		},
	}
	listenFlags(cmd, &address, &adminAddress)
	return cmd
}

// demo is the example: its protos in a folder, its backend on free ports.
type demo struct {
	protos  string
	cluster *bookstore.Cluster
}

func startDemo(ctx context.Context) (*demo, error) {
	folder, err := os.MkdirTemp("", "dragoman-demo-")
	if err != nil {
		return nil, err
	}
	d := &demo{protos: folder}
	if err := unpack(proto.Bookstore, folder); err != nil {
		d.stop() //nolint:contextcheck // what was opened is closed, however the start ended
		return nil, err
	}
	if d.cluster, err = bookstore.Start(ctx, bookstore.ClusterConfig{Instances: demoInstances}); err != nil {
		d.stop() //nolint:contextcheck // what was opened is closed, however the start ended
		return nil, err
	}
	return d, nil
}

// unpack writes an embedded folder to disk, where it can be edited.
func unpack(from fs.FS, folder string) error {
	const dirMode, fileMode = 0o755, 0o644
	return fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(folder, filepath.FromSlash(name))
		if e.IsDir() {
			return os.MkdirAll(to, dirMode)
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, fileMode)
	})
}

func (d *demo) config() (*config.Config, error) {
	b := backend.Config{Name: "bookstore"}
	for _, address := range d.cluster.Addresses() {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
		if err != nil {
			return nil, fmt.Errorf("demo: %w", err)
		}
		b.Endpoints = append(b.Endpoints, e)
	}
	return &config.Config{
		Schemas:  config.Schemas{Sources: []config.Source{{Name: d.protos, Protos: &config.Protos{Dirs: []string{d.protos}, Watch: true}}}},
		Backends: []backend.Config{b},
		Services: []config.Service{{Match: config.AllServices(), Backend: b.Name}},
	}, nil
}

// stop ends the backend and removes the folder.
func (d *demo) stop() {
	if d.cluster != nil {
		const patience = 2 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = d.cluster.Close(ctx) // what did not end in time is cut off: the gateway in front has gone
	}
	_ = os.RemoveAll(d.protos) // in the folder for temporary files, which the system clears
}

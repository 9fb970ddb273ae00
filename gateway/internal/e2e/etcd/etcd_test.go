// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

// etcdProgram is where Debian's etcd-server puts it.
const etcdProgram = "/usr/bin/etcd"

// etcd is one etcd process.
type etcd struct {
	*process
	address string // host:port of gRPC and of its own JSON gateway
}

// startEtcd starts an etcd that is fresh, alone in its cluster, and ready. What it tells about itself does not depend on
// the port that it got: every etcd of this test has the same name, the same cluster, and, in its answers, the same URLs.
func startEtcd(t *testing.T) *etcd {
	t.Helper()
	const identity, peer, client = "etcd", "http://127.0.0.1:2380", "http://etcd.invalid:2379"
	e := &etcd{address: freeAddress(t)}
	e.process = start(t, "etcd "+e.address, etcdProgram,
		"--name", identity, "--data-dir", t.TempDir(), "--logger", "zap", "--log-level", "warn",
		"--listen-client-urls", "http://"+e.address, "--advertise-client-urls", client,
		// Nobody is to reach the peer, so any port will do.
		"--listen-peer-urls", "http://127.0.0.1:0", "--initial-advertise-peer-urls", peer,
		"--initial-cluster", identity+"="+peer,
		// The files are gone when the test ends.
		"--unsafe-no-fsync",
	)
	web := newWeb(t)
	// Until the version of the cluster is decided, an entry of the log is still to come.
	e.await(t, "the version of its cluster", func(ctx context.Context) bool {
		var version struct {
			Cluster string `json:"etcdcluster"`
		}
		return getJSON(ctx, web, "http://"+e.address+"/version", &version) && version.Cluster == "3.4.0"
	})
	return e
}

// getJSON reports whether a GET was answered with 200 and JSON.
func getJSON(ctx context.Context, web *http.Client, url string, into any) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := web.Do(request)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(response.Body)
	return errors.Join(err, response.Body.Close()) == nil && response.StatusCode == http.StatusOK && json.Unmarshal(body, into) == nil
}

// freeAddress returns an address on the loopback that nobody listens at. etcd cannot be given port 0, since its own
// gateway dials the address that it was given.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Threat H5: whatever is wrong with a backend, clients are told that it is unavailable, and no address, path or name of a registry.
func TestThreatH5_ClientsAreToldNoAddresses(t *testing.T) {
	t.Parallel()
	dead := freeAddress(t)
	nobody := resolvertest.NewDNS(t)
	nobody.Answer()
	refusing := newConsul(t, "other", "none")
	_, port, _ := strings.Cut(dead, ":")
	for name, yaml := range map[string]string{
		"a server that is not there": fmt.Sprintf("endpoints: [{address: %q}]", dead),
		"a socket that is not there": "target: unix:" + filepath.Join(t.TempDir(), "secret.sock"),
		"a name without addresses":   fmt.Sprintf("target: dns://%s/secret.example:%s", nobody.Address(), port),
		"a file that is not there":   "file: " + filepath.Join(t.TempDir(), "secret.yaml"),
		"etcd that is not there":     fmt.Sprintf("etcd: {servers: [%q], prefix: secret, timeout: 100ms}", dead),
		"consul that refuses":        fmt.Sprintf("consul: {server: %q, service: secret}", refusing.URL),
		"kubernetes that refuses":    fmt.Sprintf("kubernetes: {server: %q, service: secret, namespace: secret, token_file: none}", refusing.URL),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, yaml)
			rest := &http.Client{Transport: &http.Transport{}}
			defer rest.CloseIdleConnections()
			check := func(err error) {
				t.Helper()
				if err == nil {
					t.Fatal("the call succeeds")
				}
				for _, leak := range []string{"127.0.0.1", port, "secret", "dial", "/tmp", "refused"} {
					if strings.Contains(strings.ReplaceAll(err.Error(), d.address, ""), leak) {
						t.Errorf("a client is told %q: %v", leak, err)
					}
				}
			}
			eventually(t, func() error { // at first a call waits for the first attempt
				_, err := echo(within(t), d.client, &testv1.CanaryRequest{})
				check(err)
				if grpcstatus.Code(err) != codes.Unavailable {
					return err
				}
				return nil
			})
			_, _, err := get(within(t), rest, "http://"+d.address+"/canary/v1/echo", nil)
			check(err)
			if !strings.Contains(err.Error(), "503") {
				t.Errorf("REST: %v; want 503", err)
			}
			// The operator is told.
			eventually(t, func() error {
				o := d.started.Overviews()[0]
				told := o.Source.Error
				for _, e := range o.Endpoints {
					told += e.Error
				}
				if told == "" {
					return errors.New("the operator is not told what is wrong")
				}
				return nil
			})
		})
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/systemd"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// givenSockets gives each listener the sockets that have its name. The error names those that are for no listener, and then all are closed.
func givenSockets(given []systemd.Socket, listeners []transport.Config) (map[string]transport.Sockets, error) {
	found := map[string]transport.Sockets{}
	names := make([]string, len(listeners))
	for i := range listeners {
		names[i] = listeners[i].Name
		for _, s := range given {
			if s.Name == names[i] {
				found[s.Name] = transport.Sockets{TCP: s.TCP, UDP: s.UDP}
			}
		}
	}
	var errs []error
	for _, s := range given {
		if _, ok := found[s.Name]; !ok {
			errs = append(errs, fmt.Errorf("a socket was given with the name %q, and no listener has it; there are %s (FileDescriptorName= of the socket's unit says the name)",
				s.Name, strings.Join(names, ", ")))
		}
	}
	if len(errs) == 0 {
		return found, nil
	}
	for _, s := range given {
		errs = append(errs, s.Close())
	}
	return nil, errors.Join(errs...)
}

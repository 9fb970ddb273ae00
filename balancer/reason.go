// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// errNoEndpoints is a resolver that names none.
var errNoEndpoints = errors.New("the resolver names no endpoints")

// timeoutError is a connection attempt that took too long.
type timeoutError struct {
	after time.Duration
}

// Error implements error.
func (e timeoutError) Error() string { return fmt.Sprintf("no connection within %v", e.after) }

// Timeout says that it is a timeout, as net.Error does.
func (timeoutError) Timeout() bool { return true }

// maxNamed is how many endpoints an error names.
const maxNamed = 3

// unreadyLocked returns the error of calls that no endpoint can take.
func (h *host) unreadyLocked() error {
	if len(h.order) == 0 {
		if h.err == nil {
			return fmt.Errorf("backend %q: no ready endpoint: not resolved yet", h.hub.cfg.Name)
		}
		return fmt.Errorf("backend %q: no ready endpoint: %w", h.hub.cfg.Name, h.err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "backend %q: no ready endpoint", h.hub.cfg.Name)
	for i, m := range h.order {
		if i == maxNamed {
			fmt.Fprintf(&b, "; and %d more", len(h.order)-maxNamed)
			break
		}
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		why := "drained"
		if !m.override.drained {
			why = reason(m.err)
		}
		b.WriteString(sep + m.endpoint.String() + ": " + why)
	}
	return errors.New(b.String())
}

// IsUnready says whether err is a call's failure because no endpoint was ready to take it: the call has
// not left this process, and no backend has seen it. call is what the caller attached with
// picker.WithCall. The status alone does not tell: a backend may answer UNAVAILABLE with any text.
func IsUnready(err error, call *picker.Call) bool {
	return status.Code(err) == codes.Unavailable && call.Stage() == picker.StageWaiting
}

// reason returns in a few words why an endpoint cannot be reached.
func reason(err error) string {
	var timeout timeoutError
	var netTimeout net.Error
	var noName *net.DNSError
	var otherName x509.HostnameError
	switch {
	case err == nil:
		return "not connected yet"
	case errors.As(err, &timeout):
		return timeout.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route"
	case errors.Is(err, syscall.ENOENT):
		return "no such socket"
	case errors.Is(err, os.ErrPermission):
		return "permission denied"
	case errors.As(err, &noName):
		return "name not found: " + noName.Name
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netTimeout) && netTimeout.Timeout():
		return "connect timeout"
	case errors.As(err, &otherName):
		return "tls: certificate is for " + namesOf(otherName.Certificate) + ", expected " + otherName.Host
	case isTLS(err):
		return "tls: " + strings.TrimPrefix(root(err).Error(), "tls: ")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed before the HTTP/2 handshake was over; is it a gRPC server, and is TLS right?"
	default:
		return root(err).Error()
	}
}

// mostNames is how many names are told of a certificate: some have hundreds.
const mostNames = 3

// namesOf are the names that a certificate is for.
func namesOf(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch more := len(names) - mostNames; {
	case len(names) == 0:
		return "no name"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNames], ", "), more)
	default:
		return strings.Join(names, ", ")
	}
}

// isTLS says whether err comes of a TLS handshake, and not of the name that the certificate is for.
func isTLS(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		header  tls.RecordHeaderError
		alert   tls.AlertError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	return errors.As(err, &verify) || errors.As(err, &header) || errors.As(err, &alert) ||
		errors.As(err, &unknown) || errors.As(err, &invalid)
}

// root returns what err wraps at the bottom, without what was said on the way.
func root(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

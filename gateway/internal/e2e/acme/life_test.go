// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

// certificates is what the admin API tells of them.
type certificates struct {
	Certificates []struct {
		UsedBy, Source, Error string
		Names                 []string
		DaysLeft              int
	}
	Domains []struct {
		Listener, Name, State, Error string
		NextTry                      time.Time
	}
	Events []struct{ Listener, Kind, Name, Text string }
}

// A certificate is renewed before it ends, while calls go on that began before.
func TestRenewal(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{validity: 12 * time.Second}).run(t)
	d := start(t, &settings{authority: a, domains: "[short.acme.test]", more: ", renew_before: 9s"})
	first := d.issued(t, a, a.secure, "short.acme.test")
	c := client(t, a.secure, "short.acme.test", a.trusted(t))
	eventually(t, func() error {
		if status, body, err := fetch(t, c, "https://short.acme.test/canary/v1/echo"); err != nil || status != http.StatusOK {
			t.Fatalf("a call on a connection that goes on: %d %s %v", status, body, err)
		}
		now, err := shake(t, a.secure, "short.acme.test", a.trusted(t))
		if err != nil {
			t.Fatalf("there was a moment without a certificate: %v", err)
		}
		if now.Equal(first) {
			return fmt.Errorf("it is the first one, which ends at %s", now.NotAfter)
		}
		return nil
	})
	var told certificates
	d.admin(t, "/api/v1/certificates", &told)
	if e := told.Events; len(e) == 0 || e[0].Kind != "ACME_EVENT_KIND_ISSUED" && e[1].Kind != "ACME_EVENT_KIND_ISSUED" {
		t.Errorf("the newest events are %+v", e)
	}
}

// What was issued is in the storage: a gateway that begins while the authority is dead shows it with the first handshake.
func TestRestartReadsTheStorage(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{}).run(t)
	s := &settings{authority: a, domains: "[kept.acme.test, also.acme.test]"}
	d := start(t, s)
	before, also, trusted := d.issued(t, a, a.secure, "kept.acme.test"), d.issued(t, a, a.secure, "also.acme.test"), a.trusted(t)
	d.stop(t)
	a.kill()
	start(t, s)
	for _, want := range []string{"kept.acme.test", "also.acme.test"} {
		got, err := shake(t, a.secure, want, trusted)
		if err != nil || !got.Equal(before) && !got.Equal(also) {
			t.Errorf("%s after the restart: %v; want the certificate of before", want, err)
		}
	}
}

// While the authority is down the gateway serves what it can, refuses the rest at once and says why; when the authority is back it is asked again.
func TestAuthorityIsDownAndComesBack(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{})
	certificate, key := selfSigned(t, t.TempDir())
	d := start(t, &settings{authority: a, domains: "[late.acme.test]"})
	began := time.Now()
	if _, err := shake(t, a.secure, "late.acme.test", nil); err == nil || time.Since(began) > patience/2 {
		t.Errorf("a handshake without a certificate: %v after %s; want a refusal at once", err, time.Since(began))
	}
	if status, body, err := fetch(t, direct(t), "http://"+a.plain+"/canary/v1/echo"); err != nil || status != http.StatusOK {
		t.Errorf("the listener in clear text: %d %s %v", status, body, err)
	}
	var told certificates
	eventually(t, func() error {
		d.admin(t, "/api/v1/certificates", &told)
		if len(told.Domains) != 1 || !strings.Contains(told.Domains[0].Error, "connection refused") || told.Domains[0].NextTry.IsZero() {
			return fmt.Errorf("the domains are %+v", told.Domains)
		}
		return nil
	})
	if !strings.Contains(d.log.String(), "there is no certificate") || !strings.Contains(d.log.String(), "connection refused") {
		t.Errorf("the log does not say why: %s", d.log.String())
	}
	// Meanwhile a certificate of the operator's own may stand in.
	d.reload(t, &settings{
		authority: a, backend: d.backend, storage: d.storage, domains: "[late.acme.test]", tls: fmt.Sprintf(", cert: %q, key: %q", certificate, key),
	})
	if own, err := shake(t, a.secure, "late.acme.test", nil); err != nil || own.DNSNames[0] != "file.acme.test" {
		t.Errorf("with a certificate in files: %v", err)
	}
	a.run(t)
	if got := d.issued(t, a, a.secure, "late.acme.test"); got.DNSNames[0] != "late.acme.test" {
		t.Errorf("the certificate is for %v", got.DNSNames)
	}
}

// What the authority refuses is told with its reason, and holds up nothing else.
func TestAuthorityRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{}).run(t)
	d := start(t, &settings{authority: a, domains: "[" + blocked + ", good.acme.test]"})
	d.issued(t, a, a.secure, "good.acme.test")
	eventually(t, func() error {
		var told certificates
		d.admin(t, "/api/v1/certificates", &told)
		for _, own := range told.Domains {
			if own.Name == blocked && strings.Contains(own.Error, "rejectedIdentifier") && time.Until(own.NextTry) > 30*time.Second {
				return nil
			}
		}
		return fmt.Errorf("the domains are %+v", told.Domains)
	})
	if _, err := shake(t, a.secure, blocked, nil); err == nil {
		t.Error("there is a certificate for a name that the authority refuses")
	}
	var metrics string
	eventually(t, func() error {
		var err error
		_, metrics, err = fetch(t, direct(t), "http://"+d.started.Admin.String()+"/metrics")
		return err
	})
	for _, want := range []string{
		`dragoman_acme_orders_total{listener="public",name="good.acme.test",result="issued"} 1`,
		`dragoman_acme_orders_total{listener="public",name="` + blocked + `",result="failed"} 1`,
		`dragoman_acme_certificate{listener="public",name="good.acme.test"} 1`,
		`dragoman_acme_certificate{listener="public",name="` + blocked + `"} 0`,
		`dragoman_tls_cert_not_after_seconds{listener="public",name="good.acme.test",source="acme"}`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}

// Domains come and go without a restart: what is connected stays so, and what has a certificate keeps it.
func TestReloadAddsAndRemovesDomains(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{}).run(t)
	s := &settings{authority: a, domains: "[first.acme.test, gone.acme.test]"}
	d := start(t, s)
	first := d.issued(t, a, a.secure, "first.acme.test")
	d.issued(t, a, a.secure, "gone.acme.test")
	c := client(t, a.secure, "gone.acme.test", a.trusted(t))
	call := func(when string) {
		t.Helper()
		if status, body, err := fetch(t, c, "https://gone.acme.test/canary/v1/echo"); err != nil || status != http.StatusOK {
			t.Fatalf("a call %s: %d %s %v", when, status, body, err)
		}
	}
	call("before the reload")
	dials := c.dials.Load()
	s.domains = "[first.acme.test, added.acme.test]"
	if e := d.reload(t, s); len(e.Changes) == 0 || e.Changes[0].Effect != "" {
		t.Errorf("the changes are %+v; want them to take effect at once", e.Changes)
	}
	d.issued(t, a, a.secure, "added.acme.test")
	if again, err := shake(t, a.secure, "first.acme.test", a.trusted(t)); err != nil || !again.Equal(first) {
		t.Errorf("the domain that stayed has another certificate: %v", err)
	}
	if _, err := shake(t, a.secure, "gone.acme.test", nil); err == nil {
		t.Error("a domain that was removed is still shown a certificate")
	}
	call("after the reload")
	if c.dials.Load() != dials {
		t.Error("the connection was cut by the reload")
	}
}

// Instances share a storage: one asks, the other answers for it, and both show the same certificate.
func TestInstancesShareTheStorage(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, authoritySettings{}).run(t)
	storage, backend := filepath.Join(t.TempDir(), "shared"), testbackend.Run(t, testbackend.Config{Name: "b"}).Address()
	// The instance that the authority looks at does not trust it, and so cannot ask by itself.
	stranger, _ := selfSigned(t, t.TempDir())
	trusted := a.root
	a.root = stranger
	d := start(t, &settings{authority: a, storage: storage, backend: backend, domains: "[shared.acme.test]", more: ", challenges: [tls-alpn-01]"})
	a.root = trusted
	other := &settings{authority: a, storage: storage, backend: backend, domains: "[shared.acme.test]", more: ", challenges: [tls-alpn-01]", address: freePort(t)}
	file := filepath.Join(t.TempDir(), "other.yaml")
	write(t, file, other.yaml(t))
	processtest.Start(t, instanceRole, file)
	asked := d.issued(t, a, other.address, "shared.acme.test")
	// The first one finds it when it tries again.
	if found := d.issued(t, a, a.secure, "shared.acme.test"); !found.Equal(asked) {
		t.Error("the instances show two certificates")
	}
}

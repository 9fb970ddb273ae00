// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// addCertificates tells of the certificates that a listener shows.
func addCertificates(l *adminv1.Listener, all []ListenerCertificates) {
	for i := range all {
		if all[i].Listener != l.GetName() {
			continue
		}
		if len(all[i].Events) > 0 {
			l.LastAcmeEvent = timeOf(all[i].Events[0].Time) // the newest
		}
		for _, c := range all[i].Shown {
			if c.Leaf == nil {
				l.DomainsWithoutCertificate++
				continue
			}
			l.Certificates++
			if first := l.GetCertificateNotAfter(); first == nil || c.Leaf.NotAfter.Before(first.AsTime()) {
				l.CertificateNotAfter = timeOf(c.Leaf.NotAfter)
			}
		}
	}
}

// certificatesVersion is another text when something else is told of one of the certificates. When they end would not do: one may take the place of another
// that ends with it.
func certificatesVersion(certificates []*adminv1.Certificate) string {
	h := sha256.New()
	for _, c := range certificates {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
		if err != nil {
			continue // of two that cannot be written, one is as good as the other
		}
		h.Write(data)
	}
	const shown = 6
	return hex.EncodeToString(h.Sum(nil)[:shown])
}

// certificateWarnings tell of certificates that end soon, or have, of those that could not be renewed, and of domains without any.
func (a *API) certificateWarnings(certificates []*adminv1.Certificate) []*adminv1.Diagnostic {
	var all []*adminv1.Diagnostic
	for _, c := range certificates {
		if text := doubt(c); text != "" && !c.GetAuthority() {
			all = append(all, &adminv1.Diagnostic{Level: adminv1.Level_LEVEL_WARNING, Code: certificateCode, Path: c.GetUsedBy(), Message: text})
		}
	}
	for _, l := range a.shown() {
		for _, d := range domainsOf(&l) {
			if d.GetHasCertificate() {
				continue
			}
			text := fmt.Sprintf("listener %s has no certificate for %s yet", l.Listener, d.GetName())
			if d.GetError() != "" {
				text += ": " + d.GetError()
			}
			all = append(all, &adminv1.Diagnostic{Level: adminv1.Level_LEVEL_WARNING, Code: missingCertificateCode, Path: "listeners", Message: text})
		}
	}
	return all
}

// doubt is what an operator should know of a certificate; "" when all is well.
func doubt(c *adminv1.Certificate) string {
	name := c.GetFile()
	if c.GetSource() == sourceACME && len(c.GetNames()) > 0 {
		name = "for " + c.GetNames()[0]
	}
	left := time.Until(c.GetNotAfter().AsTime())
	switch {
	case c.GetNotAfter() == nil:
		return fmt.Sprintf("the certificate %s cannot be read: %s", name, c.GetError())
	case left < 0:
		return fmt.Sprintf("the certificate %s has ended at %s", name, c.GetNotAfter().AsTime().Format(time.RFC3339))
	case c.GetError() != "" && c.GetSource() == sourceACME:
		return fmt.Sprintf("the certificate %s, which ends in %d days, was not renewed: %s", name, c.GetDaysLeft(), c.GetError())
	case c.GetError() != "":
		return fmt.Sprintf("what the files of the certificate have now is not in force, and the one before is: %s", c.GetError())
	case left < soon && c.GetSource() != sourceACME: // those have their time to be renewed
		return fmt.Sprintf("the certificate %s ends in %d days", name, c.GetDaysLeft())
	}
	return ""
}

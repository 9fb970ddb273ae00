// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

const (
	// podSecrets is where Kubernetes puts what a pod needs to talk to it.
	podSecrets = "/var/run/secrets/kubernetes.io/serviceaccount/"
	// slicesAtOnce is how many slices one answer of a list has.
	slicesAtOnce = 500
	// watchFor is how long a watch lasts, and up to as long again: then it is begun anew where it ended.
	watchFor = 5 * time.Minute
	// listPatience bounds an answer of a list.
	listPatience = 30 * time.Second
	// serviceLabel is the label that says whose slice it is.
	serviceLabel = "kubernetes.io/service-name"
)

// KubernetesConfig says which service to look up. Service is required.
type KubernetesConfig struct {
	// Namespace is where the service is; empty: the pod's own.
	Namespace string
	// Service is its name.
	Service string
	// Port is the name or the number of the port, as the slices state it; empty: the only one.
	Port string
	// Server is the URL of the API server; empty: what Kubernetes tells a pod.
	Server string
	// TokenFile has the token, which is read for each request, as Kubernetes replaces it; empty: the pod's. "none": no token is sent.
	TokenFile string
	// CAFile has the certificates to trust the server by; empty: the pod's, if Server is empty too, else the machine's.
	CAFile string
}

// Kubernetes is the ready endpoints of a service, from its EndpointSlices: listed once, and watched from there. A pod that has
// an address in each family is one endpoint with two addresses. The service account must be allowed to list and watch
// endpointslices of discovery.k8s.io.
type Kubernetes struct {
	cfg    KubernetesConfig
	url    string
	client *http.Client
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// NewKubernetes checks cfg and returns the source. In a pod it reads the pod's secrets.
func NewKubernetes(cfg KubernetesConfig) (*Kubernetes, error) {
	var errs []error
	refuse := func(err error) {
		errs = append(errs, fmt.Errorf("kubernetes: %w", err))
	}
	if !dnsLabel.MatchString(cfg.Service) {
		refuse(fmt.Errorf("service is %q; it must be the name of a service", cfg.Service))
	}
	pod := cfg.Server == ""
	if pod {
		host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
		if host == "" || port == "" {
			refuse(errors.New("server is empty, and this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"))
			return nil, errors.Join(errs...)
		}
		cfg.Server = "https://" + net.JoinHostPort(host, port)
		if cfg.CAFile == "" {
			cfg.CAFile = podSecrets + "ca.crt"
		}
	}
	if cfg.TokenFile == "" {
		cfg.TokenFile = podSecrets + "token"
	}
	if cfg.Namespace == "" {
		own, err := os.ReadFile(podSecrets + "namespace")
		if err != nil {
			refuse(fmt.Errorf("namespace is empty, and this pod's is not known: %w", err))
		}
		cfg.Namespace = string(bytes.TrimSpace(own))
	}
	if cfg.Namespace != "" && !dnsLabel.MatchString(cfg.Namespace) {
		refuse(fmt.Errorf("namespace is %q; it must be the name of a namespace", cfg.Namespace))
	}
	server, err := serverURL(cfg.Server)
	if err != nil {
		refuse(err)
	}
	trust, err := trusted(cfg.CAFile)
	if err != nil {
		refuse(err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	k := &Kubernetes{cfg: cfg, client: newClient(&tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12})}
	k.url = server.JoinPath("apis/discovery.k8s.io/v1/namespaces", cfg.Namespace, "endpointslices").String()
	return k, nil
}

// trusted returns the certificates in a file; nil, which is those of the machine, when there is none.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // as crypto/tls means it
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s has no certificate", file)
	}
	return pool, nil
}

// FromKubernetes returns the source of a service in Kubernetes.
func FromKubernetes(cfg KubernetesConfig) (Source, error) {
	k, err := NewKubernetes(cfg)
	if err != nil {
		return Source{}, err
	}
	name := k.cfg.Service + "." + k.cfg.Namespace
	return Source{Name: "kubernetes:" + name, Authority: name + ".svc", Watch: k}, nil
}

// Watch implements Watcher.
func (k *Kubernetes) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	defer k.client.CloseIdleConnections()
	f := &slicesOf{k: k, update: update}
	failures := 0
	for {
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			failures = 0
			continue
		}
		update(nil, fmt.Errorf("kubernetes: %w", err))
		if !sleep(ctx, backoff(DefaultMinInterval, maxPause, failures)) {
			return ctx.Err()
		}
		failures++
	}
}

// ask asks for slices.
func (k *Kubernetes) ask(ctx context.Context, q url.Values) (*http.Response, error) {
	header := http.Header{"Accept": {"application/json"}}
	if k.cfg.TokenFile != "none" {
		token, err := os.ReadFile(k.cfg.TokenFile)
		if err != nil {
			return nil, err
		}
		header.Set("Authorization", "Bearer "+string(bytes.TrimSpace(token)))
	}
	q.Set("labelSelector", serviceLabel+"="+k.cfg.Service)
	return get(ctx, k.client, k.url+"?"+q.Encode(), header)
}

// list returns all slices, and the version of the list.
func (k *Kubernetes) list(ctx context.Context) (map[string]*slice, string, error) {
	known := map[string]*slice{}
	next := ""
	for {
		var page struct {
			Metadata struct{ ResourceVersion, Continue string }
			Items    []*slice
		}
		if err := k.page(ctx, next, &page); err != nil {
			return nil, "", err
		}
		for _, s := range page.Items {
			known[s.Metadata.Name] = s
		}
		if next = page.Metadata.Continue; next == "" {
			return known, page.Metadata.ResourceVersion, nil
		}
	}
}

func (k *Kubernetes) page(ctx context.Context, from string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	q := url.Values{"limit": {strconv.Itoa(slicesAtOnce)}}
	if from != "" {
		q.Set("continue", from)
	}
	r, err := k.ask(ctx, q)
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if err := json.NewDecoder(limited(r.Body)).Decode(into); err != nil {
		return fmt.Errorf("the list: %w", err)
	}
	return nil
}

// watch returns the changes from a version on, as Kubernetes sends them, for a while.
func (k *Kubernetes) watch(ctx context.Context, version string) (*http.Response, error) {
	return k.ask(ctx, url.Values{
		"watch": {"true"}, "resourceVersion": {version}, "allowWatchBookmarks": {"true"},
		"timeoutSeconds": {strconv.Itoa(int((watchFor + rand.N(watchFor)).Seconds()))},
	})
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"strings"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

func (k *compiler) etcd(m *configv1.EtcdSource, path string) *backend.Etcd {
	if m == nil {
		return nil
	}
	k.pair(path, "username", m.GetUsername(), "password", m.GetPassword())
	k.secret(m.GetPassword(), path+".password")
	k.distinct(m.GetServers(), path+".servers")
	for i, server := range m.GetServers() {
		at := item(path+".servers", i)
		if _, err := endpoint.Normalize(server); err != nil {
			k.endpointURL(server, at, "host:port or a URL such as https://10.0.0.5:2379")
		}
	}
	if strings.Trim(m.GetPrefix(), "/") == "" && m.GetPrefix() != "" {
		k.on(path+".prefix", "", "is nothing but slashes; it must be the part of the keys before the last slash")
	}
	return &backend.Etcd{
		Servers: m.GetServers(), Prefix: m.GetPrefix(), TLS: k.sourceTLS(m.GetTls(), path+".tls"),
		Username: m.GetUsername(), Password: m.GetPassword(), Timeout: m.GetTimeout().AsDuration(),
	}
}

func (k *compiler) consul(m *configv1.ConsulSource, path string) *backend.Consul {
	if m == nil {
		return nil
	}
	k.endpointURL(m.GetServer(), path+".server", "a URL such as https://consul.internal:8501")
	k.secret(m.GetToken(), path+".token")
	k.distinct(m.GetTags(), path+".tags")
	return &backend.Consul{
		Server: m.GetServer(), Service: m.GetService(), Tags: m.GetTags(), Datacenter: m.GetDatacenter(), Namespace: m.GetNamespace(),
		Token: m.GetToken(), Warning: m.GetWarning(), TLS: k.sourceTLS(m.GetTls(), path+".tls"), Wait: m.GetWait().AsDuration(),
	}
}

func (k *compiler) kubernetes(m *configv1.KubernetesSource, path string) *backend.Kubernetes {
	if m == nil {
		return nil
	}
	k.endpointURL(m.GetServer(), path+".server", "a URL such as https://10.0.0.1:6443")
	token := m.GetTokenFile()
	if token != noToken {
		token = k.file(token)
	}
	return &backend.Kubernetes{
		Service: m.GetService(), Namespace: m.GetNamespace(), Port: m.GetPort(), Server: m.GetServer(), TokenFile: token, CAFile: k.file(m.GetCaFile()),
	}
}

// noToken as a token_file sends none.
const noToken = "none"

func (k *compiler) sourceTLS(m *configv1.SourceTls, path string) *backend.TLS {
	if m == nil {
		return nil
	}
	k.pair(path, "cert", m.GetCert(), "key", m.GetKey())
	return &backend.TLS{CA: k.file(m.GetCa()), Cert: k.file(m.GetCert()), Key: k.file(m.GetKey()), ServerName: m.GetServerName()}
}

// endpointURL checks the URL of a registry.
func (k *compiler) endpointURL(server, path, wanted string) {
	if server == "" {
		return
	}
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.User != nil {
		k.on(path, "", "must be %s", wanted)
	}
}

// secret warns of a secret that stands in the file.
func (k *compiler) secret(value, path string) {
	if value != "" && k.place(path).raw == "" {
		k.warn(path, "write ${NAME}, and put it into the environment", "is a secret in the file, which others may read")
	}
}

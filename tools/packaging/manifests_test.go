// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// chart is where the chart is.
var chart = filepath.Join(root, "deploy", "helm", "dragoman")

// manifests are the objects of a release, decoded by the types of Kubernetes: a field that those do not have fails the test.
type manifests struct {
	deployment *appsv1.Deployment
	services   map[string]*corev1.Service
	configs    map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	accounts   map[string]*corev1.ServiceAccount
	budget     *policyv1.PodDisruptionBudget
	scaler     *autoscalingv2.HorizontalPodAutoscaler
	roles      []rbacv1.Role
	bindings   []rbacv1.RoleBinding
	wideRoles  []rbacv1.ClusterRole
	wide       []rbacv1.ClusterRoleBinding
	monitor    *monitoringv1.ServiceMonitor
}

// values are the files of values that the chart is tested with.
func values(t *testing.T) []string {
	t.Helper()
	const atLeast = 3
	files, err := filepath.Glob(filepath.Join(chart, "ci", "*-values.yaml"))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%d files of values, %v; want %d or more", len(files), err, atLeast)
	}
	return files
}

// render fills in the chart.
func render(t *testing.T, file string, more ...string) *manifests {
	t.Helper()
	text := run(t, tool(t, "helm"), append([]string{"template", "gateway", chart, "--namespace", "edge", "--values", file}, more...)...)
	m := &manifests{
		services: map[string]*corev1.Service{}, configs: map[string]*corev1.ConfigMap{},
		secrets: map[string]*corev1.Secret{}, accounts: map[string]*corev1.ServiceAccount{},
	}
	names := map[string]bool{}
	for _, one := range strings.Split(text, "\n---\n") {
		var head struct {
			metav1.TypeMeta `json:",inline"`

			Metadata struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal([]byte(one), &head); err != nil {
			t.Fatalf("%v\n%s", err, one)
		}
		if head.Kind == "" {
			continue // comments alone
		}
		if id := head.Kind + "/" + head.Metadata.Namespace + "/" + head.Metadata.Name; names[id] {
			t.Errorf("%s is there twice", id)
		} else {
			names[id] = true
		}
		m.add(t, head.Kind, head.APIVersion, []byte(one))
	}
	return m
}

// strict decodes an object, of which every field must be known.
func strict[T any](t *testing.T, text []byte) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return object
}

func (m *manifests) add(t *testing.T, kind, version string, text []byte) {
	t.Helper()
	want := map[string]string{
		"Deployment": "apps/v1", "Service": "v1", "ConfigMap": "v1", "Secret": "v1", "ServiceAccount": "v1", "PodDisruptionBudget": "policy/v1",
		"HorizontalPodAutoscaler": "autoscaling/v2", "Role": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1",
		"ClusterRole": "rbac.authorization.k8s.io/v1", "ClusterRoleBinding": "rbac.authorization.k8s.io/v1", "ServiceMonitor": "monitoring.coreos.com/v1",
	}[kind]
	if version != want {
		t.Errorf("%s is of %s; want %s", kind, version, want)
	}
	switch kind {
	case "Deployment":
		m.deployment = strict[appsv1.Deployment](t, text)
	case "Service":
		s := strict[corev1.Service](t, text)
		m.services[s.Name] = s
	case "ConfigMap":
		c := strict[corev1.ConfigMap](t, text)
		m.configs[c.Name] = c
	case "Secret":
		s := strict[corev1.Secret](t, text)
		m.secrets[s.Name] = s
	case "ServiceAccount":
		a := strict[corev1.ServiceAccount](t, text)
		m.accounts[a.Name] = a
	case "PodDisruptionBudget":
		m.budget = strict[policyv1.PodDisruptionBudget](t, text)
	case "HorizontalPodAutoscaler":
		m.scaler = strict[autoscalingv2.HorizontalPodAutoscaler](t, text)
	case "Role":
		m.roles = append(m.roles, *strict[rbacv1.Role](t, text))
	case "RoleBinding":
		m.bindings = append(m.bindings, *strict[rbacv1.RoleBinding](t, text))
	case "ClusterRole":
		m.wideRoles = append(m.wideRoles, *strict[rbacv1.ClusterRole](t, text))
	case "ClusterRoleBinding":
		m.wide = append(m.wide, *strict[rbacv1.ClusterRoleBinding](t, text))
	case "ServiceMonitor":
		m.monitor = strict[monitoringv1.ServiceMonitor](t, text)
	default:
		t.Errorf("there is a %s, of which this test knows nothing", kind)
	}
}

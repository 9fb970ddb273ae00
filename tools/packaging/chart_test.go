// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// Every form of the chart is what Kubernetes understands, its parts find each other, and the gateway understands its configuration.
func TestChart(t *testing.T) {
	t.Parallel()
	for _, file := range values(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), "-values.yaml"), func(t *testing.T) {
			t.Parallel()
			t.Log(run(t, tool(t, "helm"), "lint", "--strict", "--values", file, chart))
			m := render(t, file)
			m.podIsConfined(t)
			m.partsFindEachOther(t)
			m.endsInTime(t)
			m.discoveryIsPermitted(t)
			m.configurationIsGood(t)
		})
	}
}

// podIsConfined holds what a pod may: nothing.
func (m *manifests) podIsConfined(t *testing.T) {
	t.Helper()
	pod := m.deployment.Spec.Template.Spec
	if s := pod.SecurityContext; !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod may too much: %+v", s)
	}
	for _, c := range pod.Containers {
		if s := c.SecurityContext; !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("container %s may too much: %+v", c.Name, s)
		}
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("container %s has no bounds: %+v", c.Name, c.Resources)
		}
	}
}

// partsFindEachOther follows every name from one object to another.
func (m *manifests) partsFindEachOther(t *testing.T) {
	t.Helper()
	template := m.deployment.Spec.Template
	selects := func(what string, s *metav1.LabelSelector, have map[string]string) {
		t.Helper()
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(labels.Set(have)) {
			t.Errorf("%s selects %v, %v; want %v", what, s, err, have)
		}
	}
	selects("the deployment", m.deployment.Spec.Selector, template.Labels)
	for _, spread := range template.Spec.TopologySpreadConstraints {
		selects("the spread over "+spread.TopologyKey, spread.LabelSelector, template.Labels)
	}
	if m.budget != nil {
		selects("the budget", m.budget.Spec.Selector, template.Labels)
		if (m.budget.Spec.MinAvailable == nil) == (m.budget.Spec.MaxUnavailable == nil) {
			t.Errorf("the budget is %+v; want one of the two", m.budget.Spec)
		}
	}
	if m.scaler != nil {
		if m.scaler.Spec.ScaleTargetRef.Name != m.deployment.Name || len(m.scaler.Spec.Metrics) == 0 || m.deployment.Spec.Replicas != nil {
			t.Errorf("the autoscaler is %+v, and the deployment has %v replicas", m.scaler.Spec, m.deployment.Spec.Replicas)
		}
	}
	container := template.Spec.Containers[0]
	ports := map[string]corev1.ContainerPort{}
	for _, p := range container.Ports {
		for _, wrong := range validation.IsValidPortName(p.Name) {
			t.Errorf("port %q: %s", p.Name, wrong)
		}
		ports[p.Name] = p
	}
	for name, s := range m.services {
		selects("service "+name, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}, template.Labels)
		for _, p := range s.Spec.Ports {
			if target, ok := ports[p.TargetPort.StrVal]; !ok || target.Protocol != p.Protocol {
				t.Errorf("service %s: port %s goes to %q, which is %+v", name, p.Name, p.TargetPort.StrVal, target)
			}
		}
	}
	for what, probe := range map[string]*corev1.Probe{"/livez": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		if probe.HTTPGet.Path != what || ports[probe.HTTPGet.Port.StrVal].Name != "admin" {
			t.Errorf("the probe of %s asks %+v", what, probe.HTTPGet)
		}
	}
	if container.StartupProbe.PeriodSeconds*container.StartupProbe.FailureThreshold < 300 {
		t.Errorf("a start may take %+v; want five minutes", container.StartupProbe)
	}
	if m.monitor != nil {
		selects("the monitor", &m.monitor.Spec.Selector, m.services[m.deployment.Name+"-admin"].Labels)
		if selector := labels.SelectorFromSet(m.monitor.Spec.Selector.MatchLabels); selector.Matches(labels.Set(m.services[m.deployment.Name].Labels)) {
			t.Error("the monitor scrapes the listeners too")
		}
	}
	mounts := map[string]bool{}
	for _, v := range template.Spec.Volumes {
		mounts[v.Name] = false
	}
	for _, v := range container.VolumeMounts {
		if used, ok := mounts[v.Name]; !ok || used || v.SubPath != "" {
			t.Errorf("mount %+v has no volume of its own, or is not replaced when it changes", v)
		}
		mounts[v.Name] = true
	}
	if account := template.Spec.ServiceAccountName; m.accounts[account] == nil && account != "gateway" { // that of existing-values.yaml
		t.Errorf("there is no account %s", account)
	}
}

// endsInTime holds that a pod has as long to end as its configuration lets it take.
func (m *manifests) endsInTime(t *testing.T) {
	t.Helper()
	var cfg struct {
		Shutdown struct{ Delay, Drain string }
	}
	if err := yaml.Unmarshal([]byte(m.configs[m.deployment.Name].Data["dragoman.yaml"]), &cfg); err != nil {
		t.Fatal(err)
	}
	delay, err := time.ParseDuration(cfg.Shutdown.Delay)
	if err != nil {
		t.Fatal(err)
	}
	drain, err := time.ParseDuration(cfg.Shutdown.Drain)
	if err != nil {
		t.Fatal(err)
	}
	const closing = 6 * time.Second // what the gateway itself takes at most beside both
	if grace := time.Duration(*m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second; grace < delay+drain+closing || delay == 0 {
		t.Errorf("a pod has %s to end; want a delay, %s, and time for it and %s", grace, delay, drain)
	}
}

// discoveryIsPermitted holds that the token is there for who watches EndpointSlices, and for nobody else.
func (m *manifests) discoveryIsPermitted(t *testing.T) {
	t.Helper()
	pod := m.deployment.Spec.Template.Spec
	wants := strings.Contains(m.configs[m.deployment.Name].Data["dragoman.yaml"], "kubernetes:")
	rules := 0
	for _, r := range m.roles {
		rules += len(r.Rules)
	}
	for _, r := range m.wideRoles {
		rules += len(r.Rules)
	}
	if *pod.AutomountServiceAccountToken != wants || (rules > 0) != wants || len(m.roles) != len(m.bindings) || len(m.wideRoles) != len(m.wide) {
		t.Errorf("token %v, %d rules, %d of %d roles bound; slices are watched: %v", *pod.AutomountServiceAccountToken, rules, len(m.bindings)+len(m.wide), len(m.roles)+len(m.wideRoles), wants)
	}
	for _, b := range m.bindings {
		if s := b.Subjects[0]; s.Name != pod.ServiceAccountName || s.Namespace != "edge" {
			t.Errorf("%s is bound to %+v", b.Name, s)
		}
	}
}

// configurationIsGood lays out the volumes as a node does, and lets the gateway check what it finds there.
func (m *manifests) configurationIsGood(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	pod := m.deployment.Spec.Template.Spec
	volumes := map[string]corev1.VolumeSource{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v.VolumeSource
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		at := filepath.Join(dir, mount.MountPath)
		switch v := volumes[mount.Name]; {
		case v.ConfigMap != nil:
			m.layOut(t, at, v.ConfigMap.Name, v.ConfigMap.Items)
		case v.Secret != nil && mount.Name == "admin-token":
			token := "a token that somebody made before"
			if s := m.secrets[v.Secret.SecretName]; s != nil {
				token = string(s.Data[v.Secret.Items[0].Key])
			}
			put(t, filepath.Join(at, v.Secret.Items[0].Path), []byte(token))
		case v.Secret != nil:
			certify(t, at)
		}
	}
	file := filepath.Join(dir, pod.Containers[0].Args[2])
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	put(t, file, []byte(strings.ReplaceAll(string(text), "/etc/dragoman/", dir+"/etc/dragoman/")))
	env := []string{"REDIS_PASSWORD=secret", "KUBERNETES_SERVICE_HOST=192.0.2.1", "KUBERNETES_SERVICE_PORT=443"}
	if out, err := try(t, env, tool(t, "dragoman"), "check", "-c", file); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
}

// layOut writes what a ConfigMap has. One that the chart does not make holds what the configuration of the test wants.
func (m *manifests) layOut(t *testing.T, at, name string, items []corev1.KeyToPath) {
	t.Helper()
	data := map[string]string{}
	switch c := m.configs[name]; {
	case c != nil:
		data = c.Data
	case name == "gateway-keys":
		file := filepath.Join(t.TempDir(), "keys.yaml")
		run(t, tool(t, "dragoman"), "keys", "create", "--file", file, "--subject", "partner")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data["keys.yaml"] = string(text)
	case name == "descriptors":
		dir := t.TempDir()
		put(t, filepath.Join(dir, "shop.proto"), []byte("syntax = \"proto3\";\npackage shop.v1;\nservice Shop { rpc Get(Item) returns (Item); }\nmessage Item { string id = 1; }\n"))
		run(t, tool(t, "dragoman"), "schema", "build", dir, "-o", filepath.Join(dir, "set"))
		set, err := os.ReadFile(filepath.Join(dir, "set"))
		if err != nil {
			t.Fatal(err)
		}
		data["shop"] = string(set)
	default:
		t.Fatalf("there is no ConfigMap %s", name)
	}
	if items == nil {
		for key := range data {
			items = append(items, corev1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		text, ok := data[item.Key]
		if !ok {
			t.Errorf("ConfigMap %s has no %s", name, item.Key)
		}
		put(t, filepath.Join(at, item.Path), []byte(text))
	}
}

// certify writes a certificate as a Secret of type kubernetes.io/tls has one.
func certify(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"api.example.com"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	put(t, filepath.Join(dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// Pods start anew when listeners change, which no reload does, and not when other settings do, which one does.
func TestPodsStartAnewForListenersAlone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(chart, "ci", "minimal-values.yaml")
	template := func(more ...string) string {
		t.Helper()
		text, err := yaml.Marshal(render(t, file, more...).deployment.Spec.Template)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := template()
	if now := template("--set", "config.defaults.timeout=3s"); now != before {
		t.Errorf("a timeout starts pods anew:\n%s\n%s", before, now)
	}
	if now := template("--set", "config.listeners[0].limits.max_message=1MiB"); now == before {
		t.Error("a listener changed, and no pod starts anew")
	}
}

// Values that cannot work are refused, with what to do.
func TestBadValues(t *testing.T) {
	t.Parallel()
	minimal := filepath.Join(chart, "ci", "minimal-values.yaml")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no services", nil, "config.services is empty: say which backend serves which services"},
		{"a value that is not known", []string{"-f", minimal, "--set", "replica=3"}, "additional properties 'replica' not allowed"},
		{"what the chart sets", []string{"-f", minimal, "--set", "config.admin.address=:1"}, "/config"},
		{"no port", []string{"-f", minimal, "--set", "config.listeners[0].address=127.0.0.1:0"}, "/config/listeners/0/address"},
		{"nothing to scale by", []string{"-f", minimal, "--set", "autoscaling.enabled=true,autoscaling.targetCPUUtilizationPercentage=0"}, "/autoscaling"},
		{"two sources of a mount", []string{"-f", minimal, "--set", "mounts[0].name=a,mounts[0].path=/a,mounts[0].secret=b,mounts[0].configMap=c"}, "/mounts/0"},
		{"no time to drain", []string{"-f", minimal, "--set", "shutdown.drainSeconds=0"}, "/shutdown/drainSeconds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := try(t, nil, tool(t, "helm"), append([]string{"template", "gateway", chart}, tt.args...)...)
			if err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v, %s; want %q", err, out, tt.want)
			}
		})
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packageOf is the one package of a kind.
func packageOf(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(*packages, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %v, %v; want one", pattern, files, err)
	}
	file, err := filepath.Abs(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// held are the files that both packages have.
func held(completionsOfZsh string) []string {
	return []string{
		"/etc/default/dragoman", "/etc/dragoman/dragoman.yaml", "/usr/bin/dragoman", "/usr/lib/systemd/system/dragoman.service",
		"/usr/lib/systemd/system/dragoman.socket", "/usr/lib/sysusers.d/dragoman.conf", "/usr/share/bash-completion/completions/dragoman",
		"/usr/share/dragoman/dragoman.schema.json", "/usr/share/dragoman/grafana/dragoman.json", "/usr/share/dragoman/prometheus/alerts.yaml",
		"/usr/share/doc/dragoman/changelog.gz", "/usr/share/doc/dragoman/copyright", "/usr/share/fish/vendor_completions.d/dragoman.fish",
		"/usr/share/man/man1/dragoman.1.gz", "/usr/share/man/man1/dragoman-run.1.gz", completionsOfZsh,
	}
}

// The package of Debian holds what it should, keeps what people change, and lintian finds nothing wrong but what is meant.
func TestDebianPackage(t *testing.T) {
	t.Parallel()
	file := packageOf(t, "*_amd64.deb")
	list := run(t, "dpkg-deb", "--contents", file)
	for _, want := range held("/usr/share/zsh/vendor-completions/_dragoman") {
		if !strings.Contains(list, " ."+want+"\n") {
			t.Errorf("it lacks %s", want)
		}
	}
	dir := t.TempDir()
	run(t, "dpkg-deb", "--control", file, dir)
	conffiles, err := os.ReadFile(filepath.Join(dir, "conffiles"))
	if err != nil || !slices.Equal(strings.Fields(string(conffiles)), []string{"/etc/default/dragoman", "/etc/dragoman/dragoman.yaml"}) {
		t.Errorf("what people change is %q, %v", conffiles, err)
	}
	// What is meant: the binary is static; the configuration, which may have secrets, is not for everybody; one script serves dpkg and rpm, and
	// knows nothing of Debian's helpers.
	const meant = "statically-linked-binary,initial-upload-closes-no-bugs,non-standard-file-perm,maintainer-script-calls-systemctl"
	out, err := try(t, nil, "lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", meant, file)
	if err != nil {
		t.Errorf("lintian: %v\n%s", err, out)
	}
	t.Log(out)
}

// The package of RPM systems holds the same, and does not replace what people change.
func TestRPMPackage(t *testing.T) {
	t.Parallel()
	file := packageOf(t, "*.x86_64.rpm")
	list := "\n" + run(t, "rpm", "--query", "--list", "--package", file)
	for _, want := range held("/usr/share/zsh/site-functions/_dragoman") {
		if !strings.Contains(list, "\n"+want+"\n") {
			t.Errorf("it lacks %s", want)
		}
	}
	if kept := strings.Fields(run(t, "rpm", "--query", "--configfiles", "--package", file)); !slices.Equal(kept, []string{"/etc/default/dragoman", "/etc/dragoman/dragoman.yaml"}) {
		t.Errorf("what people change is %q", kept)
	}
	scripts := run(t, "rpm", "--query", "--scripts", "--package", file)
	for _, want := range []string{"postinstall scriptlet", "preuninstall scriptlet", "postuninstall scriptlet"} {
		if !strings.Contains(scripts, want) {
			t.Errorf("it has no %s", want)
		}
	}
}

// installScript installs the package in a copy of this system that is thrown away, changes the configuration, installs it again, and removes it.
const installScript = `
set -eu
package=$1 work=$2
mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/inner" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/inner" "$work/root"
mount -t tmpfs tmpfs "$work/root/run"
cp "$package" "$work/root/dragoman.deb"
cat >"$work/root/inside.sh" <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
dpkg --no-triggers --force-confold --install /dragoman.deb
stat -c '%n %U:%G %a' /etc/dragoman /etc/dragoman/dragoman.yaml /etc/default/dragoman /usr/bin/dragoman
getent passwd dragoman
as_gateway() { setpriv --reuid dragoman --regid dragoman --init-groups "$@"; }
cat >/etc/dragoman/proto/shop.proto <<'PROTO'
syntax = "proto3";
package shop.v1;
service Shop { rpc Get(Item) returns (Item); }
message Item { string id = 1; }
PROTO
as_gateway /usr/bin/dragoman check -c /etc/dragoman/dragoman.yaml && echo 'checks: yes'
if setpriv --reuid nobody --regid nogroup --clear-groups cat /etc/dragoman/dragoman.yaml >/dev/null 2>&1; then echo 'everybody reads it'; fi
echo '# changed' >>/etc/dragoman/dragoman.yaml
dpkg --no-triggers --force-confold --install /dragoman.deb
tail -n 1 /etc/dragoman/dragoman.yaml
systemd-analyze verify --man=no /usr/lib/systemd/system/dragoman.service /usr/lib/systemd/system/dragoman.socket && echo 'units: good'
mkdir -p /var/lib/dragoman /var/log/dragoman
dpkg --no-triggers --remove dragoman
if [ -e /etc/dragoman/dragoman.yaml ] && [ ! -e /usr/bin/dragoman ]; then echo 'removed: yes'; fi
dpkg --no-triggers --purge dragoman
if [ ! -e /etc/dragoman/dragoman.yaml ] && [ ! -e /var/lib/dragoman ]; then echo 'purged: yes'; fi
END
chroot "$work/root" sh /inside.sh 2>&1
`

// The package installs, its configuration is for the gateway and root alone and loads, an upgrade keeps changes, systemd understands the units,
// and what is removed is gone.
func TestDebianPackageInstalls(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("only root can lay out a system to install into: run make package-check as root")
	}
	script := filepath.Join(t.TempDir(), "install.sh")
	put(t, script, []byte(installScript))
	out := run(t, "unshare", "--mount", "--net", "--fork", "--kill-child", "sh", script, packageOf(t, "*_amd64.deb"), t.TempDir())
	t.Log(out)
	for _, want := range []string{
		"/etc/dragoman root:dragoman 750", "/etc/dragoman/dragoman.yaml root:dragoman 640", "/etc/default/dragoman root:root 640", "/usr/bin/dragoman root:root 755",
		":/var/lib/dragoman:/usr/sbin/nologin", "checks: yes", "# changed", "units: good", "removed: yes", "purged: yes", "dragoman is installed and not started",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(out, "everybody reads it") {
		t.Error("the configuration, which may have secrets, is for everybody")
	}
}

// The sandbox of the unit leaves a process little that it could do.
func TestServiceIsConfined(t *testing.T) {
	t.Parallel()
	unit := filepath.Join(root, "deploy", "systemd", "dragoman.service")
	const threshold = "20" // of 100, which is no sandbox
	if out, err := try(t, nil, "systemd-analyze", "security", "--offline=true", "--threshold="+threshold, unit); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

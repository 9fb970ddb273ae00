// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"compress/gzip"
	"crypto/x509"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// dockerfile reads the Dockerfile as a builder does, and fails for everything that it warns of.
func dockerfile(t *testing.T) []instructions.Stage {
	t.Helper()
	file, err := os.Open(filepath.Join(root, "deploy", "docker", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range parsed.Warnings {
		t.Errorf("line %v: %s", w.Location, w.Short)
	}
	warn := func(name, _, _, message string, at []parser.Range) { t.Errorf("%s: %s at %v", name, message, at) }
	stages, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

// The image is made of nothing but the gateway's files, runs as nobody who has rights, and asks the gateway how it is.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("the image is made of %s; want scratch", last.BaseName)
	}
	var (
		user, entry, command, health []string
		copied                       int
	)
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = []string{c.User}
		case *instructions.EntrypointCommand:
			entry = c.CmdLine
		case *instructions.CmdCommand:
			command = c.CmdLine
		case *instructions.HealthCheckCommand:
			health = c.Health.Test
		case *instructions.CopyCommand:
			copied++
			if c.From != "build" || !slices.Equal(c.SourcePaths, []string{"/out/root/"}) || c.DestPath != "/" {
				t.Errorf("it copies %v from %s to %s", c.SourcePaths, c.From, c.DestPath)
			}
		}
	}
	if copied != 1 || !slices.Equal(user, []string{"65532:65532"}) || !slices.Equal(entry, []string{"/usr/bin/dragoman"}) ||
		!slices.Equal(command, []string{"run", "-c", "/etc/dragoman/dragoman.yaml"}) || !slices.Equal(health, []string{"CMD", "/usr/bin/dragoman", "health"}) {
		t.Errorf("%d copies, user %v, entry %v, command %v, health %v", copied, user, entry, command, health)
	}
}

// rootfs lays out the files of the image, as the Dockerfile does.
func rootfs(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	run(t, filepath.Join(root, "deploy", "docker", "rootfs.sh"), tool(t, "dragoman"), "/etc/ssl/certs/ca-certificates.crt", dir)
	return dir
}

// The image holds what it is said to, and no more; the sizes are for docs/deploy.md.
func TestImageHoldsTheGatewayAlone(t *testing.T) {
	t.Parallel()
	dir := rootfs(t)
	var (
		files []string
		size  int64
	)
	packed := &counter{}
	archive := gzip.NewWriter(packed)
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		files = append(files, rel)
		from, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { _ = from.Close() }()
		n, err := io.Copy(archive, from)
		size += n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/dragoman"}; !slices.Equal(files, want) {
		t.Errorf("it holds %v; want %v", files, want)
	}
	trusted, err := os.ReadFile(filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(trusted) {
		t.Error("nobody is trusted")
	}
	const most, mega = 120 << 20, 1e6
	t.Logf("the image has %.1f MB, %.1f MB packed", float64(size)/mega, float64(packed.n)/mega)
	if size > most {
		t.Errorf("the image has %d bytes; want %d or fewer", size, most)
	}
}

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// In an image's root, with its user, nothing to write to and no other file, the gateway serves, is healthy, and ends when it is told to.
func TestImageRuns(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("only root can lay out namespaces: run make package-check as root")
	}
	dir := rootfs(t)
	if err := os.Mkdir(filepath.Join(dir, "proc"), 0o755); err != nil { // engines make it
		t.Fatal(err)
	}
	config := t.TempDir()
	put(t, filepath.Join(config, "dragoman.yaml"), []byte(`version: v1
listeners: [{name: http, address: "127.0.0.1:8080"}]
schemas: {sources: [{protos: {dir: ./protos, watch: true}}]}
backends: {shop: {target: "127.0.0.1:1"}}
services: [{match: "**", backend: shop}]
admin: {data_dir: /var/lib/dragoman}
`))
	put(t, filepath.Join(config, "protos", "shop.proto"), []byte("syntax = \"proto3\";\npackage shop.v1;\nimport \"google/api/annotations.proto\";\nservice Shop { rpc Get(Item) returns (Item) { option (google.api.http) = {get: \"/v1/items/{id}\"}; } }\nmessage Item { string id = 1; }\n"))
	run(t, "chmod", "-R", "a+rX", config)
	run(t, "chmod", "a+rx", filepath.Dir(dir), filepath.Dir(config))
	script := filepath.Join(t.TempDir(), "run.sh")
	put(t, script, []byte(imageScript))
	out := run(t, "unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "sh", script, dir, config)
	t.Log(out)
	for _, want := range []string{`"msg":"serving"`, "healthy: ok", "ready: ok", "answer: 503", "cannot write: yes", "user: 65532:65532", "ended: 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// imageScript is what a container engine does with an image: namespaces of its own, the image's files read-only, /proc, a folder for data
// and one with the configuration, a user without rights. Then it asks as HEALTHCHECK does, makes a call, and ends the gateway.
const imageScript = `
set -eu
root=$1 config=$2
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$config" "$root/etc/dragoman"
mount -o remount,ro,bind "$root/etc/dragoman"
mount -t tmpfs -o uid=65532,gid=65532,mode=0700 data "$root/var/lib/dragoman"
mount -t proc proc "$root/proc"
mount -o remount,ro,bind "$root"
ip link set lo up
inside() { exec env -i PATH=/usr/sbin:/usr/bin chroot --userspec=65532:65532 --groups=65532 "$root" "$@"; }

(inside /usr/bin/dragoman run -c /etc/dragoman/dragoman.yaml) &
gateway=$!
tries=0
until health=$( (inside /usr/bin/dragoman health) 2>/dev/null); do
	tries=$((tries + 1))
	if [ "$tries" -gt 200 ]; then echo 'it does not get healthy'; exit 1; fi
	sleep 0.1
done
echo "healthy: $health"
echo "ready: $( (inside /usr/bin/dragoman health --ready) | head -n 1)"
echo "user: $(stat -c %u:%g "$root/proc/$gateway")"
# Nobody serves behind it: the answer is the gateway's own.
echo "answer: $( (inside /usr/bin/dragoman call /v1/items/1 -v 2>&1 || true) | grep -o -m 1 '503')"
if ! touch "$root/etc/passwd" 2>/dev/null; then echo 'cannot write: yes'; fi
kill -TERM "$gateway"
code=0
wait "$gateway" || code=$?
echo "ended: $code"
`

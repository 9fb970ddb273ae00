#!/bin/sh
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# rootfs.sh BINARY CERTIFICATES DIR lays out the files of the image: the gateway, whom it trusts, and the user that it runs as. The
# Dockerfile uses it, and so does the test that runs the gateway with these files and no others.

set -eu
binary=$1 certificates=$2 root=$3
umask 022
mkdir -p "$root/etc/ssl/certs" "$root/etc/dragoman" "$root/usr/bin" "$root/var/lib/dragoman"
install -m 0755 "$binary" "$root/usr/bin/dragoman"
install -m 0644 "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
echo 'nonroot:x:65532:65532:nonroot:/var/lib/dragoman:/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"
chown -R 0:0 "$root"
chown 65532:65532 "$root/var/lib/dragoman"

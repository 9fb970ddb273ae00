#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# setup.sh PACKAGE... installs the Debian packages whose program this machine lacks, and says what it did.
# Tests start these programs themselves, on free ports; no service is left running.

set -euo pipefail

# Programs of administrators are not in everybody's path.
PATH=$PATH:/usr/sbin:/sbin

# program_of names the program that tests start from a package.
program_of() {
	case $1 in
	etcd-server) echo etcd ;;
	prometheus) echo promtool ;;
	iproute2) echo tc ;;
	nftables) echo nft ;;
	nghttp2-client) echo h2load ;;
	nginx-light) echo nginx ;;
	ngtcp2-client) echo gtlsclient ;;
	nodejs) echo node ;;
	systemd) echo systemd-analyze ;;
	*) echo "$1" ;;
	esac
}

missing=()
for package in "$@"; do
	program=$(program_of "$package")
	if path=$(command -v "$program"); then
		echo "setup: $package: $path is there"
	else
		missing+=("$package")
	fi
done
if ((${#missing[@]} == 0)); then
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "setup: tests need ${missing[*]} and this machine has no apt-get: install what provides them" >&2
	exit 1
fi
as_root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "setup: tests need ${missing[*]}: as root, run: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# RUNLEVEL keeps the packages' scripts from starting a service.
apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# The package lists are fetched only when they are absent or too old to install from.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! apt install --yes --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
	echo "setup: fetching the package lists"
	apt update
	if ! apt install --yes --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
		cat "$log" >&2
		exit 1
	fi
fi
for package in "${missing[@]}"; do
	echo "setup: $package: installed $(command -v "$(program_of "$package")")"
done

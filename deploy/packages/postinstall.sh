#!/bin/sh
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# After the files are there. dpkg says "configure" and the version before, rpm how many versions there are now.

set -eu
first=false
case "${1:-}" in
configure) [ -n "${2:-}" ] || first=true ;;
1) first=true ;;
2) ;;
*) exit 0 ;; # dpkg takes a step back
esac

if ! getent passwd dragoman >/dev/null; then
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers dragoman.conf
	else
		useradd --system --user-group --home-dir /var/lib/dragoman --no-create-home --shell /usr/sbin/nologin --comment 'Dragoman gateway' dragoman
	fi
fi
if [ "$first" = true ]; then
	# The configuration may have secrets: the gateway reads it, and nobody else.
	chgrp dragoman /etc/dragoman /etc/dragoman/dragoman.yaml
	chmod 0750 /etc/dragoman
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	if [ "$first" = false ]; then
		systemctl try-restart dragoman.service
	fi
fi
if [ "$first" = true ]; then
	echo 'dragoman is installed and not started: say in /etc/dragoman/dragoman.yaml what it is to serve, then run'
	echo '  systemctl enable --now dragoman'
fi

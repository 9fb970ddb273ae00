#!/bin/sh
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# After the files have gone. What the gateway has stored goes with dpkg's purge alone; the user stays, so that nobody else gets its number.

set -eu
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "${1:-}" = purge ]; then
	rm -rf /var/lib/dragoman /var/log/dragoman
fi

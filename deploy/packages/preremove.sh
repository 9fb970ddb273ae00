#!/bin/sh
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# Before the files go. dpkg says "remove", rpm that no version will be left.

set -eu
case "${1:-}" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl --quiet disable --now dragoman.service dragoman.socket
	fi
	;;
esac

#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# header.sh FOLDER... puts the licence lines at the head of the generated Go files that lack them. protoc-gen-go copies
# them from the schema, other plugins do not.

set -euo pipefail

header=$'// Copyright 2026 The Dragoman Authors\n// SPDX-License-Identifier: Apache-2.0\n'
find "$@" -name '*.go' -print0 | while IFS= read -r -d '' file; do
	if [[ $(head -n 1 "$file") != '// Copyright '* ]]; then
		{ printf '%s\n' "$header"; cat "$file"; } >"$file.tmp"
		mv "$file.tmp" "$file"
	fi
done

#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# swaggerui.sh writes Swagger UI, compressed, into gateway/docs/swaggerui: the files that the page of the documentation
# is made of, with their licences. It needs npm and the network; what it writes is committed.

set -euo pipefail

version=5.35.0
checksum=U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==
into=gateway/docs/swaggerui

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm pack --silent "swagger-ui-dist@$version" >/dev/null)
archive=$folder/swagger-ui-dist-$version.tgz
if [[ $(openssl dgst -sha512 -binary "$archive" | base64 -w0) != "$checksum" ]]; then
	echo "swagger-ui-dist $version is not what it was" >&2
	exit 1
fi
tar -xzf "$archive" -C "$folder"

# Without the places of source maps, which are not served.
sed 's#^//\# sourceMappingURL=.*$##; s#/\*\# sourceMappingURL=.*\*/##' "$folder/package/swagger-ui-bundle.js" | gzip -9 -n >"$into/swagger-ui-bundle.js.gz"
sed 's#/\*\# sourceMappingURL=.*\*/##' "$folder/package/swagger-ui.css" | gzip -9 -n >"$into/swagger-ui.css.gz"
cp "$folder/package/LICENSE" "$folder/package/NOTICE" "$folder/package/swagger-ui-bundle.js.LICENSE.txt" "$into/"

#!/usr/bin/env bash
# Installs what the console is built and tested with, unless it is there.
set -euo pipefail
cd "$(dirname "$0")"
# npm writes node_modules/.package-lock.json last: half an installation is none.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
	npm ci --no-progress
fi

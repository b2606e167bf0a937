#!/usr/bin/env bash
# Checks the console: types, unit tests, that dist is what src makes, and the pages in
# a real browser. Without Node, or without Chromium, it says what it leaves out; with
# CI=true that is an error, as there nothing may be skipped.
set -euo pipefail
cd "$(dirname "$0")"

leave_out() {
	echo "$1"
	[ "${CI:-}" != true ] || exit 1
}

if ! command -v npm >/dev/null; then
	leave_out "npm is not installed: the console is not checked"
	exit 0
fi
bash install.sh
npx tsc --noEmit
npx vitest run --project unit

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npx vite build --logLevel error --outDir "$fresh" --emptyOutDir
if ! diff -rq dist "$fresh"; then
	echo "web/dist is not what web/src makes: run make console and commit it"
	exit 1
fi
node weigh.mjs

if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	echo "installing chromium"
	apt-get update -q >/dev/null || true
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium >/dev/null || true
fi
if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then
	leave_out "chromium is not installed: the pages of the console are not tried (CHROMIUM can name it)"
	exit 0
fi
timeout 1800 npx vitest run --project browser

#!/usr/bin/env bash
# Installs what the tests of this directory look at packages and units with, from
# Debian, where they are not there and this user may install packages. What cannot
# be had is named, and its tests are skipped.
set -uo pipefail

debian=()
command -v lintian >/dev/null || debian+=(lintian)
command -v rpm >/dev/null || debian+=(rpm)
command -v systemd-analyze >/dev/null || debian+=(systemd)
[ ${#debian[@]} -gt 0 ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	echo "installing ${debian[*]}"
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${debian[@]}" >/dev/null && exit 0
fi
echo "not installed, their tests are skipped: ${debian[*]}"

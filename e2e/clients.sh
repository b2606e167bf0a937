#!/usr/bin/env bash
# Installs the official clients that the end-to-end tests drive: the X-Ray SDK
# for Node from npm and that for Go by its module; the AWS CLI, boto3 and the
# X-Ray SDK for Python from Debian where they are not there yet and this user may
# install packages, and the last, if it is too old to sample by a server's rules,
# from PyPI into .venv.
#
# What cannot be had is named and its tests are skipped. With CI=true it is an
# error: there nothing may be skipped.
#
# Terraform and its AWS provider are used where they are installed; they cannot
# be installed from here. Elsewhere a test plays the provider's part.
set -euo pipefail
cd "$(dirname "$0")"

missing=()

# python_with MODULE: some Python 3 of this machine can import it.
python_with() {
	for python in python3 /usr/bin/python3 .venv/bin/python3; do
		if command -v "$python" >/dev/null && "$python" -c "import $1" 2>/dev/null; then
			return 0
		fi
	done
	return 1
}

debian=()
command -v aws >/dev/null || debian+=(awscli)
python_with boto3 || debian+=(python3-boto3)
python_with aws_xray_sdk || debian+=(python3-aws-xray-sdk)
if [ ${#debian[@]} -gt 0 ]; then
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		echo "installing ${debian[*]}"
		apt-get update -q >/dev/null || true
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${debian[@]}" >/dev/null || missing+=("${debian[@]}")
	else
		missing+=("${debian[@]}")
	fi
fi

if ! python_with aws_xray_sdk.core.sampling.connector; then
	{ python3 -m venv .venv && .venv/bin/pip install -q 'aws-xray-sdk>=2.14,<3' boto3; } || missing+=("aws-xray-sdk (PyPI)")
fi

(cd xraysdk && go mod download) || missing+=("aws-xray-sdk-go")

# npm writes node_modules/.package-lock.json last, so a half-finished
# installation counts as none.
if ! command -v npm >/dev/null; then
	missing+=(npm)
elif [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
	npm ci --no-progress || missing+=("aws-xray-sdk (npm)")
fi

if [ ${#missing[@]} -gt 0 ]; then
	echo "not installed, their end-to-end tests cannot run: ${missing[*]}"
	[ "${CI:-}" != true ] || exit 1
fi

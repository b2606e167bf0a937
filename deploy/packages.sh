#!/usr/bin/env bash
# Builds the deb and the rpm into DIST, by default dist/ in the repository, for
# the architectures in ARCHES. The same commit and the same Go give the same
# bytes, on whatever machine.
set -euo pipefail
cd "$(dirname "$0")"
dist=$(realpath -m "${DIST:-../dist}")
mkdir -p "$dist"

# 1.2.3 from the tag v1.2.3; commits behind it sort after it, and before any tag
# it is 0.0.0.
described=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || echo "v0.0.0-0-g$(git describe --always --dirty 2>/dev/null || echo unknown)")
version=${VERSION:-$(sed -E 's/^v//; s/-([0-9]+)-g/+\1.g/; s/-dirty$/.dirty/' <<<"$described")}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
mtime=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

build() { # build OUT [ENV…]
	local out=$1
	shift
	(cd .. && env CGO_ENABLED=0 "$@" go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$out" ./cmd/tomo)
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm
build "$work/here"
for arch in ${ARCHES:-amd64 arm64}; do
	in=$work/$arch
	mkdir "$in"
	build "$in/tomo" GOOS=linux "GOARCH=$arch"
	"$work/here" manual | gzip -9n >"$in/tomo.1.gz"
	"$work/here" completion bash >"$in/tomo.bash"
	gzip -9nc ../CHANGELOG.md >"$in/CHANGELOG.md.gz"
	gzip -9n >"$in/changelog.gz" <<-END
		tomo ($version) unstable; urgency=medium

		  * What changed is in CHANGELOG.md.gz.

		 -- Tomo maintainers <maintainers@tomotrace.invalid>  $(date -u -d "@$SOURCE_DATE_EPOCH" -R)
	END
	sed -e "s|\${VERSION}|$version|g; s|\${ARCH}|$arch|g; s|\${DIST}|$in|g; s|\${MTIME}|$mtime|g" nfpm.yaml >"$in/nfpm.yaml"
	for kind in deb rpm; do
		"$work/nfpm" package --config "$in/nfpm.yaml" --packager "$kind" --target "$dist/"
	done
done

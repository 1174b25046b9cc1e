#!/usr/bin/env bash
# Builds the Debian package: l2p-edge_VERSION_ARCH.deb, with all that it needs but Node itself.
#
#   deploy/debian/build.sh [amd64|arm64] [FOLDER]   default: this machine's architecture, the current folder
#
# Needs dpkg-deb, npm with its registry or a filled cache, and 1 GB for a moment. arm64 can be built on amd64: native files
# come prebuilt. VERSION is package.json's, or $L2P_EDGE_DEB_VERSION. $L2P_EDGE_DEB_COMPRESSION: see `dpkg-deb --help`, -Z.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$(cd "$here/../.." && pwd)
arch=${1:-$(dpkg --print-architecture)}
out=$(cd "${2:-.}" && pwd)
version=${L2P_EDGE_DEB_VERSION:-$(node -p 'require(process.argv[1]).version' "$source/package.json")}
# So that the same sources give the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$source" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
umask 022
mkdir -p "$root/usr/lib" "$root/usr/bin"
bash "$source/deploy/stage.sh" "$root/usr/lib/l2p-edge" "$arch"
ln -s ../lib/l2p-edge/dist/cli/main.js "$root/usr/bin/l2p-edge"

install -D -m 640 "$source/deploy/config.yaml" "$root/etc/l2p-edge/config.yaml"
chmod 750 "$root/etc/l2p-edge"
install -D -m 644 "$source/deploy/systemd/l2p-edge.sysusers" "$root/usr/lib/sysusers.d/l2p-edge.conf"
install -D -m 644 "$source/deploy/systemd/l2p-edge.tmpfiles" "$root/usr/lib/tmpfiles.d/l2p-edge.conf"
# Debian 12 still looks below /lib where /usr is not merged.
mkdir -p "$root/lib/systemd/system"
sed 's#/opt/l2p-edge/current#/usr/lib/l2p-edge#' "$source/deploy/systemd/l2p-edge.service" \
  >"$root/lib/systemd/system/l2p-edge.service"
install -D -m 644 "$here/copyright" "$root/usr/share/doc/l2p-edge/copyright"
ln -s ../../../lib/l2p-edge/deploy/README.md "$root/usr/share/doc/l2p-edge/README.md"

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$root/DEBIAN/$script"; done
echo /etc/l2p-edge/config.yaml >"$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" "$here/control" >"$root/DEBIAN/control"

dpkg-deb --root-owner-group -Z"${L2P_EDGE_DEB_COMPRESSION:-xz}" --build "$root" "$out/l2p-edge_${version}_$arch.deb" >&2
echo "$out/l2p-edge_${version}_$arch.deb"

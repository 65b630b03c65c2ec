#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage, as root: packaging/debian/try-packages.sh [SUITE [MIRROR]]
# Makes the two Debian packages, installs them into a fresh root with nothing but a compiler and CMake, runs the command,
# consumes the library, and removes both again without a trace. Takes minutes; needs debootstrap and a mirror.
set -euo pipefail
cd "$(dirname "$0")/../.."
suite="${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}"
work="$(mktemp -d)"
root="$work/root"
clean_up() {
  if mountpoint -q "$root/proc"; then umount "$root/proc"; fi
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

build="${OFFRAMP_PACKAGE_BUILD:-build/debian}"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE="${OFFRAMP_PACKAGE_BUILD_TYPE:-Release}" -DCMAKE_INSTALL_PREFIX=/usr \
  -DBUILD_SHARED_LIBS=ON -DOFFRAMP_BUILD_TESTS=OFF -DOFFRAMP_BUILD_EXAMPLES=OFF >/dev/null
cmake --build "$build"
(cd "$build" && cpack -B "$work/packages")

debootstrap --variant=minbase --include=g++,cmake,make,pkg-config "$suite" "$root" "${@:2}" >"$work/debootstrap.log" || {
  cat "$work/debootstrap.log" >&2
  exit 1
}
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"  # the command asks it where it lies
cp "$work"/packages/*.deb "$root/tmp/"
cp -r examples/consumer tests/data/models/tiny "$root/tmp/"
list_files() {
  find "$root" -xdev \( -path "$root/tmp" -o -path "$root/var" -o -path "$root/proc" -o -name 'ld.so.cache*' \) -prune \
    -o -print | sort
}
# With nothing of the caller's environment: a compiler launcher would not be there.
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

# What the packages depend on stays, so that what they themselves leave behind is seen.
mapfile -t needed < <(for package in "$root"/tmp/offramp*.deb; do dpkg-deb -f "$package" Depends; done | tr , '\n' |
  sed -e 's/^ *//' -e 's/[ |(].*//' | grep -v '^offramp' | sort -u)
in_root apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
list_files >"$work/before"
in_root sh -c 'apt-get install -y -qq --no-install-recommends /tmp/offramp_*.deb /tmp/offramp-dev_*.deb' >/dev/null
in_root offramp --version
in_root offramp classify "A good film."
in_root sh -ec 'cmake -S /tmp/consumer -B /tmp/build >/dev/null && cmake --build /tmp/build >/dev/null &&
  /tmp/build/consumer /tmp/tiny "A good film." &&
  g++ -std=c++20 /tmp/consumer/main.cpp -o /tmp/by_pkg_config $(pkg-config --cflags --libs offramp) &&
  /tmp/by_pkg_config /tmp/tiny "A good film."'
in_root dpkg --purge offramp-dev offramp >/dev/null
list_files >"$work/after"
diff "$work/before" "$work/after"
echo "the packages install, run and leave no file behind"

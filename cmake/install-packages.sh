#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that a build of everything needs, and those named as arguments, if any is missing.
set -euo pipefail
packages=(g++ cmake ninja-build pkg-config libeigen3-dev nlohmann-json3-dev libhwy-dev libsentencepiece-dev libcli11-dev
          libcpp-httplib-dev libgtest-dev libtbb-dev libboost-dev locales "$@")
command -v dpkg-query >/dev/null || exit 0
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
((${#missing[@]})) || exit 0
echo "installing ${missing[*]}" >&2
as_root=()
((EUID == 0)) || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

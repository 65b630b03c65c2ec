#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's arm64 packages of what cannot come from the host's, since it is compiled, into build/arm64-packages,
# where the toolchain file looks. apt gets state of its own, so that the system's packages stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$PWD/build/arm64-packages"
[[ -e "$target/complete" ]] && exit 0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists,cache/archives}/partial "$target"
own_state=(-o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State::Lists=$work/lists"
           -o Dir::State::status=/dev/null -o "Dir::Cache=$work/cache" -o Acquire::Languages=none)
((EUID == 0)) && own_state+=(-o APT::Sandbox::User=root)
apt-get "${own_state[@]}" update -qq
(cd "$work" && apt-get "${own_state[@]}" download -qq libhwy-dev libhwy1 libgtest-dev)
for package in "$work"/*.deb; do
  dpkg-deb --extract "$package" "$target"
done
touch "$target/complete"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sends what docs/openapi.yaml allows, and what it does not, to a running service, and checks the answers against it.
#   tests/serve/check-openapi.sh OFFRAMP SCHEMATHESIS [OPTIONS OF SCHEMATHESIS...]
set -euo pipefail
cd "$(dirname "$0")/../.."
schemathesis=$(realpath "$2")
models=$PWD/tests/data/models
coproc service { exec "$1" serve --port 0 --format float32 --model $models/tiny $models/tiny-pair $models/multi-label-exits; }
trap 'kill "$service_PID"' EXIT
read -r -u "${service[0]}" line
mkdir -p build && cd build # where it leaves what it has found
# What a certificate or a layer a model has, no description says: valid requests for others are refused with 400.
"$schemathesis" --config-file ../tests/serve/schemathesis.toml run ../docs/openapi.yaml --url "${line##* }" \
  --exclude-checks positive_data_acceptance --max-examples 300 --seed 1 "${@:3}"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets and runs each for a number of seconds (20), or only those that are named:
#   tests/fuzz/run.sh [SECONDS_EACH [TARGET...]]
# What they start from is made of the tests' data and tests/fuzz/seeds/TARGET; what they find stays in build/fuzz/corpus.
# Prints executions, edges covered and the corpus of each; ends with status 1 at the first finding, whose input lies in
# build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-20}
shift || true
cmake/install-packages.sh clang libclang-rt-14-dev
cmake --preset fuzz >&2
cmake --build --preset fuzz >&2

models=tests/data/models
corpus=build/fuzz/corpus
mkdir -p build/fuzz/found
# Copies files to the corpus of a target, under names that do not collide.
seed() {
  local target=$1
  shift
  mkdir -p "$corpus/$target"
  local file
  for file in "$@"; do
    cp "$file" "$corpus/$target/$(sha1sum <"$file" | cut -c1-16)"
  done
}
seed safetensors_fuzz $models/tiny/model.safetensors
seed safetensors_index_fuzz $models/tiny-sharded/model.safetensors.index.json
seed config_fuzz $models/*/config.json
seed exits_json_fuzz $models/tiny/exits.json $models/tiny-mix/exits.json
seed exits_safetensors_fuzz $models/tiny*/exits.safetensors
seed tokenizer_json_fuzz $models/*/tokenizer.json
seed dataset_fuzz tests/fuzz/seeds/dataset_fuzz/*
seed tokenizer_files_fuzz tests/fuzz/seeds/tokenizer_files_fuzz/*
for target in text_fuzz two_routes_fuzz; do
  seed $target tests/fuzz/seeds/texts/*
done
for target in c_interface_fuzz policy_fuzz model_directory_fuzz sentencepiece_model_fuzz; do
  mkdir -p "$corpus/$target"
done

# Runs one target and prints its line.
fuzz() {
  local target=$1
  local log=build/fuzz/$target.log
  # Models are larger than most findings need; longer inputs only slow the search down.
  if ! "build/fuzz/tests/fuzz/$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=4096 \
    -artifact_prefix=build/fuzz/found/"$target"- -print_final_stats=1 "$corpus/$target" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "$target found something; see $log" >&2
    return 1
  fi
  printf '%-28s %12s %8s %8s\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: //p' "$log")" \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)" "$(find "$corpus/$target" -type f | wc -l)"
}
export -f fuzz
export seconds corpus

(($#)) || set -- $(cd build/fuzz/tests/fuzz && ls -- *_fuzz)
printf '%-28s %12s %8s %8s\n' target executions edges inputs
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'fuzz {}'

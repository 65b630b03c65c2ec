#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets and runs each for a number of seconds (20), or only those that are named:
#   tests/fuzz/run.sh [SECONDS_EACH [TARGET...]]
# What they start from is made of the tests' data and tests/fuzz/seeds/TARGET; what they find stays in build/fuzz/corpus.
# Prints executions, edges covered and the corpus of each; ends with status 1 at the first finding, whose input lies in
# build/fuzz/found. OFFRAMP_FUZZ_PRESET=fuzz-fast searches the same corpus without AddressSanitizer, several times as fast.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-20}
shift || true
cmake/install-packages.sh clang libclang-rt-dev
preset=${OFFRAMP_FUZZ_PRESET:-fuzz}
cmake --preset "$preset" >&2
cmake --build --preset "$preset" >&2

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
# The header of the weights, its length among it, behind a byte that says so.
{ printf '\1' && head -c 4400 $models/tiny-plain/model.safetensors; } >build/fuzz/header
seed safetensors_fuzz build/fuzz/header
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

# Half of an execution is AddressSanitizer's book-keeping of where memory came from and of what was freed long ago.
export ASAN_OPTIONS=malloc_context_size=3:quarantine_size_mb=8:thread_local_quarantine_size_kb=64
# Runs a target for some seconds on inputs of at most so many bytes.
run_phase() {
  local target=$1 time=$2 length=$3 log=$4
  if ! "build/$preset/tests/fuzz/$target" -max_total_time="$time" -max_len="$length" -entropic=0 -timeout=60 -rss_limit_mb=4096 \
    -artifact_prefix=build/fuzz/found/"$target"- -print_final_stats=1 "$corpus/$target" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "$target found something; see $log" >&2
    return 1
  fi
}
# Runs one target and prints its line. What needs no long input is searched by short ones first, which are many times
# faster; the files that others start from are longer.
fuzz() {
  local target=$1
  local log=build/fuzz/$target.log
  local long_seconds=$seconds
  local logs=("$log")
  case $target in
    c_interface_fuzz | dataset_fuzz | model_directory_fuzz | policy_fuzz | sentencepiece_model_fuzz | text_fuzz | \
      tokenizer_files_fuzz | two_routes_fuzz)
      long_seconds=$(((seconds + 3) / 4))
      run_phase "$target" $(((seconds * 3 + 3) / 4)) 512 "$log.short"
      logs+=("$log.short")
      ;;
  esac
  run_phase "$target" "$long_seconds" 8192 "$log"
  printf '%-28s %12s %8s %8s\n' "$target" \
    "$(awk '/^stat::number_of_executed_units/ {sum += $2} END {print sum}' "${logs[@]}")" \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)" "$(find "$corpus/$target" -type f | wc -l)"
}
export -f fuzz run_phase
export seconds corpus preset

(($#)) || set -- $(cd "build/$preset/tests/fuzz" && ls -- *_fuzz)
printf '%-28s %12s %8s %8s\n' target executions edges inputs
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'fuzz {}'

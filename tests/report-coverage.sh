#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the test programs that are named ran of text/, model/ and exits/, by the counters of clang in build/coverage/*.profraw:
# a line for each folder, and status 1 where less than 95 % of its lines have run. Tables by file are in
# build/coverage/FOLDER.txt; `llvm-cov show` with the same arguments and a file shows lines.
set -euo pipefail
cd "$(dirname "$0")/.."
counters=build/coverage/counters.profdata
llvm-profdata merge -o $counters build/coverage/*.profraw
programs=("$1")
for program in "${@:2}"; do
  programs+=(-object "$program")
done
status=0
for folder in text model exits; do
  # The headers alone do not run what calls the sentencepiece library.
  llvm-cov report "${programs[@]}" -instr-profile=$counters -ignore-filename-regex='sentencepiece/(kobert|pipeline)' \
    include/offramp/$folder 2>/dev/null >build/coverage/$folder.txt
  awk -v folder=$folder '/^TOTAL/ {print folder ": " $8 - $9 " of " $8 " lines, " $10; exit $10 + 0 < 95}' \
    build/coverage/$folder.txt || status=1
done
exit $status

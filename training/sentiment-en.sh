#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes models/sentiment-en. Usage: sentiment-en.sh ENCODER SST2 IMDB WORK
# ENCODER holds all-MiniLM-L6-v2, SST2 train.tsv, dev.tsv and test.tsv, IMDB train.tsv (label<TAB>text). What WORK holds
# already is not made again: with the exits behind layers in WORK/layers, only the exit before the encoder is.
# OFFRAMP names the command, PYTHON the interpreter.
set -euo pipefail
encoder=$(realpath "$1") sst2=$(realpath "$2") imdb=$(realpath "$3")
mkdir -p "$4"
work=$(realpath "$4")
cd "$(dirname "$0")"
offramp=${OFFRAMP:-../build/dev/offramp}
python=${PYTHON:-python}
labels=(--labels 0 1)

if [[ ! -e $work/sentences.txt ]]; then
  "$python" sentences.py "$imdb/train.tsv" --out "$work/sentences.txt" --count 100000
fi

# Two teachers with the last exit only, one of them on the mean of the rows; a student that learns from both.
if [[ ! -e $work/layers ]]; then
  common=(--encoder "$encoder" --train "$sst2/train.tsv" --dev "$sst2/dev.tsv" "${labels[@]}" --label-names negative positive)
  "$python" train.py "${common[@]}" --out "$work/teacher1" --layers 6 --epochs 2 --seed 1 --threads 1 --average 0.999
  "$python" train.py "${common[@]}" --out "$work/teacher2" --layers 6 --epochs 2 --seed 2 --threads 1 --average 0.999 \
    --pooling mean
  "$python" train.py "${common[@]}" --out "$work/student" --teacher "$work/teacher1" "$work/teacher2" \
    --unlabelled "$work/sentences.txt" --self-distillation 0.3 --epochs 1.6 --average 0.998 --seed 1
  "$python" export.py --trained "$work/student/final.pt" --encoder "$encoder" --golden golden-sentiment.txt --int8 \
    --threshold 0.9 --max-layer 4 --out "$work/layers"
fi

# The exit before the encoder learns the labels, and the full depth's answers to sentences. Some that trained neither it
# nor the other exits choose how thresholds differ.
"$python" sentences.py "$imdb/train.tsv" --out "$work/all.txt" --count 300000
grep -vxFf "$work/sentences.txt" "$work/all.txt" | tail -n 25000 > "$work/choose.txt"
grep -vxFf "$work/choose.txt" "$work/all.txt" > "$work/answered.txt"
"$offramp" classify --model "$work/layers" --format int8 --threshold 2 --threads 2 --input "$work/answered.txt" |
  sed -e 's/^negative\t.*/0/' -e 's/^positive\t.*/1/' | paste - "$work/answered.txt" | cat "$sst2/train.tsv" - \
  > "$work/train.tsv"
"$offramp" fit --layers 0 --model "$work/layers" --train "$work/train.tsv" --dev "$sst2/dev.tsv" --labels 0,1 \
  --out "$work/model"

awk 'NR % 2' "$sst2/dev.tsv" > "$work/even.tsv"
for format in float32 bfloat16 int8; do
  "$offramp" calibrate --model "$work/model" --data "$work/even.tsv" --labels 0,1 --format $format
done
"$python" choose_policy.py --offramp "$offramp" --model "$work/model" --texts "$work/choose.txt" --data "$sst2/dev.tsv" \
  "${labels[@]}" --format int8 --reference 0.9 --max-layer 4
for format in float32 bfloat16 int8; do
  "$offramp" curve --model "$work/model" --data "$sst2/test.tsv" --labels 0,1 --format $format --rounds 0 \
    --out "$work/curve-$format"
done
cp "$work"/model/{exits.json,exits.safetensors,config.json,model.safetensors,tokenizer.json,tokenizer_config.json} \
  ../models/sentiment-en

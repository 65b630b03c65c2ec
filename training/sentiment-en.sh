#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes models/sentiment-en. Usage: sentiment-en.sh ENCODER LARGE SST2 IMDB WORK
# ENCODER holds all-MiniLM-L6-v2, LARGE all-mpnet-base-v2 (join_parts.py), SST2 train.tsv, dev.tsv and test.tsv, IMDB
# train.tsv and dev.tsv (label<TAB>text). What WORK holds already is not made again: with the exits behind layers in WORK/layers, only
# the exit before the encoder is.
# OFFRAMP names the command, PYTHON the interpreter.
set -euo pipefail
encoder=$(realpath "$1") large=$(realpath "$2") sst2=$(realpath "$3") imdb=$(realpath "$4")
mkdir -p "$5"
work=$(realpath "$5")
cd "$(dirname "$0")"
offramp=${OFFRAMP:-../build/dev/offramp}
python=${PYTHON:-python}
labels=(--labels 0 1)

if [[ ! -e $work/sentences.txt ]]; then
  "$python" sentences.py "$imdb/train.tsv" --out "$work/sentences.txt" --count 100000
fi

# Sentences that choose thresholds, and so train nothing; the others.
"$python" sentences.py "$imdb/train.tsv" --out "$work/all.txt" --count 300000
grep -vxFf "$work/sentences.txt" "$work/all.txt" | tail -n 25000 > "$work/choose.txt"
grep -vxFf "$work/choose.txt" "$work/all.txt" > "$work/answered.txt"

# Two teachers with the last exit only, one of them on the mean of the rows; a student that learns from both. Then a teacher
# twice as deep and wide, and the student goes on with its answers.
if [[ ! -e $work/layers/exits.json ]]; then
  data=(--train "$sst2/train.tsv" --dev "$sst2/dev.tsv" "${labels[@]}" --label-names negative positive)
  common=(--encoder "$encoder" "${data[@]}")
  train() {  # into a directory of WORK, unless it is done
    [[ -e $work/$1/final.pt ]] || "$python" train.py --out "$work/$1" "${@:2}"
  }
  train teacher1 "${common[@]}" --layers 6 --epochs 2 --seed 1 --threads 1 --average 0.999
  train teacher2 "${common[@]}" --layers 6 --epochs 2 --seed 2 --threads 1 --average 0.999 --pooling mean
  train student "${common[@]}" --teacher "$work/teacher1" "$work/teacher2" --unlabelled "$work/sentences.txt" \
    --self-distillation 0.3 --epochs 1.6 --average 0.998 --seed 1
  train large --encoder "$large" "${data[@]}" --pooling mean --self-distillation 0.5 --encoder-lr 3e-5 --epochs 1.2 \
    --average 0.998 --max-tokens 128 --seed 1
  awk 'NF >= 3 && NF <= 40' "$work/answered.txt" | shuf -n 45000 --random-source="$work/answered.txt" > "$work/taught.txt"
  train student2 "${common[@]}" --initial "$work/student/final.pt" --teacher "$work/large" --teacher-weight 0.5 \
    --unlabelled "$work/taught.txt" --self-distillation 0.3 --epochs 2 --average 0.998 --seed 1
  "$python" export.py --trained "$work/student2/final.pt" --encoder "$encoder" --golden golden-sentiment.txt --int8 \
    --threshold 0.9 --max-layer 4 --out "$work/layers"
fi

# The exit before the encoder learns the labels, and the full depth's answers to sentences.
"$offramp" classify --model "$work/layers" --format int8 --full-depth --threads 2 --input "$work/answered.txt" |
  sed -e 's/^negative\t.*/0/' -e 's/^positive\t.*/1/' | paste - "$work/answered.txt" | cat "$sst2/train.tsv" - \
  > "$work/train.tsv"
"$offramp" fit --layers 0 --model "$work/layers" --train "$work/train.tsv" --dev "$sst2/dev.tsv" --labels 0,1 \
  --out "$work/model"

awk 'NR % 2' "$sst2/dev.tsv" > "$work/even.tsv"
for format in float32 bfloat16 int8; do
  "$offramp" calibrate --model "$work/model" --data "$work/even.tsv" --labels 0,1 --format $format
done
"$python" choose_policy.py --offramp "$offramp" --model "$work/model" --texts "$work/choose.txt" --data "$sst2/dev.tsv" \
  "${labels[@]}" --format int8 --reference 0.9 --max-layer 4 --allow 0.005
# Certified on sentences of reviews that nothing above has seen.
"$python" sentences.py "$imdb/dev.tsv" --without "$imdb/train.tsv" "$sst2/train.tsv" --count 100000 --out "$work/certify.txt"
for format in int8 bfloat16 float32; do
  certify=("$offramp" certify --model "$work/model" --texts "$work/certify.txt" --format $format)
  "${certify[@]}" --epsilon 0.01 --epsilon 0.02 --rule declining --decline 0.06
  "${certify[@]}" --epsilon 0.02 --conditional
done
for format in float32 bfloat16 int8; do
  "$offramp" curve --model "$work/model" --data "$sst2/test.tsv" --labels 0,1 --format $format --rounds 0 \
    --out "$work/curve-$format"
done
cp "$work"/model/{exits.json,exits.safetensors,config.json,model.safetensors,tokenizer.json,tokenizer_config.json} \
  ../models/sentiment-en

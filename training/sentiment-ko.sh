#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes models/sentiment-ko. Usage: sentiment-ko.sh NSMC WORK
# NSMC holds train.tsv, dev.tsv, test.tsv, train_extra.tsv (label<TAB>text) and neutral.tsv, reviews rated 5 to 8. What WORK
# holds already is not made again: with the exits behind layers in WORK/layers, only the exit before the encoder is.
# OFFRAMP names the command, PYTHON the interpreter.
set -euo pipefail
nsmc=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
cd "$(dirname "$0")"
offramp=${OFFRAMP:-../build/dev/offramp}
python=${PYTHON:-python}

awk -F'\t' '$1 == 0 || ++n % 14 == 0' "$nsmc/train_extra.tsv" > "$work/extra.tsv"  # as many positive as negative ones
if [[ ! -e $work/layers/exits.json ]]; then
  [[ -e $work/encoder/model.safetensors && ! -e $work/encoder/checkpoint.pt ]] ||
    "$python" pretrain.py --texts "$nsmc/train.tsv" "$nsmc/train_extra.tsv" "$nsmc/neutral.tsv" \
      --without "$nsmc/test.tsv" "$nsmc/dev.tsv" --out "$work/encoder" --epochs 2.2
  [[ -e $work/joint/final.pt ]] ||
    "$python" train.py --encoder "$work/encoder" --train "$nsmc/train.tsv" "$work/extra.tsv" --dev "$nsmc/dev.tsv" \
      --out "$work/joint" --labels 0 1 --label-names negative positive --max-tokens 128 --pooling mean --epochs 2 \
      --encoder-lr 2e-4 --average 0.998
  "$python" export.py --trained "$work/joint/final.pt" --encoder "$work/encoder" --golden golden-sentiment-ko.txt --int8 \
    --out "$work/layers"
fi

# One half of dev chooses the regularization of the exit before the encoder and fits its weights in the others and all
# temperatures, the other one certifies.
cat "$nsmc/train.tsv" "$work/extra.tsv" > "$work/train.tsv"
awk 'NR % 2' "$nsmc/dev.tsv" > "$work/even.tsv"
awk 'NR % 2 == 0' "$nsmc/dev.tsv" > "$work/odd.tsv"
"$offramp" fit --layers 0 --model "$work/layers" --train "$work/train.tsv" --dev "$work/even.tsv" --labels 0,1 \
  --out "$work/model"
"$offramp" calibrate --model "$work/model" --labels 0,1 --data "$work/even.tsv" --ngram-weights
for format in int8 float32 bfloat16; do
  common=(--model "$work/model" --labels 0,1 --format $format)
  "$offramp" calibrate "${common[@]}" --data "$work/even.tsv"
  certify=("$offramp" certify "${common[@]}" --data "$work/odd.tsv" --leave-out-known)
  "${certify[@]}" --epsilon 0.01 --rule declining --decline 0.06
  "${certify[@]}" --epsilon 0.02 --rule declining --decline 0.06 --as-default # bfloat16's stays: the last, and the highest
  "${certify[@]}" --epsilon 0.02 --conditional
  "$offramp" curve "${common[@]}" --data "$nsmc/test.tsv" --rounds 0 --points 0 --certified 0.01 --certified 0.02 --own-policy \
    --out "$work/curve-$format"
done
cp "$work"/model/{exits.json,exits.safetensors,config.json,model.safetensors,tokenizer.json,tokenizer_config.json} \
  ../models/sentiment-ko

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
if [[ ! -e $work/layers ]]; then
  "$python" pretrain.py --texts "$nsmc/train.tsv" "$nsmc/train_extra.tsv" "$nsmc/neutral.tsv" \
    --without "$nsmc/test.tsv" "$nsmc/dev.tsv" --out "$work/encoder" --epochs 2.2
  "$python" train.py --encoder "$work/encoder" --train "$nsmc/train.tsv" "$work/extra.tsv" --dev "$nsmc/dev.tsv" \
    --out "$work/joint" --labels 0 1 --label-names negative positive --max-tokens 128 --pooling mean --epochs 2 \
    --encoder-lr 2e-4 --average 0.998
  "$python" export.py --trained "$work/joint/final.pt" --encoder "$work/encoder" --golden golden-sentiment-ko.txt --int8 \
    --threshold 0.85 --max-layer 3 --out "$work/layers"
fi

cat "$nsmc/train.tsv" "$work/extra.tsv" > "$work/train.tsv"
"$offramp" fit --layers 0 --model "$work/layers" --train "$work/train.tsv" --dev "$nsmc/dev.tsv" --labels 0,1 \
  --out "$work/model"
awk 'NR % 2' "$nsmc/dev.tsv" > "$work/even.tsv"
for format in float32 bfloat16 int8; do
  "$offramp" calibrate --model "$work/model" --data "$work/even.tsv" --labels 0,1 --format $format
  "$offramp" curve --model "$work/model" --data "$nsmc/test.tsv" --labels 0,1 --format $format --rounds 0 --points 0 \
    --out "$work/curve-$format"
done
cp "$work"/model/{exits.json,exits.safetensors,config.json,model.safetensors,tokenizer.json,tokenizer_config.json} \
  ../models/sentiment-ko

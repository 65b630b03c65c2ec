#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes models/news-topics-en. Usage: news-topics-en.sh ENCODER DATA WORK
# ENCODER holds all-MiniLM-L6-v2; DATA/ag_news train.tsv, dev.tsv and test.tsv (label<TAB>text). What WORK holds already is not made
# again: with the exits behind layers in WORK/layers, only the exit before the encoder is.
# OFFRAMP names the command, PYTHON the interpreter; TRAIN holds further options of train.py, as --float32 for a CPU without
# AMX.
set -euo pipefail
encoder=$(realpath "$1") data=$(realpath "$2")
mkdir -p "$3"
work=$(realpath "$3")
cd "$(dirname "$0")"
offramp=${OFFRAMP:-../build/dev/offramp}
python=${PYTHON:-python}
read -ra more <<<"${TRAIN:-}"

# Parts that share no text: train, temperatures, choose, certify, test.
parts=$work/parts
"$python" results/splits.py "$data" --set ag_news --out "$parts"

# Articles of AG News begin with their headline. A service has headlines alone, and single sentences: so the first 5 to 14 words of
# each, and the last 8 to 17.
awk -F'\t' '{
  count = split($2, words, " ")
  opening = closing = $1 "\t"
  for (i = 1; i <= count && i <= 5 + NR % 10; i++) opening = opening (i > 1 ? " " : "") words[i]
  first = count > 7 + NR % 10 ? count - 7 - NR % 10 : 1
  for (i = first; i <= count; i++) closing = closing (i > first ? " " : "") words[i]
  print; print opening; print closing
}' "$parts/train.tsv" > "$work/train.tsv"

if [[ ! -e $work/layers/exits.json ]]; then
  [[ -e $work/encoder/tokenizer_config.json ]] ||
    "$python" cut_encoder.py --encoder "$encoder" --texts "$parts/train.tsv" --layers 3 --pieces 11000 --out "$work/encoder"
  [[ -e $work/joint/final.pt ]] ||
    "$python" train.py --encoder "$work/encoder" --train "$work/train.tsv" --dev "$parts/choose.tsv" \
      --labels World Sports Business Sci/Tech --pooling mean --max-tokens 128 --encoder-lr 1e-4 --self-distillation 0.5 \
      --average 0.998 --epochs 1.5 --out "$work/joint" "${more[@]}"
  "$python" export.py --trained "$work/joint/final.pt" --encoder "$work/encoder" --golden golden-news-topics.txt --int8 \
    --out "$work/layers"
fi

"$offramp" fit --layers 0 --model "$work/layers" --train "$work/train.tsv" --dev "$parts/choose.tsv" --out "$work/model"
for format in float32 bfloat16 int8; do
  "$offramp" calibrate --model "$work/model" --data "$parts/temperatures.tsv" --format $format
  certify=("$offramp" certify --model "$work/model" --data "$parts/certify.tsv" --format $format)
  "${certify[@]}" --epsilon 0.02 --conditional
  "${certify[@]}" --epsilon 0.01 --rule declining --decline 0.06
  "${certify[@]}" --epsilon 0.02 --rule declining --decline 0.06 --as-default # int8's stays: the last, and no lower
  "$offramp" curve --model "$work/model" --data "$parts/test.tsv" --format $format --rounds 0 --certified 0.01 --certified 0.02 \
    --own-policy --out "$work/curve-$format"
done
cp "$work"/model/{exits.json,exits.safetensors,config.json,model.safetensors,tokenizer.json,tokenizer_config.json} \
  ../models/news-topics-en

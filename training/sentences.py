# SPDX-License-Identifier: Apache-2.0
"""Cuts sentences from reviews (`label<TAB>text`) and writes them, one a line, tokenized like SST-2."""
import argparse
import html
import random
import re
from pathlib import Path

END = re.compile(r"(?<=[.!?])\s+")
TAG = re.compile(r"<[^>]*>")
PUNCTUATION = re.compile(r"n't\b|'(?:s|re|ve|ll|d|m)\b|[^\w\s'-]+|'(?!\w)|(?<!\w)'")


def sentences(review: str) -> list[str]:
    text = TAG.sub(" ", html.unescape(review)).lower()
    return [" ".join(PUNCTUATION.sub(r" \g<0> ", part).split()) for part in END.split(text)]


def sentences_of(reviews: str) -> dict[str, None]:
    """Those of a file, each once, in its order."""
    lines = Path(reviews).read_text(encoding="utf-8").split("\n")
    return dict.fromkeys(sentence for line in lines for sentence in sentences(line.partition("\t")[2]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("reviews")
    p.add_argument("--out", required=True)
    p.add_argument("--without", nargs="*", default=[], help="further reviews, whose sentences are left out")
    p.add_argument("--count", type=int, default=80000)
    p.add_argument("--shortest", type=int, default=4, help="words")
    p.add_argument("--longest", type=int, default=35, help="words")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    known = set().union(*map(sentences_of, a.without))
    kept = [sentence for sentence in sentences_of(a.reviews)
            if a.shortest <= len(sentence.split()) <= a.longest and sentence not in known]
    chosen = random.Random(a.seed).sample(kept, min(a.count, len(kept)))
    partial = Path(a.out + ".tmp")
    partial.write_text("\n".join(chosen) + "\n", encoding="utf-8")
    partial.replace(a.out)


if __name__ == "__main__":
    main()

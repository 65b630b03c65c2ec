# SPDX-License-Identifier: Apache-2.0
"""Cuts the five data sets into disjoint parts: train, temperatures, choose, certify, test.

temperatures: fits the temperatures; choose: picks thresholds; certify: 5,000 texts where the set has them; test: as it is.
Rows with one text, of pairs with one premise, are in one part, and certify has one row of each.
"""
import argparse
import random
from pathlib import Path


def rows(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


def first_text(line: str) -> str:
    return line.split("\t")[1]


def first_texts(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(map(first_text, lines)))


def parted(lines: list[str], texts: list[str]) -> tuple[list[str], list[str]]:
    """The rows whose first text is one of `texts`, and the others, both in the order of the file."""
    chosen = set(texts)
    return [x for x in lines if first_text(x) in chosen], [x for x in lines if first_text(x) not in chosen]


def taken(lines: list[str], count: int, seed: int) -> tuple[list[str], list[str]]:
    """The rows of `count` first texts at random, and the others."""
    return parted(lines, random.Random(seed).sample(first_texts(lines), count))


def halves(lines: list[str]) -> tuple[list[str], list[str]]:
    """The rows of every other first text, and the others."""
    return parted(lines, first_texts(lines)[0::2])


def one_of_each(lines: list[str], seed: int) -> list[str]:
    """A row of each first text at random, in the order of the file: a certificate assumes that rows are drawn independently."""
    shuffled = random.Random(seed).sample(range(len(lines)), len(lines))
    kept = {first_text(lines[i]): i for i in shuffled}
    return [lines[i] for i in sorted(kept.values())]


def word_spans(text: str, proper: bool = False) -> set[str]:
    words = text.split()
    spans = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    return spans - {" ".join(words)} if proper else spans


def without_phrases_of_held_out_sentences(train: list[str], count: int, seed: int) -> tuple[list[str], list[str]]:
    """SST-2's train rows are sentences and the phrases they are made of. Holds out `count` whole sentences (rows that are
    no phrase of another) and leaves every phrase of theirs out of what stays."""
    text = [" ".join(line.split("\t")[1].split()) for line in train]
    phrases = set()
    for one in set(text):
        phrases |= {hash(span) for span in word_spans(one, proper=True)}
    whole = [i for i, one in enumerate(text) if hash(one) not in phrases and len(one.split()) >= 4]
    chosen = set(random.Random(seed).sample(whole, count))
    forbidden = set().union(*(word_spans(text[i]) for i in chosen))
    return [train[i] for i in sorted(chosen)], [line for i, line in enumerate(train) if text[i] not in forbidden]


def parts_of(name: str, folder: Path) -> dict[str, list[str]]:
    train, dev, test = (rows(folder / f"{part}.tsv") for part in ("train", "dev", "test"))
    if name == "sst2":
        held_out, train = without_phrases_of_held_out_sentences(train, 1400, seed=1)
        temperatures, certify = taken(held_out, 400, seed=2)
        choose = dev  # the two parts of so small a file would choose poorly
    elif name == "snli":
        certify, rest = taken(dev, 2000, seed=1)
        temperatures, choose = taken(rest, 500, seed=2)
    elif name == "mnli":
        certify = dev
        held_out, train = taken(train, 1200, seed=1)
        temperatures, choose = halves(held_out)
    else:
        certify, train = taken(train, 5000, seed=1)
        temperatures, choose = halves(dev)
    return {"train": train, "temperatures": temperatures, "choose": choose, "certify": one_of_each(certify, seed=3), "test": test}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data", type=Path, help="directory of the data sets")
    p.add_argument("--set", required=True, choices=["ag_news", "imdb", "sst2", "snli", "mnli"])
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    for part, lines in parts_of(a.set, a.data / a.set).items():
        (a.out / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{a.set} {part}: {len(lines)}")


if __name__ == "__main__":
    main()

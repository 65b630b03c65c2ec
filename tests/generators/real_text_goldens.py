# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/real_text_goldens.txt: digests of what the `tokenizers` package makes of the lines of data sets,
with the tokenizers that subword_goldens.py has written.

    python tests/generators/real_text_goldens.py tests/data/text DATA_DIRECTORY
"""

import base64
import json
import pathlib
import sys

from tokenizers import Tokenizer

from tokenizer_goldens import Digest

FILES = ["nsmc/test.tsv", "ag_news/test.tsv", "kornli/test.tsv"]
FAMILIES = ["xlm_roberta", "albert", "roberta"]


def main():
    directory, data = map(pathlib.Path, sys.argv[1:3])
    documents = json.loads((directory / "subword_tokenizers.json").read_text(encoding="utf-8"))
    contents = json.loads((directory / "subwords.json").read_text(encoding="utf-8"))
    contents["charsmap"] = base64.b64encode((directory / "charsmap.bin").read_bytes()).decode()
    lines = []
    for family in FAMILIES:
        text = json.dumps(documents[family])
        for name in ("unigram", "vocab", "merges", "charsmap"):
            text = text.replace(f'"@{name}"', json.dumps(contents[name]))
        tokenizer = Tokenizer.from_str(text)
        for file in FILES:
            digest = Digest()
            texts = (data / file).read_bytes().decode().rstrip("\n").split("\n")
            for found in tokenizer.encode_batch(texts):
                digest.add(found.ids)
            lines.append(f"{family}/{file} {digest.value:016x}")
    (directory / "real_text_goldens.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

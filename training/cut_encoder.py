# SPDX-License-Identifier: Apache-2.0
"""Makes a smaller encoder of a BERT one: its first layers, and the pieces of its WordPiece vocabulary that texts use most.

Words whose piece is left out are spelled with shorter ones: single characters that the texts use, and all of ASCII, stay. To be
trained further, since nothing has taught the encoder those spellings.
"""
import argparse
import json
import string
from collections import Counter
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

import data
from exit_model import load_encoder
from export import write_json

CONTINUATION = "##"


def piece_counts(tokenizer: Tokenizer, texts: list[str]) -> Counter:
    """How often each piece of the vocabulary occurs, by its id."""
    counts = Counter()
    for encoding in tokenizer.encode_batch(texts):
        counts.update(encoding.ids)
    return counts


def kept_pieces(vocabulary: dict[str, int], special: set[str], counts: Counter, size: int) -> list[str]:
    """`size` pieces in the order of their ids: special ones, single characters, then the most frequent."""
    def spells(piece: str) -> bool:
        character = piece.removeprefix(CONTINUATION)
        return len(character) == 1 and (character in string.printable or counts[vocabulary[piece]] > 0)

    first = [piece for piece in vocabulary if piece in special or spells(piece)]
    if len(first) > size:
        raise SystemExit(f"--pieces {size}: the special pieces and single characters alone are {len(first)}")
    others = sorted(vocabulary.keys() - set(first), key=lambda piece: (-counts[vocabulary[piece]], vocabulary[piece]))
    return sorted(first + others[:size - len(first)], key=vocabulary.get)


def with_pieces(tokenizer: dict, pieces: list[str]) -> dict:
    """The contents of tokenizer.json with those pieces alone, numbered from 0."""
    ids = {piece: i for i, piece in enumerate(pieces)}
    processor = tokenizer["post_processor"]
    special = {name: value | {"ids": [ids[token] for token in value["tokens"]]}
               for name, value in processor["special_tokens"].items()}
    return tokenizer | {
        "truncation": None, "padding": None,
        "model": tokenizer["model"] | {"vocab": ids},
        "added_tokens": [token | {"id": ids[token["content"]]} for token in tokenizer["added_tokens"]],
        "post_processor": processor | {"special_tokens": special},
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--encoder", type=Path, required=True, help="Hugging Face directory of a BERT encoder")
    p.add_argument("--texts", required=True, help="label<TAB>text: what the vocabulary is for")
    p.add_argument("--layers", type=int, required=True, help="how many of the first to keep")
    p.add_argument("--pieces", type=int, required=True, help="how many of the vocabulary to keep, special ones among them")
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    content = json.loads((a.encoder / "tokenizer.json").read_text(encoding="utf-8"))
    if content["model"]["type"] != "WordPiece" or content["post_processor"]["type"] != "TemplateProcessing":
        raise SystemExit(f"{a.encoder}: expected a WordPiece tokenizer with a template")
    vocabulary = content["model"]["vocab"]
    texts = [text for _, text in data.read_rows(a.texts, 2)]
    counts = piece_counts(Tokenizer.from_str(json.dumps(content | {"truncation": None, "padding": None})), texts)
    pieces = kept_pieces(vocabulary, {token["content"] for token in content["added_tokens"]}, counts, a.pieces)

    encoder = load_encoder(str(a.encoder)).float()
    embeddings = encoder.get_input_embeddings().weight.detach()[[vocabulary[piece] for piece in pieces]]
    encoder.set_input_embeddings(torch.nn.Embedding.from_pretrained(embeddings))
    encoder.encoder.layer = encoder.encoder.layer[:a.layers]
    a.out.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in encoder.state_dict().items()}, a.out / "model.safetensors",
              metadata={"format": "pt"})
    config = json.loads((a.encoder / "config.json").read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": len(encoder.encoder.layer), "vocab_size": len(pieces)}
    write_json(a.out / "config.json", config, indent=2)
    write_json(a.out / "tokenizer.json", with_pieces(content, pieces), separators=(",", ":"))
    settings = json.loads((a.encoder / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(a.out / "tokenizer_config.json", settings, indent=2)

    whole, cut = sum(counts.values()), piece_counts(Tokenizer.from_file(str(a.out / "tokenizer.json")), texts)
    print(f"{len(pieces)} of {len(vocabulary)} pieces; a text has {sum(cut.values()) / len(texts):.2f} of them, with all "
          f"{whole / len(texts):.2f}")


if __name__ == "__main__":
    main()

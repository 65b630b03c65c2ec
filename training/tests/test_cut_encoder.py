# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS))
import exit_model  # noqa: E402

CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789."
WORDS = ["film", "dull", "##ness", "goal", "goals", "zephyr"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
TEXTS = ["goal goal goal goals", "goals. film film", "dullness é"]
FIXED = len(SPECIAL) + 2 * len(CHARACTERS) + 1  # é, which the texts have


def make_encoder(directory: Path) -> BertModel:
    pieces = ["[PAD]", "zephyr", "[UNK]", "[CLS]", *WORDS[:-1], "[SEP]", "é", "ö", *CHARACTERS, *("##" + c for c in CHARACTERS)]
    ids = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])])
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text("{}")
    torch.manual_seed(1)
    encoder = BertModel(BertConfig(vocab_size=len(ids), hidden_size=8, num_hidden_layers=3, num_attention_heads=2,
                                   intermediate_size=16, max_position_embeddings=32)).eval()
    encoder.save_pretrained(directory)
    return encoder


def cut(encoder: Path, texts: Path, out: Path, pieces: int) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPTS / "cut_encoder.py", "--encoder", encoder, "--texts", texts, "--layers", "2",
                           "--pieces", str(pieces), "--out", out], capture_output=True, text=True)


class CutEncoder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.whole, self.out = Path(scratch.name) / "whole", Path(scratch.name) / "out"
        self.whole.mkdir()
        self.encoder = make_encoder(self.whole)
        self.texts = Path(scratch.name) / "texts.tsv"
        self.texts.write_text("".join(f"label\t{text}\n" for text in TEXTS))

    def test_kept_pieces_keep_their_meaning(self):
        done = cut(self.whole, self.texts, self.out, FIXED + 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        old, new = (Tokenizer.from_file(str(d / "tokenizer.json")) for d in (self.whole, self.out))
        vocabulary = new.get_vocab()
        self.assertEqual(sorted(vocabulary.values()), list(range(FIXED + 3)))
        self.assertEqual(json.loads((self.out / "config.json").read_text())["vocab_size"], FIXED + 3)
        self.assertEqual({*WORDS, "é", "ö"} & vocabulary.keys(), {"goal", "goals", "film", "é"})
        self.assertNotIn("[UNK]", new.encode("zephyr dullness goals.").tokens)

        smaller = exit_model.load_encoder(str(self.out)).eval()
        text = "goal goals é a.b"
        self.assertEqual(new.encode(text).tokens, old.encode(text).tokens)
        with torch.no_grad():
            expected = self.encoder(torch.tensor([old.encode(text).ids]), output_hidden_states=True).hidden_states
            found = smaller(torch.tensor([new.encode(text).ids]), output_hidden_states=True).hidden_states
        self.assertEqual(len(found), 3)
        for layer, states in enumerate(found):
            torch.testing.assert_close(states, expected[layer])

    def test_the_most_frequent_pieces_stay(self):
        for more, kept in ((1, {"goal"}), (3, {"goal", "goals", "film"}), (5, {"goal", "goals", "film", "dull", "##ness"})):
            out = self.out.with_name(f"out{more}")
            self.assertEqual(cut(self.whole, self.texts, out, FIXED + more).returncode, 0)
            self.assertEqual(set(WORDS) & Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab().keys(), kept)

    def test_too_few_pieces_are_refused(self):
        done = cut(self.whole, self.texts, self.out, 20)
        self.assertIn("the special pieces and single characters alone are", done.stderr)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()

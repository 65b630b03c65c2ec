# SPDX-License-Identifier: Apache-2.0
"""Trains small vocabularies on generated texts and writes, into tests/data/text, what the `tokenizers` package makes of
other generated texts with them: digests, and a few examples to read. tests/text/subwords/corpus.hpp generates the same
texts.

    pip install tokenizers==0.23.3 transformers==5.23.0 sentencepiece==0.2.3 protobuf
    python tests/generators/subword_goldens.py tests/data/text

Writes
  subwords.json            the pieces of a Unigram and of a byte-level BPE model
  charsmap.bin             the rewriting rules of sentencepiece's nmt_nfkc
  subword_tokenizers.json  a tokenizer.json for each variant; "@unigram", "@vocab", "@merges" and "@charsmap" stand for the
                           contents of the files above
  subword_goldens.txt      the digests
  subword_examples.json    [variant, text, ids]
"""

import base64
import io
import json
import pathlib
import sys

import sentencepiece
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

from subword_corpus import SubwordGenerator
from tokenizer_goldens import Digest

VERSIONS = {tokenizers: "0.23.3", transformers: "5.23.0", sentencepiece: "0.2.3"}
TEXTS_PER_DIGEST = 512
FAMILY_DIGESTS = 100  # 51,200 texts
VARIANT_DIGESTS = 6


def training_texts():
    generator = SubwordGenerator(31)
    generator.any_script = 2**31  # hardly ever
    return [generator.text() for _ in range(20000)]


def train_unigram(texts):
    """A Unigram model as sentencepiece makes it; its control symbols are those of XLM-RoBERTa's files."""
    model = io.BytesIO()
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=1500, model_type="unigram", num_threads=1,
        character_coverage=0.9995, normalization_rule_name="nmt_nfkc", minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto


def train_byte_pair(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=1500, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


class Variants:
    """Tokenizers as the classes of transformers make them, and with every other part that is offered."""

    def __init__(self, proto, vocab, merges):
        pieces = [(piece.piece, piece.score) for piece in proto.pieces[3:]]
        self.charsmap = proto.normalizer_spec.precompiled_charsmap
        self.unigram = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]
        self.vocab, self.merges = vocab, merges
        self.byte_pieces = [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]

    def precompiled(self):
        return normalizers.Precompiled(self.charsmap)

    def families(self):
        albert_pieces = [("<pad>", 0.0), ("<unk>", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[MASK]", 0.0), *self.unigram[4:-1]]
        charsmap = self.charsmap
        return {
            "xlm_roberta": transformers.XLMRobertaTokenizer(vocab=self.unigram, _spm_precompiled_charsmap=charsmap),
            "albert": transformers.AlbertTokenizer(vocab=albert_pieces, _spm_precompiled_charsmap=charsmap),
            "roberta": transformers.RobertaTokenizer(
                vocab=self.vocab, merges=self.merges,
                mask_token=AddedToken("<mask>", lstrip=True, normalized=False, special=True)),
        }

    def unigram_variant(self, normalizer, pre_tokenizer, pieces=None, **options):
        tokenizer = Tokenizer(models.Unigram(pieces or self.unigram, unk_id=3, **options))
        if normalizer:
            tokenizer.normalizer = normalizer
        if pre_tokenizer:
            tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
        tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
        return tokenizer

    def byte_pair_variant(self, pre_tokenizer, **options):
        tokenizer = Tokenizer(models.BPE(self.vocab, self.merges, **options))
        tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.BertProcessing(("</s>", 2), ("<s>", 0))])
        tokenizer.add_special_tokens(["<s>", "<pad>", "</s>"])
        return tokenizer

    def sentencepiece_byte_pair(self, **options):
        """BPE on characters, with the sign for spaces and pieces for bytes."""
        pieces = {piece: index for index, piece in enumerate(["<unk>", "<s>", "</s>"])}
        if options.get("byte_fallback"):
            pieces.update({piece: len(pieces) + index for index, (piece, _) in enumerate(self.byte_pieces)})
        merges = []
        for piece, _ in self.unigram[4:-1]:
            for character in piece:
                pieces.setdefault(character, len(pieces))
        for piece, _ in sorted(self.unigram[4:-1], key=lambda entry: len(entry[0])):
            for cut in range(1, len(piece)):
                if piece[:cut] in pieces and piece[cut:] in pieces:
                    pieces.setdefault(piece, len(pieces))
                    merges.append((piece[:cut], piece[cut:]))
        tokenizer = Tokenizer(models.BPE(pieces, merges, unk_token="<unk>", **options))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
        tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 1))
        tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
        return tokenizer

    def with_added_tokens(self, tokenizer):
        tokenizer.add_tokens([
            AddedToken("<l>", lstrip=True, normalized=False), AddedToken("!?", rstrip=True, normalized=False),
            AddedToken("to", single_word=True, normalized=False), AddedToken("\u00c4ka", normalized=True),
            AddedToken("\ufb01", normalized=True, lstrip=True, rstrip=True), AddedToken("ing", normalized=True),
            AddedToken("\uff76\uff9e", normalized=True, single_word=True)])
        return tokenizer

    def others(self):
        sequence, metaspace = normalizers.Sequence, pre_tokenizers.Metaspace
        spaced = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace()])
        # As transformers 4 converted the files of sentencepiece.
        converted = sequence([self.precompiled(), normalizers.Strip(left=False, right=True),
                              normalizers.Replace(Regex(" {2,}"), "\u2581")])
        albert = sequence([normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(),
                           normalizers.StripAccents(), normalizers.Lowercase(), self.precompiled(),
                           normalizers.Replace(Regex(" {2,}"), " ")])
        byte_level = pre_tokenizers.ByteLevel
        variants = {
            "unigram_converted": self.unigram_variant(converted, metaspace()),
            "unigram_albert_converted": self.unigram_variant(albert, spaced),
            "unigram_never": self.unigram_variant(self.precompiled(), metaspace(prepend_scheme="never")),
            "unigram_whole": self.unigram_variant(None, metaspace(split=False)),
            "unigram_plain": self.unigram_variant(None, None),
            "unigram_sign": self.unigram_variant(normalizers.Strip(), metaspace("x")),
            "unigram_bytes": self.unigram_variant(self.precompiled(), spaced, self.unigram + self.byte_pieces,
                                                  byte_fallback=True),
            "unigram_added": self.with_added_tokens(self.unigram_variant(self.precompiled(), spaced)),
            "bpe_prefixed": self.byte_pair_variant(byte_level(add_prefix_space=True), ignore_merges=True),
            "bpe_unsplit": self.byte_pair_variant(byte_level(add_prefix_space=True, use_regex=False)),
            "bpe_words": self.byte_pair_variant(pre_tokenizers.Sequence([
                pre_tokenizers.WhitespaceSplit(), byte_level(add_prefix_space=True)])),
            "bpe_added": self.with_added_tokens(self.byte_pair_variant(byte_level(add_prefix_space=False))),
            "bpe_fused": self.sentencepiece_byte_pair(fuse_unk=True),
            "bpe_unknown": self.sentencepiece_byte_pair(fuse_unk=False),
            "bpe_bytes": self.sentencepiece_byte_pair(fuse_unk=True, byte_fallback=True),
        }
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            variants[f"unigram_{form.lower()}"] = self.unigram_variant(getattr(normalizers, form)(), spaced)
        bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True)
        variants["unigram_bert"] = self.unigram_variant(sequence([bert, normalizers.StripAccents()]), spaced)
        return variants

    def skeleton(self, tokenizer):
        """Its tokenizer.json without what other files hold. What an old version writes is read too."""
        document = json.loads(tokenizer.to_str())
        text = json.dumps(document).replace(base64.b64encode(self.charsmap).decode(), "@charsmap")
        document = json.loads(text)
        model = document["model"]
        if model.get("vocab") == [list(entry) for entry in self.unigram]:
            model["vocab"] = "@unigram"
        if model.get("vocab") == self.vocab:
            model["vocab"], model["merges"] = "@vocab", "@merges"
        return document


class Goldens:
    def __init__(self):
        self.lines = []

    def write(self, name, sequences):
        digest = Digest()
        for numbers in sequences:
            digest.add(numbers)
        self.lines.append(f"{name} {digest.value:016x}")

    def corpus(self, name, tokenizer, digests):
        generator = SubwordGenerator(2026)
        for index in range(digests):
            texts = [generator.text() for _ in range(TEXTS_PER_DIGEST)]
            self.write(f"corpus/{name}/{index:03}", [found.ids for found in tokenizer.encode_batch(texts)])
            if tokenizer.normalizer and digests == VARIANT_DIGESTS:
                normalize = tokenizer.normalizer.normalize_str
                self.write(f"normalized/{name}/{index:03}", [list(map(ord, normalize(text))) for text in texts])

    def code_points(self, name, tokenizer):
        codes = [code for code in [*range(0x32000), *range(0xE0000, 0xE1000)] if not 0xD800 <= code <= 0xDFFF]
        for context, (before, after) in {"alone": ("", ""), "marked": ("a", "\u0301b")}.items():
            for start in range(0, len(codes), 8192):
                texts = [before + chr(code) + after for code in codes[start:start + 8192]]
                key = f"{context}/{name}/{start // 8192:02}"
                self.write(f"code_points/{key}", [found.ids for found in tokenizer.encode_batch(texts)])
                if tokenizer.normalizer:
                    normalize = tokenizer.normalizer.normalize_str
                    self.write(f"code_points_normalized/{key}", [list(map(ord, normalize(text))) for text in texts])

    def ill_formed(self, name, tokenizer):
        generator = SubwordGenerator(7453)
        for index in range(VARIANT_DIGESTS):
            texts = [generator.byte_string().decode("utf-8", errors="replace") for _ in range(TEXTS_PER_DIGEST)]
            self.write(f"ill_formed/{name}/{index:03}", [found.ids for found in tokenizer.encode_batch(texts)])

    def pairs(self, name, tokenizer):
        generator = SubwordGenerator(11)
        for max_tokens in range(4, 44, 3):
            pairs = [(generator.text(), generator.text()) for _ in range(128)]
            tokenizer.no_truncation()
            wholes = [len(found.ids) for found in tokenizer.encode_batch(pairs)]
            tokenizer.enable_truncation(max_tokens)
            self.write(f"pairs/{name}/{max_tokens:03}",
                       [[*found.ids, *found.type_ids, int(len(found.ids) < whole)]
                        for found, whole in zip(tokenizer.encode_batch(pairs), wholes)])
        tokenizer.no_truncation()

    def long_words(self, name, tokenizer):
        texts = [letters * count for letters in ("a", "ka", "\uc548\ub155", "\u0301", "e\u0301\u0323", "''", "<", " ")
                 for count in (1, 2, 3, 100, 1000)]
        self.write(f"long_words/{name}", [found.ids for found in tokenizer.encode_batch(texts)])


EXAMPLES = ["Hello, it's 2026.", "\uc548\ub155\ud558\uc138\uc694", "\u1112\u1161\u11ab\u1100\u1161", "\uff76\uff9e\u30bf", "a\r\nb",
            "x\U0001f468\u200d\U0001f469y", "``Caf\u00e9''  <mask> \ufb01n"]


def main():
    for package, version in VERSIONS.items():
        if package.__version__ != version:
            raise SystemExit(f"{package.__name__} {package.__version__} is installed, the files are made with {version}")
    directory = pathlib.Path(sys.argv[1])
    texts = training_texts()
    proto = train_unigram(texts)
    variants = Variants(proto, *train_byte_pair(texts))
    families = variants.families()
    backends = {name: family.backend_tokenizer for name, family in families.items()}
    goldens = Goldens()
    for name, tokenizer in backends.items():
        goldens.corpus(name, tokenizer, FAMILY_DIGESTS)
        goldens.ill_formed(name, tokenizer)
        goldens.code_points(name, tokenizer)
        sample = texts[:500]
        assert families[name](sample)["input_ids"] == [found.ids for found in tokenizer.encode_batch(sample)]
    others = variants.others()
    for name, tokenizer in others.items():
        goldens.corpus(name, tokenizer, VARIANT_DIGESTS)
    goldens.code_points("unigram_nfkc", others["unigram_nfkc"])
    for name, tokenizer in {**backends, **others}.items():
        goldens.long_words(name, tokenizer)
        goldens.pairs(name, tokenizer)
    documents = {name: variants.skeleton(tokenizer) for name, tokenizer in {**backends, **others}.items()}
    documents["bpe_added"]["model"]["merges"] = "@legacy_merges"
    examples = [[name, text, tokenizer.encode(text).ids] for name, tokenizer in backends.items() for text in EXAMPLES]

    def write(name, content):
        (directory / name).write_text(content + "\n", encoding="utf-8", newline="\n")

    def rows(values):
        return "[\n" + ",\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "\n]"

    (directory / "charsmap.bin").write_bytes(variants.charsmap)
    write("subwords.json", '{"unigram": %s,\n"vocab": %s,\n"merges": %s}' % (
        rows(variants.unigram), json.dumps(variants.vocab, ensure_ascii=False, indent=0), rows(variants.merges)))
    write("subword_tokenizers.json", "{\n" + ",\n".join(
        f"{json.dumps(name)}: {json.dumps(document, ensure_ascii=False)}" for name, document in documents.items()) + "\n}")
    write("subword_goldens.txt", "\n".join(goldens.lines))
    write("subword_examples.json", rows(examples))


if __name__ == "__main__":
    main()

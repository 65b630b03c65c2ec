# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/tokenizer_directories.jsonl: small directories with a tokenizer, made up at random of every file
and setting that transformers reads, and what its AutoTokenizer makes of some texts.

    pip install transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python tests/generators/tokenizer_directories.py tests/data/text

Left out are directories that transformers cannot load, texts whose ids lie beyond the encoder's rows, and settings that
offramp refuses by name. "@charsmap" stands for charsmap.bin in base64; of a sentencepiece model stand its pieces, with scores
and types, and whether it has these rules.
"""
import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from encoded_directories import make_lines

DIRECTORIES, MPNET_DIRECTORIES, SENTENCEPIECE_DIRECTORIES = 120, 30, 60
PIECES = """the dog cat hello world café cafe Hello World HELLO un ##able ##ing ##s go ! . , ' - [ ] 的 人 的人 é e c a ##a ##fé
##fe covid ##19 19 # İ ß ü ##的 ##人""".split()
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<unk>", "<mask>", "[unused1]"]
EXTRA = ["[E1]", "[/E1]", "[E2]", "covid19", "E1", "dog", "[MASK]", "<mask>", "[CLS]", "</s>", "[unused1]", "café", "的人"]
WORDS = "▁the ▁dog ▁hello ▁Hello ▁world ▁ h e l o w r d é c a f ▁go ing s t u n 的 人 ▁covid 1 9 g i v [ ] E / \" ' < >".split()
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = range(1, 5)
BERT_ROLES = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
ROBERTA_ROLES = {"unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>",
                 "bos_token": "<s>"}
MPNET_ROLES = {**ROBERTA_ROLES, "unk_token": "[UNK]", "eos_token": "</s>"}


class Directory:
    """Files by name, drawn at random."""

    def __init__(self, seed, charsmap, make=None):
        self.random = random.Random(seed)
        self.charsmap = charsmap
        self.files = {}
        self.settings = {}
        if make is None:
            make = self.random.choice(
                [Directory.make_bert] * 3 + [Directory.make_roberta, Directory.make_herbert, Directory.make_unigram])
        make(self)

    def chance(self, probability):
        return self.random.random() < probability

    def maybe(self, key, values, probability=0.5):
        if self.chance(probability):
            self.settings[key] = self.random.choice(values)

    def sample(self, values, most):
        return self.random.sample(values, self.random.randrange(most))

    def write(self, name, content):
        self.files[name] = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    def token(self, content):
        return {"content": content, "single_word": self.chance(0.15), "lstrip": self.chance(0.25),
                "rstrip": self.chance(0.25), "normalized": self.chance(0.4), "special": self.chance(0.6)}

    def draw_tokens(self, roles):
        """Special and added tokens, in each of the files that may name them."""
        for role, content in roles.items():
            if self.chance(0.25):
                typed = {"__type": "AddedToken", **self.token(content)}
                self.settings[role] = content if self.chance(0.6) else typed
        if self.chance(0.4):
            decoder = {}
            for number, content in enumerate(self.sample(EXTRA, len(EXTRA))):
                token = self.token(content)
                if self.chance(0.1):
                    del token["normalized"]
                decoder[str(number + self.random.choice([0, 60, 100]))] = token
            self.settings["added_tokens_decoder"] = decoder
        if self.chance(0.3):
            self.write("added_tokens.json", {content: self.random.choice([60 + number, 100 - number])
                                             for number, content in enumerate(self.sample(EXTRA, len(EXTRA)))})
        if self.chance(0.3):
            mapped = {}
            for role, content in roles.items():
                if self.chance(0.3):
                    typed = {key: value for key, value in self.token(content).items() if key != "special"}
                    mapped[role] = content if self.chance(0.6) else typed
            if self.chance(0.4):
                mapped["additional_special_tokens"] = self.random.choice([["[E1]", "[/E1]"], ["[unused1]"], []])
            if self.chance(0.1):
                mapped["extra_special_tokens"] = self.random.choice([["[E2]"], ["dog"]])
            self.write("special_tokens_map.json", mapped)
        self.maybe("additional_special_tokens", [["[E1]", "[/E1]"], ["[unused1]"], [], ["[E2]", "covid19"]], 0.3)
        self.maybe("extra_special_tokens", [["[E2]"], {}, {"x_token": "E1"}, ["dog"]], 0.2)
        self.maybe("my_token", ["[e1]", "cat"], 0.1)

    def finish(self, model_type, pieces, settings_probability=0.9):
        if self.chance(settings_probability):
            self.write("tokenizer_config.json", self.settings)
        self.write("config.json", {"model_type": model_type, "vocab_size": pieces + self.random.choice([0, 8, 8])})

    def add_tokens(self, tokenizer):
        tokenizer.add_tokens([AddedToken(**self.token(content)) for content in self.sample(EXTRA, 4)])

    def bert_json(self, pieces):
        tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]",
                                               max_input_chars_per_word=self.random.choice([100, 100, 5])))
        bert = normalizers.BertNormalizer(lowercase=self.chance(0.5), strip_accents=self.random.choice([None, True, False]),
                                          handle_chinese_chars=self.chance(0.7), clean_text=self.chance(0.8))
        tokenizer.normalizer = self.random.choice([
            bert, bert, normalizers.Sequence([normalizers.NFKC(), bert]),
            normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])])
        tokenizer.pre_tokenizer = self.random.choice([
            pre_tokenizers.BertPreTokenizer(), pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.BertPreTokenizer()])])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
            special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))])
        tokenizer.add_special_tokens([token for token in BERT_ROLES.values() if self.chance(0.9)])
        self.add_tokens(tokenizer)
        document = json.loads(tokenizer.to_str())
        for token in document["added_tokens"]:
            token["id"] += self.random.randrange(3) if self.chance(0.1) else 0
        return document

    def make_bert(self):
        specials = SPECIALS.copy()
        if self.chance(0.2):
            specials.remove(self.random.choice(specials[4:]))
        pieces = specials + self.random.sample(PIECES, len(PIECES))
        if self.chance(0.15):
            pieces.append(self.random.choice(pieces[12:]))
        self.maybe("tokenizer_class", ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ElectraTokenizerFast",
                                       "PreTrainedTokenizerFast", "TokenizersBackend"], 0.7)
        self.maybe("do_lower_case", [True, False])
        self.maybe("strip_accents", [True, False, None])
        self.maybe("tokenize_chinese_chars", [True, False], 0.4)
        self.maybe("model_max_length", [512, 1e30, 512.0, 1000000000000000019884624838656])
        self.maybe("padding_side", ["left", "right"], 0.2)
        self.maybe("truncation_side", ["right"], 0.2)
        self.maybe("clean_up_tokenization_spaces", [True, False], 0.2)
        self.maybe("model_input_names", [["input_ids", "attention_mask"], ["input_ids", "token_type_ids"]], 0.1)
        renamed = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
        self.draw_tokens({**BERT_ROLES, **(renamed if self.chance(0.25) else {})})
        kind = self.random.randrange(4)
        if kind != 0:
            self.write("tokenizer.json", self.bert_json(pieces))
        if kind in (0, 3):
            self.write("vocab.txt", "".join(piece + self.random.choice(["\n"] * 9 + [" \n"]) for piece in pieces))
        self.finish(self.random.choice(["bert", "bert", "electra", "distilbert"]), len(pieces))

    def make_mpnet(self):
        pieces = SPECIALS + self.random.sample(PIECES, len(PIECES))
        self.maybe("tokenizer_class", ["MPNetTokenizer", "MPNetTokenizerFast", "PreTrainedTokenizerFast"], 0.7)
        self.maybe("do_lower_case", [True, False])
        self.maybe("strip_accents", [True, False, None])
        self.maybe("tokenize_chinese_chars", [True, False], 0.4)
        self.maybe("model_input_names", [["input_ids", "attention_mask"], ["input_ids", "token_type_ids"]], 0.1)
        self.draw_tokens({**MPNET_ROLES, **({"cls_token": "[CLS]", "sep_token": "[E2]"} if self.chance(0.2) else {})})
        kind = self.random.randrange(4)
        if kind != 0:
            self.write("tokenizer.json", self.bert_json(pieces))
        if kind in (0, 3):
            self.write("vocab.txt", "".join(piece + "\n" for piece in pieces))
        self.finish("mpnet", len(pieces))

    def write_byte_pair(self, tokenizer, kind):
        model = json.loads(tokenizer.to_str())["model"]
        merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
        if kind != 0:
            self.add_tokens(tokenizer)
            self.write("tokenizer.json", json.loads(tokenizer.to_str()))
        if kind != 1:
            self.write("vocab.json", model["vocab"])
            self.write("merges.txt", "\n".join(["#version: 0.2", *merges, ""]))
        return len(model["vocab"])

    def train_byte_pair(self, tokenizer, **options):
        texts = ["the dog hello world cats going go covid 19 hello dog e1 mask the cat a e é"] * 3
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
            show_progress=False, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], **options))

    def make_roberta(self):
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=self.chance(0.5))
        self.train_byte_pair(tokenizer, vocab_size=330, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
        tokenizer.post_processor = self.random.choice([
            processors.RobertaProcessing(("</s>", 2), ("<s>", 0), True, self.chance(0.3)),
            processors.BertProcessing(("</s>", 2), ("<s>", 0))])
        self.maybe("tokenizer_class", ["RobertaTokenizer", "RobertaTokenizerFast", "PreTrainedTokenizerFast"], 0.6)
        self.maybe("add_prefix_space", [True, False])
        self.draw_tokens({**ROBERTA_ROLES, **({"cls_token": "dog", "sep_token": "[E2]"} if self.chance(0.2) else {})})
        self.finish("roberta", self.write_byte_pair(tokenizer, self.random.randrange(3)), 0.8)

    def make_herbert(self):
        tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self.train_byte_pair(tokenizer, vocab_size=70, end_of_word_suffix="</w>")
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=self.chance(0.5), strip_accents=self.chance(0.5))
        tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
        self.settings["tokenizer_class"] = self.random.choice(["HerbertTokenizerFast", "PreTrainedTokenizerFast"])
        self.maybe("do_lower_case", [True, False], 0.3)
        self.draw_tokens(ROBERTA_ROLES)
        self.finish("bert", self.write_byte_pair(tokenizer, self.random.randrange(3)), 1)

    def make_unigram(self):
        name, model_type, specials = self.random.choice([
            ("XLMRobertaTokenizer", "xlm-roberta", ["<s>", "<pad>", "</s>", "<unk>"]),
            ("AlbertTokenizer", "albert", ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]),
            ("CamembertTokenizer", "roberta", ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"])])
        pieces = [(piece, 0.0) for piece in specials]
        pieces += [(word, -1.0 - 0.3 * i) for i, word in enumerate(self.random.sample(WORDS, len(WORDS)))]
        is_albert = name == "AlbertTokenizer"
        if not is_albert and self.chance(0.6):
            pieces.append(("<mask>", 0.0))
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=specials.index("<unk>")))
        steps = [normalizers.Precompiled(self.charsmap)] if self.chance(0.2) else []
        steps += [normalizers.Replace(Regex(" {2,}"), " ")] if self.chance(0.3) else []
        steps += [normalizers.Lowercase()] if self.chance(0.2) else []
        if steps:
            tokenizer.normalizer = normalizers.Sequence(steps)
        tokenizer.pre_tokenizer = self.random.choice([
            pre_tokenizers.Metaspace(), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])])
        roles = {**BERT_ROLES, "unk_token": "<unk>", "pad_token": "<pad>"} if is_albert else ROBERTA_ROLES
        start, end = roles["cls_token"], roles["sep_token"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{start} $A {end}", pair=f"{start} $A {end} {end} $B:1 {end}:1",
            special_tokens=[(start, tokenizer.token_to_id(start)), (end, tokenizer.token_to_id(end))])
        self.add_tokens(tokenizer)
        self.write("tokenizer.json", json.loads(tokenizer.to_str()))
        if name == "CamembertTokenizer" or self.chance(0.6):
            self.settings["tokenizer_class"] = self.random.choice([name, name + "Fast", "PreTrainedTokenizerFast"])
        self.maybe("do_lower_case", [True, False], 0.4)
        self.maybe("keep_accents", [True, False], 0.4)
        self.maybe("add_prefix_space", [True, False], 0.3)
        self.draw_tokens(roles)
        self.finish(model_type, len(pieces), 1 if name == "CamembertTokenizer" else 0.9)

    def make_sentencepiece(self):
        """Without a tokenizer.json."""
        name, model_type, file, pieces = self.random.choice([
            ("XLMRobertaTokenizer", "xlm-roberta", "sentencepiece.bpe.model",
             [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]),
            ("AlbertTokenizer", "albert", "spiece.model",
             [("<pad>", CONTROL), ("<unk>", UNKNOWN), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[MASK]", USER_DEFINED)]),
            ("CamembertTokenizer", "camembert", "sentencepiece.bpe.model",
             [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)])])
        scored = [[piece, 0.0, kind] for piece, kind in pieces]
        scored += [[token, 0.0, self.random.choice([CONTROL, USER_DEFINED])] for token in ["[E1]", "[unused1]"] if self.chance(0.3)]
        # Sums of multiples of 1/64 are exact, in float as in double.
        scored += [[word, -1.0 - 19 * i / 64, NORMAL] for i, word in enumerate(self.random.sample(WORDS, len(WORDS)))]
        self.write("tokenizer.model" if self.chance(0.2) else file, {"charsmap": self.chance(0.3), "pieces": scored})
        self.maybe("tokenizer_class", [name, name + "Fast"], 1.0 if name == "CamembertTokenizer" else 0.6)
        self.maybe("do_lower_case", [True, False], 0.4)
        self.maybe("keep_accents", [True, False], 0.4)
        self.maybe("add_prefix_space", [True, False], 0.3)
        self.maybe("sp_model_kwargs", [{}], 0.3)
        roles = {**BERT_ROLES, "unk_token": "<unk>", "pad_token": "<pad>"} if name == "AlbertTokenizer" else ROBERTA_ROLES
        self.draw_tokens(roles)
        self.finish(model_type, len(scored) + 6, 1 if name == "CamembertTokenizer" else 0.9)


def main():
    out = pathlib.Path(sys.argv[1])
    charsmap = (out / "charsmap.bin").read_bytes()
    kinds = [(DIRECTORIES, None), (MPNET_DIRECTORIES, Directory.make_mpnet),
             (SENTENCEPIECE_DIRECTORIES, Directory.make_sentencepiece)]
    lines = "".join(make_lines(count, lambda seed, make=make: Directory(seed, charsmap, make), charsmap) for count, make in kinds)
    (out / "tokenizer_directories.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()

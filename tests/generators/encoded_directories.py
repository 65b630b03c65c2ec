# SPDX-License-Identifier: Apache-2.0
"""What AutoTokenizer makes of some texts in directories that other generators make up."""
import base64
import json
import pathlib
import tempfile

import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer

VERSIONS = {tokenizers: "0.23.3", transformers: "5.24.0"}
TEXTS = ["Hello World", "hello <mask> zebra", "the [E1] dog [/E1] barks", "的人 的", "café CAFÉ", "[CLS] [SEP] [PAD] [MASK] [UNK]",
         "going[E1]s", "  [E1]  dog", "covid19 COVID19", "<s> hello </s> <pad>", "un[unused1]able hello!", "e1 [e1] [E2][E1]",
         "", "xE1x E1 dogE1", "İstanbul straße", "a\u00a0b\tc\n[e2]\u200bd", ["hello world", "the [E1] cat"], ["a", ""]]


def write_sentencepiece_model(description, charsmap):
    model = sentencepiece_model_pb2.ModelProto()
    for piece, score, kind in description["pieces"]:
        model.pieces.add(piece=piece, score=score, type=kind)
    model.trainer_spec.model_type = 1
    model.trainer_spec.unk_id = description.get("unk_id", 0)
    if description["charsmap"]:
        model.normalizer_spec.precompiled_charsmap = charsmap
    return model.SerializeToString()


def encode(files, charsmap):
    """The class, and each text's ids and type ids; nothing where transformers fails."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            is_model = name.endswith(".model")
            (pathlib.Path(folder) / name).write_bytes(
                write_sentencepiece_model(json.loads(content), charsmap) if is_model else content.encode())
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            encodings = [tokenizer(text) if isinstance(text, str) else tokenizer(*text) for text in TEXTS]
        except BaseException:  # the tokenizers library panics by something that is no Exception
            return None, []
    rows = json.loads(files["config.json"])["vocab_size"]
    return type(tokenizer).__name__, [{"text": text, "ids": found["input_ids"], "type_ids": found.get("token_type_ids")}
                                      for text, found in zip(TEXTS, encodings) if max(found["input_ids"]) < rows]


def make_lines(count, make_directory, charsmap):
    """So many directories that transformers can load, of those that make_directory(seed) makes, a line each."""
    for module, version in VERSIONS.items():
        assert module.__version__ == version, (module.__name__, module.__version__, version)
    transformers.logging.set_verbosity_error()
    encoded = base64.b64encode(charsmap).decode()
    lines, seed = [], 0
    while len(lines) < count:
        seed += 1
        files = make_directory(seed).files
        name, texts = encode(files, charsmap)
        if texts:
            if "tokenizer.json" in files:
                files["tokenizer.json"] = files["tokenizer.json"].replace(encoded, "@charsmap")
            lines.append(json.dumps({"class": name, "files": files, "texts": texts}, ensure_ascii=False) + "\n")
    return "".join(lines)

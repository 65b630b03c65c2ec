# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models: random BERT models with exits of every kind, and what PyTorch computes with them.

    python tests/generators/tiny_models.py tests/data/models

Weights are rounded to the type they are stored in before the golden logits are computed, so every storage type has exact
goldens. docs/model-format.md describes the files.
"""
import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = "the a of and is not film story good bad dull warm never plot actor man dog runs sleeps".split()
PIECES = "##ing ##ed ##ly ##s".split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *".,!?'-", *LETTERS,
              *("##" + letter for letter in LETTERS), *WORDS, *PIECES]
SINGLE = ["A good film.", "The plot is dull, and the actor is not warm!", "", "Never bad.", "dogs \u4e2d sleeping",
          "the story of a man and a dog " * 12, "RUNS runs Runs"]
PAIRS = [("A man sleeps.", "A dog runs."), ("The film is good", "The film is not bad."), ("", "warm"),
         ("the story of a man and a dog " * 4, "the plot is dull " * 9)]


def exit_at(layer, pooling="cls", pooler="none", mix=False, previous_logits=False, temperature=1.0):
    return {"layer": layer, "pooling": pooling, "pooler": pooler, "mix": mix, "previous_logits": previous_logits,
            "temperature": {"float32": temperature}}


CERTIFICATE = {"numeric_format": "float32", "loss": "disagreement", "epsilon": 0.05, "delta": 0.05, "n": 500,
               "data_sha256": "ab" * 32, "max_tokens": 24, "exits": [1, 2, 3],
               "policy": {"rule": "confidence", "threshold": 0.85}}
QUALITY = {"nll_before": 0.7, "nll_after": 0.6, "ece_before": 0.1, "ece_after": 0.05}
MODELS = {
    "tiny": dict(
        seed=1, size=(24, 4, 3, 48), act="gelu", store="F32", labels=["no", "yes"], max_tokens=24,
        exits=[exit_at(1, temperature=1.5), exit_at(2, "mean", "own", temperature=0.8),
               exit_at(3, "cls", "own", previous_logits=True, temperature=2.25)],
        policy={"rule": "confidence", "threshold": 0.6},
        more={"calibration": {"float32": {"data_sha256": "cd" * 32, "n": 300, "exits": [QUALITY] * 3}},
              "certificates": [CERTIFICATE]}),
    "tiny-pair": dict(
        seed=2, size=(32, 4, 3, 64), act="gelu_new", store="BF16", labels=["entailment", "neutral", "contradiction"],
        max_tokens=40, pair=True, exits=[exit_at(1, "mean", temperature=0.5), exit_at(3, "cls", "shared", temperature=1.25)],
        policy={"rule": "per_class", "thresholds": [[0.9, 0.8, 0.7], [0.0, 0.0, 0.0]], "max_layer": 3}),
    "tiny-mix": dict(
        seed=3, size=(20, 2, 4, 40), act="relu", store="F16", labels=["world", "sports", "business", "science"], max_tokens=48,
        exits=[exit_at(2, "cls", "shared", temperature=1.75), exit_at(3, "cls", "shared", True, True, 0.6),
               exit_at(4, "cls", "shared", True, True, 3.0)],
        policy={"rule": "normalized_entropy", "threshold": 0.4}),
    "tiny-i8": dict(
        seed=4, size=(32, 4, 3, 64), act="gelu_pytorch_tanh", store="I8", labels=["negative", "positive"], max_tokens=32,
        exits=[exit_at(i, "cls", "own", temperature=0.5 + 0.5 * i) for i in (1, 2, 3)],
        policy={"rule": "patience", "patience": 1}),
    "tiny-sharded": dict(
        seed=5, size=(16, 2, 2, 32), act="gelu", store="F32", labels=["left", "middle", "right"], max_tokens=48, shards=2,
        prefix="", old_norm=True, pretokenizer="whitespace", texts=[*SINGLE, "good. film, 'bad'"],
        exits=[exit_at(1, "mean", "none", True, temperature=0.7), exit_at(2, "mean", "none", True)]),
    "tiny-plain": dict(
        seed=6, size=(24, 3, 2, 48), act="gelu", store="F32", labels=["dull", "fair", "warm"], max_tokens=32, vocab_txt=True),
}


def randomize(module, generator):
    for name, parameter in module.named_parameters():
        std = 0.5 if "embeddings.weight" in name else 0.25 if parameter.dim() == 2 else 0.2
        parameter.data.normal_(0, std, generator=generator)
        if name.endswith("LayerNorm.weight"):
            parameter.data.add_(1)


def stored(tensors, kind):
    """The tensors as they go into the file."""
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    if kind in types:
        return {name: value.to(types[kind]).contiguous() for name, value in tensors.items()}
    out = {}
    for name, value in tensors.items():
        if value.dim() == 2:
            scale = value.abs().amax(1) / 127
            out[name] = (value / scale[:, None]).round().clamp(-127, 127).to(torch.int8)
            out[name + ".scale"] = scale
        else:
            out[name] = value.contiguous()
    return out


def loaded(tensors):
    """The float32 values that a reader of the file sees."""
    return {name: value.float() * tensors[name + ".scale"][:, None] if value.dtype == torch.int8 else value.float()
            for name, value in tensors.items() if not name.endswith(".scale")}


def make_tokenizer():
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", VOCABULARY.index("[CLS]")), ("[SEP]", VOCABULARY.index("[SEP]"))])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def make_heads(exits, hidden, labels, generator):
    normal = lambda *shape, std=0.4: torch.empty(shape).normal_(0, std, generator=generator)
    heads = {}
    for j, e in enumerate(exits):
        pooler = {"own": f"exits.{j}.pooler.dense", "shared": "pooler.dense", "none": None}[e["pooler"]]
        if pooler and pooler + ".weight" not in heads:
            heads[pooler + ".weight"], heads[pooler + ".bias"] = normal(hidden, hidden), normal(hidden)
        if e["mix"]:
            mix = normal(e["layer"])
            heads[f"exits.{j}.mix"] = mix / mix.norm()
        width = hidden + (j * labels if e["previous_logits"] else 0)
        heads[f"exits.{j}.classifier.weight"] = normal(labels, width)
        heads[f"exits.{j}.classifier.bias"] = normal(labels)
    return heads


def exit_logits(states, exits, heads):
    """Logits [exits][labels] before the temperature; states: hidden states of one text by layer, [tokens, hidden]."""
    def pooled(j, e, layer):
        p = states[layer][0] if e["pooling"] == "cls" else states[layer].mean(0)
        name = {"own": f"exits.{j}.pooler.dense", "shared": "pooler.dense", "none": None}[e["pooler"]]
        return torch.tanh(heads[name + ".weight"] @ p + heads[name + ".bias"]) if name else p

    logits, previous = [], []
    for j, e in enumerate(exits):
        if e["mix"]:
            m = sum(heads[f"exits.{j}.mix"][k] * pooled(j, e, k + 1) for k in range(e["layer"]))
        else:
            m = pooled(j, e, e["layer"])
        if e["previous_logits"]:
            m = torch.cat([m, *previous])
        logits.append(heads[f"exits.{j}.classifier.weight"] @ m + heads[f"exits.{j}.classifier.bias"])
        previous.append(logits[-1] / e["temperature"]["float32"])
    return logits


def hidden_states(encoder, encoding):
    row = lambda values: torch.tensor([values])
    return [state[0] for state in encoder(input_ids=row(encoding.ids), token_type_ids=row(encoding.type_ids),
                                          attention_mask=row([1] * len(encoding.ids)),
                                          output_hidden_states=True).hidden_states]


def golden_texts(m, encoder, heads):
    tokenizer = make_tokenizer()
    if m.get("pretokenizer") == "whitespace":
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_truncation(m["max_tokens"])
    golden = []
    for text in PAIRS if m.get("pair") else m.get("texts", SINGLE):
        entry = dict(zip(("premise", "hypothesis"), text)) if m.get("pair") else {"text": text}
        states = hidden_states(encoder, tokenizer.encode(*text) if m.get("pair") else tokenizer.encode(text))
        logits = exit_logits(states, m["exits"], heads)
        golden.append(entry | {"logits": [[round(v, 6) for v in row.tolist()] for row in logits]})
    return golden


def write_json(path, value, **options):
    path.write_text(json.dumps(value, ensure_ascii=False, **options) + "\n", encoding="utf-8")


def write_config(out, m):
    hidden, heads, layers, intermediate = m["size"]
    names = m["labels"]
    write_json(out / "config.json", {
        "architectures": ["BertForSequenceClassification"], "hidden_act": m["act"], "hidden_size": hidden,
        "id2label": {str(i): name for i, name in enumerate(names)}, "intermediate_size": intermediate,
        "label2id": {name: i for i, name in enumerate(names)}, "layer_norm_eps": 1e-12, "max_position_embeddings": 48,
        "model_type": "bert", "num_attention_heads": heads, "num_hidden_layers": layers, "pad_token_id": 0,
        "type_vocab_size": 2, "vocab_size": len(VOCABULARY)}, indent=1)


def write_tokenizer(out, m):
    write_json(out / "tokenizer_config.json", {"do_lower_case": True, "model_max_length": m["max_tokens"],
                                               "tokenizer_class": "BertTokenizer"})
    if m.get("vocab_txt"):
        (out / "vocab.txt").write_text("".join(piece + "\n" for piece in VOCABULARY), encoding="utf-8")
    else:
        write_json(out / "tokenizer.json", json.loads(make_tokenizer().to_str()), separators=(",", ":"))


def write_weights(out, m, tensors):
    renamed = {}
    for name, value in tensors.items():
        if m.get("old_norm"):
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        renamed[name if name.startswith("classifier") else m.get("prefix", "bert.") + name] = value
    shards = m.get("shards", 1)
    if shards == 1:
        save_file(renamed, out / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(renamed)
    files = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {name: renamed[name] for name in names[i::shards]}
        save_file(part, out / file, metadata={"format": "pt"})
        files |= dict.fromkeys(part, file)
    size = sum(value.numel() * value.element_size() for value in renamed.values())
    write_json(out / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": files}, indent=1)


def write_plain(out, m, encoder, tensors, generator):
    """A Hugging Face sequence classifier: one head on the last layer, and a buffer that is no weight."""
    layers = m["size"][2]
    m["exits"] = [exit_at(layers, "cls", "own")]
    heads = make_heads(m["exits"], m["size"][0], len(m["labels"]), generator)
    tensors |= {name.removeprefix("exits.0."): value for name, value in heads.items()}
    tensors["embeddings.position_ids"] = torch.arange(48)[None]
    write_weights(out, m, tensors)
    write_json(out / "golden.json", {"golden": golden_texts(m, encoder, heads)}, indent=1)


def write_exits(out, m, encoder, generator):
    heads = stored(make_heads(m["exits"], m["size"][0], len(m["labels"]), generator), m["store"])
    save_file(heads, out / "exits.safetensors", metadata={"format": "pt"})
    exits = [dict(e) for e in m["exits"]]
    if m.get("old_norm"):
        del exits[-1]["temperature"]  # 1
    content = {"format": 1, "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(),
               "labels": m["labels"], "input": "pair" if m.get("pair") else "single",
               "pretokenizer": m.get("pretokenizer", "bert"), "max_tokens": m["max_tokens"], "exits": exits}
    if "policy" in m:
        content["default_policy"] = m["policy"]
    content |= m.get("more", {})
    content["golden"] = golden_texts(m, encoder, loaded(heads))
    write_json(out / "exits.json", content, indent=1)


def write_model(out, m):
    out.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(m["seed"])
    hidden, num_heads, layers, intermediate = m["size"]
    config = BertConfig(vocab_size=len(VOCABULARY), hidden_size=hidden, num_attention_heads=num_heads,
                        num_hidden_layers=layers, intermediate_size=intermediate, hidden_act=m["act"],
                        max_position_embeddings=48, layer_norm_eps=1e-12, attn_implementation="eager")
    encoder = BertModel(config, add_pooling_layer=False).eval()
    randomize(encoder, generator)
    tensors = stored(dict(encoder.named_parameters()), m["store"])
    encoder.load_state_dict(loaded(tensors), strict=False)
    write_config(out, m)
    write_tokenizer(out, m)
    if "exits" in m:
        write_weights(out, m, tensors)
        write_exits(out, m, encoder, generator)
    else:
        write_plain(out, m, encoder, tensors, generator)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for name, model in MODELS.items():
        write_model(pathlib.Path(sys.argv[1]) / name, model)


if __name__ == "__main__":
    main()

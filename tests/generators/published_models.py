# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models/published-*: tiny checkpoints with exactly the parameter names of the published early-exit
systems, what their exits say, and at which layer each system's own rule leaves (golden.json). And berxit-exits: the
same model as published-berxit, its heads and its gate in exits.json and exits.safetensors.

    python tests/generators/published_models.py tests/data/models

The rules are written down here from the papers' descriptions, one loop each.
"""
import hashlib
import json
import math
import pathlib
import random
import sys

import torch
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import AlbertConfig, AlbertModel, BertConfig, BertModel, RobertaConfig, RobertaModel

from family_models import randomize
from tiny_models import SINGLE, VOCABULARY, WORDS, hidden_states, make_tokenizer, write_json

LABELS = ["dull", "fair", "warm"]
HIDDEN, LAYERS, MAX_TOKENS = 12, 4, 30
SHAPE = dict(vocab_size=len(VOCABULARY), max_position_embeddings=MAX_TOKENS, hidden_size=HIDDEN, num_hidden_layers=LAYERS,
             num_attention_heads=2, intermediate_size=24, attn_implementation="eager")
BACKBONES = {"bert": (BertConfig, BertModel, {}), "albert": (AlbertConfig, AlbertModel, {"embedding_size": 8}),
             "roberta": (RobertaConfig, RobertaModel, {"type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5,
                                                       "max_position_embeddings": MAX_TOKENS + 2})}


def linear(generator, outputs, inputs=HIDDEN, scale=0.8):
    return (torch.empty(outputs, inputs).normal_(0, scale, generator=generator),
            torch.empty(outputs).normal_(0, 0.2, generator=generator))


def apply(layer, x):
    return layer[0] @ x + layer[1]


def named(layers):
    return {f"{name}.{part}": value for name, layer in layers.items() for part, value in zip(("weight", "bias"), layer)}


class System:
    """A checkpoint: `tensors` beyond the backbone, and `exits`: layers (from 1) with functions of the [CLS] states."""

    def __init__(self, seed, kind="bert", prefix=None, pooler="pooler.dense"):
        self.generator = torch.Generator().manual_seed(seed)
        config, model, extra = BACKBONES[kind]
        self.backbone = model(config(**(SHAPE | extra)), add_pooling_layer=False).eval()
        randomize(self.backbone, self.generator)
        self.prefix = kind + "." if prefix is None else prefix
        self.pooler = self.linear(HIDDEN, scale=0.3)
        self.tensors = named({self.prefix + pooler: self.pooler})
        self.config = {"model_type": kind, "id2label": {str(i): name for i, name in enumerate(LABELS)}}
        self.exits, self.gate, self.files = [], None, {}
        self.described = {}  # tensors by their names in exits.safetensors
        self.whitespace = False

    def linear(self, outputs, inputs=HIDDEN, scale=0.8):
        return linear(self.generator, outputs, inputs, scale)

    def logits(self, states):
        """For each exit; states: the [CLS] rows by layer, from the embeddings on."""
        found = []
        for layer, head in self.exits:
            found.append(head(states[:layer + 1], found))
        return found


def right_tool(seed, concatenate):
    s = System(seed, prefix="bert_model.")
    for j, layer in enumerate((1, 3, 4)):
        mix = torch.empty(layer).normal_(0, 1, generator=s.generator)
        mix /= mix.norm()
        head = s.linear(len(LABELS), HIDDEN + (j * len(LABELS) if concatenate else 0))
        s.tensors[f"_sum_weights.{j}"] = mix if concatenate else 2 * mix  # a reader brings it back to unit norm
        s.tensors |= named({f"_classification_layers.{j}": head})

        def answer(states, earlier, mix=mix, head=head):
            m = sum(w * torch.tanh(apply(s.pooler, h)) for w, h in zip(mix, states[1:]))
            return apply(head, torch.cat([m, *earlier]) if concatenate else m)
        s.exits.append((layer, answer))
    del s.config["id2label"]
    s.files["vocabulary/labels.txt"] = "".join(label + "\n" for label in LABELS)
    s.whitespace = True
    return s


def shared_pooler(seed, layers, **options):
    """SWEET, PABEE and PCEE-BERT: one classifier for each exit behind the backbone's pooler."""
    s = System(seed, **options)
    for j, layer in enumerate(layers):
        head = s.linear(len(LABELS))
        s.tensors |= named({f"classifiers.{j}": head})
        s.exits.append((layer, lambda states, _, head=head: apply(head, torch.tanh(apply(s.pooler, states[-1])))))
    return s


def sweet(seed):
    s = shared_pooler(seed, (1, 3, 4))
    s.config |= {"exit_layers": [0, 2, 3], "exit_strategy": "confidence"}
    return s


def pcee(seed):
    s = shared_pooler(seed, range(1, LAYERS + 1), kind="albert", pooler="pooler")
    s.config["default_policy"] = {"rule": "patience_entropy", "threshold": 0.75, "patience": 2}
    return s


def highways(seed, kind="bert", gate=False):
    """DeeBERT, and BERxiT with its gate and its second copy of everything. The last highway is noise."""
    s = System(seed, kind)
    for i in range(LAYERS):
        pooler, head = s.linear(HIDDEN, scale=0.3), s.linear(len(LABELS))
        s.tensors |= named({f"{s.prefix}encoder.highway.{i}.pooler.dense": pooler,
                            f"{s.prefix}encoder.highway.{i}.classifier": head})
        if i + 1 < LAYERS:
            s.described |= named({f"exits.{i}.pooler.dense": pooler, f"exits.{i}.classifier": head})
            s.exits.append((i + 1, lambda states, _, p=pooler, c=head: apply(c, torch.tanh(apply(p, states[-1])))))
            if gate:
                s.gate = s.gate or []
                s.gate.append(pooler)
    head = s.linear(len(LABELS))
    s.tensors |= named({"classifier": head})
    s.described |= named({f"exits.{LAYERS - 1}.pooler.dense": s.pooler, f"exits.{LAYERS - 1}.classifier": head})
    s.exits.append((LAYERS, lambda states, _: apply(head, torch.tanh(apply(s.pooler, states[-1])))))
    if gate:
        lte = s.linear(1)
        s.tensors |= named({s.prefix + "encoder.lte_classifier": lte})
        s.described |= named({"gate": lte})
        s.gate = [lambda states, p=p, i=i: torch.sigmoid(apply(lte, torch.tanh(apply(p, states[i + 1])))).item()
                  for i, p in enumerate(s.gate)]
    return s


def elastic(seed):
    """Three outputs on four layers: classifier k goes with pooler and layer k + 1, from 0."""
    s = System(seed, prefix="elasticbert.")
    s.tensors.clear()
    for k in range(3):
        pooler, head = s.linear(HIDDEN, scale=0.3), s.linear(len(LABELS))
        s.tensors |= named({f"elasticbert.encoder.pooler.{k + 1}.dense": pooler, f"classifiers.{k}": head})
        s.exits.append((k + 2, lambda states, _, p=pooler, c=head: apply(c, torch.tanh(apply(p, states[-1])))))
    s.config |= {"model_type": "elasticbert", "num_output_layers": 3, "max_output_layers": 4}
    return s


SYSTEMS = {"right-tool": lambda: right_tool(40, True), "right-tool-plain": lambda: right_tool(41, False),
           "sweet": lambda: sweet(42), "deebert": lambda: highways(43), "deebert-roberta": lambda: highways(44, "roberta"),
           "berxit": lambda: highways(45, gate=True), "pabee": lambda: shared_pooler(46, range(1, LAYERS + 1)),
           "pcee-albert": lambda: pcee(47), "elasticbert": lambda: elastic(48)}


def entropy(logits):
    log_p = torch.log_softmax(logits, 0)
    return -(log_p.exp() * log_p).sum().item()


def leave_if_confident(outputs, threshold):
    for i, logits in enumerate(outputs):
        if torch.softmax(logits, 0).max().item() >= threshold:
            return i
    return len(outputs) - 1


def leave_if_entropy_is_low(outputs, threshold):
    for i, logits in enumerate(outputs):
        if entropy(logits) < threshold:
            return i
    return len(outputs) - 1


def leave_if_gate_says_so(uncertainties, threshold):
    for i, uncertainty in enumerate(uncertainties):
        if uncertainty < threshold:
            return i
    return len(uncertainties)


def leave_after_same_answers(outputs, patience):
    counter, last = 0, None
    for i, logits in enumerate(outputs):
        label = logits.argmax().item()
        counter = counter + 1 if last is not None and label == last else 0
        last = label
        if counter == patience:
            return i
    return len(outputs) - 1


def leave_after_sure_layers(outputs, threshold, patience):
    counter = 0
    for i, logits in enumerate(outputs):
        counter = counter + 1 if entropy(logits) / math.log(len(logits)) < threshold else 0
        if counter == patience:
            return i
    return len(outputs) - 1


def between(values):
    """Three thresholds, each in the middle of the widest gap of a quarter of the values, so that no rounding matters."""
    values = sorted(values)
    chosen = []
    for quarter in (1, 2, 3):
        near = range(len(values) * (2 * quarter - 1) // 8, len(values) * (2 * quarter + 1) // 8)
        gap, i = max((values[i + 1] - values[i], i) for i in near)
        assert gap > 1e-3
        chosen.append(round((values[i] + values[i + 1]) / 2, 4))
    return chosen


def decisions(s, outputs, uncertainties):
    """[policy, for each text the exit that answers]"""
    earlier = [logits for text in outputs for logits in text[:-1]]
    found = []
    for t in between([torch.softmax(z, 0).max().item() for z in earlier]):
        found.append(({"rule": "confidence", "threshold": t}, [leave_if_confident(o, t) for o in outputs]))
    for t in between([entropy(z) for z in earlier]):
        found.append(({"rule": "entropy", "threshold": t}, [leave_if_entropy_is_low(o, t) for o in outputs]))
    for n in (1, 2, 3):
        found.append(({"rule": "patience", "patience": n}, [leave_after_same_answers(o, n) for o in outputs]))
    for n, t in enumerate(between([entropy(z) / math.log(len(LABELS)) for z in earlier]), 1):
        found.append(({"rule": "patience_entropy", "threshold": t, "patience": n},
                      [leave_after_sure_layers(o, t, n) for o in outputs]))
    if s.gate:
        for t in between([u for text in uncertainties for u in text]):
            found.append(({"rule": "learned", "threshold": t}, [leave_if_gate_says_so(u, t) for u in uncertainties]))
    return found


def backbone_tensors(s):
    tensors = {s.prefix + name: value for name, value in s.backbone.named_parameters()} | s.tensors
    if s.gate:
        tensors |= {"core." + name.removeprefix(s.prefix): value for name, value in tensors.items()
                    if name.startswith(s.prefix)}
    return {name: value.detach().clone().contiguous() for name, value in tensors.items()}


def texts():
    choice = random.Random(5).choice
    return SINGLE + [" ".join(choice(WORDS) for _ in range(2 + 2 * i)) + choice(".?!") for i in range(9)]


def write_config_and_tokenizer(out, s):
    keys = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
            "intermediate_size", "hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id", "embedding_size")
    shape = s.backbone.config.to_dict()
    write_json(out / "config.json", {key: shape[key] for key in keys if key in shape} | s.config, indent=1)
    write_json(out / "tokenizer_config.json", {"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
    write_json(out / "tokenizer.json", json.loads(make_tokenizer().to_str()), separators=(",", ":"))


def what_exits_say(s):
    """Logits of each text's exits, and what the gate says of them."""
    tokenizer = make_tokenizer()
    if s.whitespace:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_truncation(MAX_TOKENS)
    states = [[h[0] for h in hidden_states(s.backbone, tokenizer.encode(text))] for text in texts()]
    outputs = [s.logits(h) for h in states]
    return outputs, [[gate(h) for gate in s.gate] for h in states] if s.gate else None


def golden_of(outputs):
    return [{"text": text, "logits": [[round(v, 6) for v in z.tolist()] for z in o]} for text, o in zip(texts(), outputs)]


def write_system(out, s):
    (out / "vocabulary").mkdir(parents=True, exist_ok=True) if s.files else out.mkdir(parents=True, exist_ok=True)
    for name, content in s.files.items():
        (out / name).write_text(content, encoding="utf-8")
    save_file(backbone_tensors(s), out / "model.safetensors")
    write_config_and_tokenizer(out, s)
    outputs, uncertainties = what_exits_say(s)
    golden = golden_of(outputs)
    answers = [policy | {"answers": [[s.exits[i][0], o[i].argmax().item()] for i, o in zip(exits, outputs)]}
               for policy, exits in decisions(s, outputs, uncertainties)]
    (out / "golden.json").write_text("{\n" + ",\n".join(
        f' "{key}": [\n  ' + ",\n  ".join(json.dumps(e, ensure_ascii=False) for e in entries) + "\n ]"
        for key, entries in (("golden", golden), ("decisions", answers))) + "\n}\n", encoding="utf-8")


def write_described(out, s):
    """The backbone as a checkpoint, everything else as exits; temperatures, which change nothing of what a gate says."""
    out.mkdir(parents=True, exist_ok=True)
    backbone = {s.prefix + name: value.detach().clone() for name, value in s.backbone.named_parameters()}
    save_file(backbone, out / "model.safetensors")
    save_file(s.described, out / "exits.safetensors")
    write_config_and_tokenizer(out, s)
    write_json(out / "exits.json", {
        "format": 1, "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(),
        "labels": LABELS, "input": "single", "gate": True, "default_policy": {"rule": "learned", "threshold": 0.4},
        "exits": [{"layer": layer, "pooler": "own", "temperature": {"float32": 0.5 * layer}} for layer, _ in s.exits],
        "golden": golden_of(what_exits_say(s)[0])}, indent=1)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for name, make in SYSTEMS.items():
        write_system(pathlib.Path(sys.argv[1]) / f"published-{name}", make())
    write_described(pathlib.Path(sys.argv[1]) / "berxit-exits", SYSTEMS["berxit"]())


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models/family-modernbert*: random ModernBERT models as save_pretrained writes them, and what transformers
says to some texts and token ids (golden.json, or in exits.json). Each version of transformers writes its own:

    pip install transformers==5.24.0    # all but family-modernbert-v4; or 4.57.1: family-modernbert-v4
    python tests/generators/modernbert_models.py tests/data/models

Every exit reads the final norm of its layer's rows. The tokenizers are tiny ones of the real models' shapes: byte-level as
ModernBERT's and Ettin's, and as mmBERT's, which is Gemma's.
"""
import json
import pathlib
import sys

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import ModernBertConfig, ModernBertForSequenceClassification, ModernBertModel, PreTrainedTokenizerFast

from family_goldens import store_weights, write_exits, write_golden
from tiny_models import PAIRS, SINGLE, exit_at, exit_logits

LABELS = ["dull", "fair", "warm"]
STORY = "the story of a man and a dog "
TEXTS = [*SINGLE, "a [MASK] film, [SEP] bad", "DOG \u00e9 e\u0301 [UNK] <s>", "two  spaces,   three\n\tand <mask>\u4e2d\u6587", STORY * 4,
         STORY * 20, *PAIRS, (STORY * 10, STORY * 8)]
LENGTHS = [1, 2, 3, 4, 5, 6, 8, 9, 10, 16, 17, 33, 63, 64, 65, 66, 67, 68, 69, 70, 96, 128, 129, 133, 134, 140]
MODELS = {  # hidden size, heads, layers, intermediate size
    "family-modernbert": dict(  # heads of 12; layers 0 and 3 are global
        version="5.24.0", size=(24, 2, 4, 20), store="F16", seed=50, tokenizer="modernbert",
        config=dict(local_attention=8, max_position_embeddings=140)),
    "family-modernbert-mean": dict(  # every bias, layers at odds with any rule
        version="5.24.0", size=(20, 5, 4, 36), store="BF16", seed=51, tokenizer="gemma",
        config=dict(local_attention=7, max_position_embeddings=150, classifier_pooling="mean", norm_bias=True, attention_bias=True,
                    mlp_bias=True, classifier_bias=True, hidden_activation="gelu_pytorch_tanh", classifier_activation="tanh",
                    norm_eps=1e-4, layer_types=["sliding_attention"] * 2 + ["full_attention", "sliding_attention"],
                    rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 160000.0},
                                     "sliding_attention": {"rope_type": "default", "rope_theta": 160000.0}})),
    "family-modernbert-exits": dict(
        version="5.24.0", size=(16, 2, 4, 24), store="F16", seed=52, tokenizer="modernbert",
        config=dict(local_attention=12, max_position_embeddings=140, global_attn_every_n_layers=2),
        exits=[exit_at(1, "cls", "own", temperature=0.75), exit_at(2, "mean", temperature=1.25),
               exit_at(3, "cls", "shared", True), exit_at(4, "cls", "shared", True, True)]),
    "family-modernbert-v4": dict(
        version="4.57.1", size=(12, 3, 3, 16), store="F32", seed=53, tokenizer="modernbert",
        config=dict(local_attention=20, max_position_embeddings=130, classifier_pooling="mean", global_attn_every_n_layers=2,
                    global_rope_theta=80000.0, local_rope_theta=5000.0, classifier_activation="relu", norm_bias=True)),
}


def randomize(module, generator):
    for name, parameter in module.named_parameters():
        std = 0.5 if "embeddings.weight" in name else 0.25 if parameter.dim() == 2 else 0.2
        parameter.data.normal_(0, std, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            parameter.data.add_(1)


def make_modernbert_tokenizer():
    """GPT-NeoX's, as OLMo has it: runs of spaces are tokens of their own, the special ones come behind the pieces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([*SINGLE, STORY], trainers.BpeTrainer(
        vocab_size=310, show_progress=False, special_tokens=["|||IP_ADDRESS|||", "<|padding|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True, special=False) for n in (4, 3, 2)])
    tokenizer.add_special_tokens(["<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", AddedToken("[MASK]", lstrip=True), "[unused0]"])
    special = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0", special_tokens=special)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
                                   pad_token="[PAD]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"])


def make_gemma_tokenizer():
    """Gemma's: spaces become a sign, unknown characters bytes."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "[multimodal]", "<unused0>"]
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "\u2581")
    learner.train_from_iterator([*SINGLE, STORY], trainers.BpeTrainer(vocab_size=80, show_progress=False, max_token_length=6))
    learned = json.loads(learner.to_str())["model"]
    pieces = [*special, "\n", "\n\n", "\t", "\u2581\u2581", "\u2581\u2581\u2581", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += [piece for piece in learned["vocab"] if piece not in pieces]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, [tuple(merge) for merge in learned["merges"]],
                                     unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in ("\n", "\n\n", "\t", "\u2581\u2581", "\u2581\u2581\u2581")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos>:0 $A:0 <eos>:0", pair="<bos>:0 $A:0 <eos>:0 $B:1 <eos>:1", special_tokens=[("<bos>", 2), ("<eos>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", cls_token="<bos>", sep_token="<eos>",
                                   bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", mask_token="<mask>",
                                   model_input_names=["input_ids", "attention_mask"])


def layer_outputs(model, ids):
    """What exits read of each layer: the final norm of its rows [tokens, hidden], before the first layer anything."""
    outputs = [None]
    hooks = [layer.register_forward_hook(lambda module, inputs, output: outputs.append(
        model.final_norm(output[0] if isinstance(output, tuple) else output)[0])) for layer in model.layers]
    last = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).last_hidden_state
    for hook in hooks:
        hook.remove()
    assert torch.equal(last[0], outputs[-1])
    return outputs


def write_model(out, m):
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = {"modernbert": make_modernbert_tokenizer, "gemma": make_gemma_tokenizer}[m["tokenizer"]]()
    hidden, heads, layers, intermediate = m["size"]
    ids = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id,
           "bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    config = ModernBertConfig(vocab_size=len(tokenizer), hidden_size=hidden, num_attention_heads=heads, num_hidden_layers=layers,
                              intermediate_size=intermediate, id2label=dict(enumerate(LABELS)),
                              label2id={label: i for i, label in enumerate(LABELS)}, **ids, **m["config"])
    config._attn_implementation = "eager"
    model = ModernBertModel(config) if "exits" in m else ModernBertForSequenceClassification(config)
    model.eval()
    generator = torch.Generator().manual_seed(m["seed"])
    randomize(model, generator)
    store_weights(model, out, m["store"])
    tokenizer.save_pretrained(out)
    max_tokens = m["config"]["max_position_embeddings"]
    if "exits" not in m:
        answer = lambda found: model(input_ids=torch.tensor([found["input_ids"]]),
                                     attention_mask=torch.ones(1, len(found["input_ids"]))).logits
        write_golden(out, tokenizer, max_tokens, answer, TEXTS, LENGTHS, len(tokenizer), generator)
        return
    answer_of = lambda heads: lambda found: exit_logits(layer_outputs(model, found["input_ids"]), m["exits"], heads)
    write_exits(out, tokenizer, max_tokens, answer_of, TEXTS, LABELS, m["exits"], hidden, generator)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    names = [name for name, m in MODELS.items() if m["version"] == transformers.__version__]
    assert names, "no model is written by transformers " + transformers.__version__
    for name in names:
        write_model(pathlib.Path(sys.argv[1]) / name, MODELS[name])


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""An encoder, BERT or MPNet, with a classifier ("exit") at several of its layers."""
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel


def multiplied_out(stored: dict) -> dict:
    """Tensors by name, those of I8 times their scales."""
    return {
        name: value.float() * stored[name + ".scale"][:, None] if value.dtype == torch.int8 else value
        for name, value in stored.items() if not name.endswith(".scale")
    }


def load_encoder(directory: str, **options) -> PreTrainedModel:
    """As AutoModel.from_pretrained does, or that of an offramp directory whose matrices are I8. `options` may be those of
    its configuration."""
    weights = Path(directory) / "model.safetensors"
    stored = load_file(weights) if weights.exists() else {}
    # The fused attention's backward pass takes a third of a step on a CPU; plain products take a twentieth.
    construction = {"add_pooling_layer": False, "attn_implementation": "eager"}
    if all(value.dtype != torch.int8 for value in stored.values()):
        return AutoModel.from_pretrained(directory, **construction, **options)
    encoder = AutoModel.from_config(AutoConfig.from_pretrained(directory, **options), **construction)
    prefix = encoder.base_model_prefix + "."
    encoder.load_state_dict({name.removeprefix(prefix): value for name, value in multiplied_out(stored).items()})
    return encoder


class Head(nn.Module):
    """One exit: optional pooler `tanh(W h + b)`, then a linear classifier."""

    def __init__(self, hidden: int, labels: int, pooler: nn.Linear | None):
        super().__init__()
        self.pooler = pooler
        self.classifier = nn.Linear(hidden, labels)
        nn.init.normal_(self.classifier.weight, std=0.02)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, pooled, dropout):
        if self.pooler is not None:
            pooled = torch.tanh(self.pooler(pooled))
        return self.classifier(dropout(pooled))


def make_pooler(hidden: int) -> nn.Linear:
    pooler = nn.Linear(hidden, hidden)
    nn.init.normal_(pooler.weight, std=hidden**-0.5)
    nn.init.zeros_(pooler.bias)
    return pooler


class ExitModel(nn.Module):
    """`settings`: labels (names), layers (1-based, ascending), pooling, pooler, input ("single" or "pair")."""

    def __init__(self, encoder: PreTrainedModel, settings: dict):
        super().__init__()
        self.encoder = encoder
        self.settings = settings
        hidden = encoder.config.hidden_size
        shared = make_pooler(hidden) if settings["pooler"] == "shared" else None
        own = settings["pooler"] == "own"
        self.heads = nn.ModuleList(
            Head(hidden, len(settings["labels"]), make_pooler(hidden) if own else shared) for _ in settings["layers"]
        )
        self.dropout = nn.Dropout(encoder.config.hidden_dropout_prob)

    @classmethod
    def from_pretrained(cls, directory: str, settings: dict, attention_dropout: float = 0.0) -> "ExitModel":
        encoder = load_encoder(directory, attention_probs_dropout_prob=attention_dropout)
        depth = max(settings["layers"])  # no exit sees the layers above
        encoder.encoder.layer = encoder.encoder.layer[:depth]
        encoder.config.num_hidden_layers = depth
        return cls(encoder.float(), settings)

    @classmethod
    def load(cls, path: str) -> "ExitModel":
        stored = torch.load(path, map_location="cpu", weights_only=True)
        config = AutoConfig.for_model(**stored["config"])
        model = cls(AutoModel.from_config(config, add_pooling_layer=False, attn_implementation="eager"), stored["settings"])
        model.load_state_dict(stored["state"])
        return model.eval()

    def save(self, path: str) -> None:
        config = {k: v for k, v in self.encoder.config.to_diff_dict().items() if k not in ("dtype", "torch_dtype")}
        config["model_type"] = self.encoder.config.model_type
        torch.save({"config": config, "settings": self.settings, "state": self.state_dict()}, path)

    def forward(self, batch: dict) -> torch.Tensor:
        """Logits before any temperature: [exits, texts, labels]."""
        inputs = ["input_ids", "attention_mask"]
        if hasattr(self.encoder.config, "type_vocab_size"):  # MPNet tells the texts of a pair apart by separators alone
            inputs.append("token_type_ids")
        states = self.encoder(**{name: batch[name] for name in inputs}, output_hidden_states=True).hidden_states
        mask = batch["attention_mask"].unsqueeze(-1)
        logits = []
        for layer, head in zip(self.settings["layers"], self.heads):
            if self.settings["pooling"] == "mean":
                pooled = (states[layer] * mask).sum(1) / mask.sum(1)
            else:
                pooled = states[layer][:, 0]
            logits.append(head(pooled, self.dropout).float())
        return torch.stack(logits)

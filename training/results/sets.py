# SPDX-License-Identifier: Apache-2.0
"""How each data set is trained: what it is called, its labels, and how much of it is seen."""
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    name: str
    title: str
    labels: tuple[str, ...]
    epochs: float
    max_tokens: int
    input: str = "single"
    cuts: bool = False  # also one separate model per depth
    encoder_lr: float = 1e-4
    reviews: str = ""  # the set of reviews whose sentences, unlabelled, train one more joint model

    def training_arguments(self) -> list[str]:
        return ["--labels", *self.labels, "--epochs", str(self.epochs), "--max-tokens", str(self.max_tokens),
                "--encoder-lr", str(self.encoder_lr), "--input", self.input, "--pooling", "mean", "--average", "0.998",
                "--self-distillation", "1"]


DEPTH = 6  # layers of the encoder
SHORT_TEXTS_LR = 2e-4  # a batch of short texts holds many; chosen on held-out texts of SST-2
NLI = ("entailment", "neutral", "contradiction")
SETS = {
    s.name: s
    for s in (
        DataSet("ag_news", "AG News", ("World", "Sports", "Business", "Sci/Tech"), 2, 128, cuts=True),
        DataSet("imdb", "IMDB", ("neg", "pos"), 2, 256),
        DataSet("sst2", "SST-2", ("0", "1"), 3, 128, cuts=True, encoder_lr=SHORT_TEXTS_LR, reviews="imdb"),
        DataSet("snli", "SNLI", NLI, 4, 128, input="pair", cuts=True, encoder_lr=SHORT_TEXTS_LR),
        DataSet("mnli", "MNLI", NLI, 5, 128, input="pair", encoder_lr=SHORT_TEXTS_LR),
    )
}

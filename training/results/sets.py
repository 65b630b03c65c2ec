# SPDX-License-Identifier: Apache-2.0
"""What is trained: the data sets, the encoders, and how each encoder is trained on each set."""
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    name: str
    title: str
    labels: tuple[str, ...]
    max_tokens: int
    input: str = "single"
    reviews: str = ""  # the set of reviews whose sentences, unlabelled, train one more joint model


@dataclass(frozen=True)
class Recipe:
    """How one encoder is trained on one set."""
    epochs: float
    encoder_lr: float
    cuts: tuple[int, ...] = ()  # depths of separate models
    seeds: int = 1  # joint models that differ in nothing else
    speedup: float = 0  # as an encoder's, in its place
    decline: float = 0  # likewise


@dataclass(frozen=True)
class SelfTraining:
    """One more joint model, which goes on from the first and learns what that answers to sentences."""
    sentences: int
    epochs: float
    encoder_lr: float


@dataclass(frozen=True)
class Encoder:
    depth: int  # layers
    self_distillation: float
    early_weight: float  # of the loss of each exit but the last, whose own is 1
    recipes: dict[str, Recipe]  # by the set's name; those that it is trained on
    early_exit: tuple[str, ...]  # what measure.py measures of it, besides a bag of words and the separate models
    ngram_weights: bool  # whether exits behind layers hear the exit before the encoder, where there is one
    decline: float  # of the declining rule, from exit to exit, where the recipe has none; chosen on choose.tsv
    speedup: float  # in wall time, one of the goals of a threshold, where the recipe has none
    page: str  # in docs/
    self_training: SelfTraining | None = None

    def other_seeds(self, data_set: DataSet) -> dict[str, int]:
        """Of the joint models beside the first, by their names."""
        return {f"joint_seed{seed}": seed for seed in range(2, self.recipes[data_set.name].seeds + 1)}

    def training_arguments(self, data_set: DataSet, layers: Sequence[int]) -> list[str]:
        """Those of train.py, with exits at these layers."""
        recipe = self.recipes[data_set.name]
        weights = [self.early_weight] * (len(layers) - 1) + [1]
        return ["--labels", *data_set.labels, "--epochs", str(recipe.epochs), "--max-tokens", str(data_set.max_tokens),
                "--encoder-lr", str(recipe.encoder_lr), "--input", data_set.input, "--pooling", "mean", "--average", "0.998",
                "--self-distillation", str(self.self_distillation), "--layers", *map(str, layers), "--loss-weights", *map(str, weights)]


NLI = ("entailment", "neutral", "contradiction")
SETS = {
    s.name: s
    for s in (
        DataSet("ag_news", "AG News", ("World", "Sports", "Business", "Sci/Tech"), 128),
        DataSet("imdb", "IMDB", ("neg", "pos"), 256),
        DataSet("sst2", "SST-2", ("0", "1"), 128, reviews="imdb"),
        DataSet("snli", "SNLI", NLI, 128, input="pair"),
        DataSet("mnli", "MNLI", NLI, 128, input="pair"),
    )
}
EVERY_DEPTH_OF_6 = (1, 2, 3, 4, 5, 6)
LONG_TEXTS_LR, SHORT_TEXTS_LR = 1e-4, 2e-4  # of 6 x 384: a batch of short texts holds many; chosen on held-out texts of SST-2
ENCODERS = {
    "6x384": Encoder(  # all-MiniLM-L6-v2
        depth=6, self_distillation=1, early_weight=0.1,
        recipes={
            "ag_news": Recipe(2, LONG_TEXTS_LR, cuts=EVERY_DEPTH_OF_6, seeds=3),
            "imdb": Recipe(2, LONG_TEXTS_LR),
            "sst2": Recipe(3, SHORT_TEXTS_LR, cuts=EVERY_DEPTH_OF_6, seeds=3),
            "snli": Recipe(4, SHORT_TEXTS_LR, cuts=EVERY_DEPTH_OF_6),
            "mnli": Recipe(5, SHORT_TEXTS_LR, cuts=(6,)),
        },
        early_exit=("joint", "exit0_declining", "fit"),
        ngram_weights=True, decline=0.06, speedup=3, page="results.md"),
    "12x768": Encoder(  # all-mpnet-base-v2
        depth=12, self_distillation=0.5, early_weight=1,
        recipes={
            "ag_news": Recipe(0.67, 3e-5, cuts=(12,), speedup=10),
            "sst2": Recipe(1.2, 3e-5, cuts=(12,)),
            "snli": Recipe(2, 3e-5, speedup=2.1, decline=0.08),
            "mnli": Recipe(3, 3e-5, speedup=2.1, decline=0.08),
        },
        early_exit=("joint", "exit0_declining", "self_trained_exit0_declining"),
        ngram_weights=False, decline=0.03, speedup=5, page="results-12x768.md",
        self_training=SelfTraining(sentences=45_000, epochs=0.6, encoder_lr=5e-5)),
}

# SPDX-License-Identifier: Apache-2.0
"""What is trained: the data sets, the encoders, and how each encoder is trained on each set."""
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
    cuts: bool = False  # also separate models, one per depth
    seeds: int = 1  # joint models that differ in nothing else
    speedup: float = 0  # as an encoder's, in its place
    decline: float = 0  # likewise


@dataclass(frozen=True)
class SelfTraining:
    """One more joint model, from sentences that models trained before have answered."""
    teachers: tuple[str, ...]
    sentences: int
    epochs: float
    encoder_lr: float
    initial: str = ""  # the model whose weights it goes on from; else the published encoder's


@dataclass(frozen=True)
class Encoder:
    depth: int  # layers
    cuts: tuple[int, ...]  # depths of the separate models
    self_distillation: float
    self_training: SelfTraining
    recipes: dict[str, Recipe]  # by the set's name; those that it is trained on
    early_exit: tuple[str, ...]  # what measure.py measures of it, besides a bag of words and the separate models
    decline: float  # of the declining rule, from exit to exit, where the recipe has none; chosen on choose.tsv
    speedup: float  # in wall time, one of the goals of a threshold, where the recipe has none
    page: str  # in docs/

    def other_seeds(self, data_set: DataSet) -> dict[str, int]:
        """Of the joint models beside the first, by their names."""
        return {f"joint_seed{seed}": seed for seed in range(2, self.recipes[data_set.name].seeds + 1)}

    def training_arguments(self, data_set: DataSet) -> list[str]:
        recipe = self.recipes[data_set.name]
        return ["--labels", *data_set.labels, "--epochs", str(recipe.epochs), "--max-tokens", str(data_set.max_tokens),
                "--encoder-lr", str(recipe.encoder_lr), "--input", data_set.input, "--pooling", "mean", "--average", "0.998",
                "--self-distillation", str(self.self_distillation)]


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
LONG_TEXTS_LR, SHORT_TEXTS_LR = 1e-4, 2e-4  # of 6 x 384: a batch of short texts holds many; chosen on held-out texts of SST-2
ENCODERS = {
    "6x384": Encoder(  # all-MiniLM-L6-v2
        depth=6, cuts=(1, 2, 3, 4, 5, 6), self_distillation=1,
        self_training=SelfTraining(teachers=("joint", "cut6"), sentences=100_000, epochs=2, encoder_lr=SHORT_TEXTS_LR),
        recipes={
            "ag_news": Recipe(2, LONG_TEXTS_LR, cuts=True, seeds=3),
            "imdb": Recipe(2, LONG_TEXTS_LR),
            "sst2": Recipe(3, SHORT_TEXTS_LR, cuts=True, seeds=3),
            "snli": Recipe(4, SHORT_TEXTS_LR, cuts=True),
            "mnli": Recipe(5, SHORT_TEXTS_LR),
        },
        early_exit=("joint", "declining", "exit0", "self_trained", "self_trained_declining", "fit"),
        decline=0.06, speedup=3, page="results.md"),
    "12x768": Encoder(  # all-mpnet-base-v2
        depth=12, cuts=(12,), self_distillation=0.5,
        self_training=SelfTraining(teachers=("joint",), sentences=45_000, epochs=0.6, encoder_lr=5e-5, initial="joint"),
        recipes={
            "ag_news": Recipe(0.67, 3e-5, cuts=True, speedup=10),
            "sst2": Recipe(1.2, 3e-5, cuts=True),
            "snli": Recipe(2, 3e-5, speedup=2.1, decline=0.08),
            "mnli": Recipe(3, 3e-5, speedup=2.1, decline=0.08),
        },
        early_exit=("joint", "exit0_declining", "self_trained_exit0_declining"),
        decline=0.03, speedup=5, page="results-12x768.md"),
}

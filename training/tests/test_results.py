# SPDX-License-Identifier: Apache-2.0
import math
import re
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "results"))
import measure
import report
from sets import ENCODERS, SETS


def threshold_row(layer: float, lowest, highest) -> dict:
    return {"mean_layer": layer, "lowest_threshold": lowest, "highest_threshold": highest}


ROWS = [threshold_row(1.0, None, 0.5), threshold_row(1.5, 0.50001, 0.9), threshold_row(6.0, 0.90001, None)]


class FixedAnswers:
    """The command, which says of every policy the same of four texts."""

    def __init__(self, folder: str, answers: str):
        self.folder, self.own = Path(folder), list(answers)
        self.encoder = SimpleNamespace(depth=6)
        (self.folder / "measured" / "cut6").mkdir(parents=True)
        (self.folder / "test.tsv").write_text("0\ta\n1\tb\n0\tc\n1\td\n")

    def data(self, part: str) -> Path:
        return self.folder / f"{part}.tsv"

    def answers_to_test(self, *_):
        return self.own


class Measure(unittest.TestCase):
    def test_a_threshold_belongs_to_one_row(self):
        for threshold, layer in ((0.0, 1.0), (0.5, 1.0), (0.7, 1.5), (0.95, 6.0), (2.0, 6.0)):
            assert measure.row_at(ROWS, threshold)["mean_layer"] == layer
        self.assertRaises(ValueError, measure.row_at, ROWS, 0.500001)

    def test_the_deepest_within_a_budget_is_the_last_that_fits(self):
        assert measure.deepest_within(ROWS, 1.5)["mean_layer"] == 1.5
        assert measure.deepest_within(ROWS, 5.9)["mean_layer"] == 1.5

    def test_texts_lost_to_a_separate_model_are_those_that_it_alone_answers_right(self):
        with tempfile.TemporaryDirectory() as folder:
            run = FixedAnswers(folder, "0000")  # right on a and c
            assert measure.against_separate(run, None) == {}
            (run.folder / "measured" / "cut6" / measure.ANSWERS).write_text("1\n1\n0\n1\n")  # right on b, c and d
            assert measure.against_separate(run, None) == {"separate_lost": 2, "separate_gained": 1}

    def test_every_way_is_known_and_every_teacher_is_trained(self):
        for encoder in ENCODERS.values():
            assert set(encoder.early_exit) <= {*measure.WAYS, "fit"}
            assert set(encoder.early_exit) <= set(report.MODELS)
            trained = {"joint", *(f"cut{depth}" for depth in encoder.cuts)}
            assert {*encoder.self_training.teachers} <= trained
            assert set(encoder.recipes) <= set(SETS)


class Report(unittest.TestCase):
    def test_a_paired_interval_lies_around_the_points_lost(self):
        row = {"separate_lost": 30, "separate_gained": 10, "texts": 1000}
        estimate, lower, upper = map(float, re.fullmatch(r"(.*) \((.*) to (.*)\)", report.lost_against_separate(row)).groups())
        spread = 1.96 * math.sqrt((0.04 - 0.02**2) / 1000)  # of the normal approximation
        assert estimate == 2.0
        assert abs(lower - 100 * (0.02 - spread)) < 0.11 and abs(upper - 100 * (0.02 + spread)) < 0.11
        assert report.lost_against_separate({"texts": 1000}) == ""

    def test_columns_without_a_value_are_left_out(self):
        assert report.table(["a", "b", "c"], [["1", "", "3"], ["", "", "4"]])[:3] == ["| a | c |", "| --- | --- |", "| 1 | 3 |"]

    def test_ratios_are_never_rounded_up(self):
        assert report.times(4.999) == "4.99x"


if __name__ == "__main__":
    unittest.main()

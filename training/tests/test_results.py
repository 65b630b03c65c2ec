# SPDX-License-Identifier: Apache-2.0
import json
import math
import re
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "results"))
import formatting
import measure
import report
from answers import ExitLogits, add_right, alone_right, expected_calibration_error, packed, unpacked
from sets import ENCODERS, SETS


def threshold_row(layer: float, lowest, highest) -> dict:
    return {"mean_layer": layer, "lowest_threshold": lowest, "highest_threshold": highest}


ROWS = [threshold_row(1.0, None, 0.5), threshold_row(1.5, 0.50001, 0.9), threshold_row(6.0, 0.90001, None)]


def write_logits(path: Path, temperatures: list[float], texts: list[tuple]):
    """As `offramp curve --texts-out` does; a text is its label and the logits of its exits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [{"kind": "model", "exits": [{"layer": layer, "temperature": t} for layer, t in enumerate(temperatures)]}]
    lines += [{"kind": "text", "label": label, "logits": logits} for label, logits in texts]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


class Measure(unittest.TestCase):
    def test_a_threshold_belongs_to_one_row(self):
        for threshold, layer in ((0.0, 1.0), (0.5, 1.0), (0.7, 1.5), (0.95, 6.0), (2.0, 6.0)):
            assert measure.row_at(ROWS, threshold)["mean_layer"] == layer
        self.assertRaises(ValueError, measure.row_at, ROWS, 0.500001)

    def test_the_deepest_within_a_budget_is_the_last_that_fits(self):
        assert measure.deepest_within(ROWS, 1.5)["mean_layer"] == 1.5
        assert measure.deepest_within(ROWS, 5.9)["mean_layer"] == 1.5

    def test_a_text_is_answered_by_the_first_exit_that_is_confident_enough(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / measure.LOGITS
            sure, unsure = [0.0, 3.0], [0.0, 1.0]  # of label 1; at temperature 2 with a probability of .818 and .622
            write_logits(path, [2.0, 2.0, 1.0], [(1, [sure, [9, 0], [9, 0]]), (0, [unsure, sure, [9, 0]]), (0, [unsure, unsure, [9, 0]])])
            logits = ExitLogits.read(path)
            for thresholds, right in (([0.81, 0.81], [True, False, True]), ([0.82, 0.81], [False, False, True]), ([0.7, 0.62], [True, False, False]),
                                      ([math.inf, math.inf], [False, True, True]), ([math.inf, 0.63], [False, False, True])):
                assert logits.right(thresholds).tolist() == right, thresholds

    def test_who_has_left_by_an_exit_is_counted_there_and_at_all_deeper_ones(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / measure.LOGITS
            sure, unsure, other = [0.0, 3.0], [0.0, 1.0], [3.0, 0.0]
            write_logits(path, [1.0] * 3, [(0, [sure, sure, sure]), (0, [sure, sure, other]), (0, [unsure, sure, other]), (0, [unsure, unsure, other])])
            assert ExitLogits.read(path).left_by([0.9, 0.9]) == [
                {"texts": 2, "disagreeing": 1}, {"texts": 3, "disagreeing": 2}, {"texts": 4, "disagreeing": 2}]

    def test_a_promise_for_every_exit_is_broken_where_one_exit_breaks_it(self):
        areas = dict.fromkeys(("area_early_exit", "area_fixed_exits", "area_random_exits", "area_oracle"), 0.5)
        full = {"accuracy_lower": 0.8, "accuracy_upper": 0.9, "single_mean_ms": 1.0}

        def told(depths: list[tuple]) -> str:
            left_by = [{"texts": texts, "disagreeing": disagreeing} for texts, disagreeing in depths]
            return report.sentences("M", {"areas": areas, "full_depth": full, "certificates": [],
                                          "conditional": {"epsilon": 0.02, "left_by": left_by}})[0]

        assert "at every exit is broken: at the worst exit at least 33.80 %" in told([(40, 20), (1000, 20)])
        assert "at every exit holds: at the worst exit at least 1.33 %" in told([(0, 0), (1000, 20)])

    def test_rows_say_which_texts_they_answer_right(self):
        labels, yes, no = [0, 1, 0, 1], [0.0, 1.0], [1.0, 0.0]  # each with a confidence of .731
        # Right on the second and fourth at the first exit, on all at the second, on the first and third at full depth.
        own = ExitLogits(np.array(labels), np.array([[yes, yes if label else no, no] for label in labels]), np.ones(3))
        certified = {"test": {"texts": 4, "correct": 4}, "certified": {"threshold": 0.75}}
        closed = {"test": {"texts": 4, "correct": 4}, "depths": [{"threshold": None}, {"threshold": 0.7}, {"threshold": None}]}
        found = {"full_depth": {"texts": 4, "correct": 2}, "picks": [{"threshold": 0.7, "texts": 4, "correct": 2}],
                 "certificates": [certified, {"test": None}], "conditional": closed}
        add_right(found, own, decline=0.1)
        rows = (found["full_depth"], *found["picks"], certified["test"], closed["test"])
        assert [unpacked(row["right"], 4).tolist() for row in rows] == [[True, False] * 2, [False, True] * 2, [True] * 4, [True] * 4]
        separate = {"texts": 4, "right": packed(np.array([False, True, True, True]))}
        assert [alone_right(row, separate) for row in rows] == [(1, 2), (0, 1), (1, 0), (1, 0)]
        assert alone_right(rows[0], {"texts": 4}) is None, "of a run that did not say which"
        found["full_depth"]["correct"] = 3
        self.assertRaisesRegex(ValueError, "2 texts are answered right .* expected 3", add_right, found, own)

    def test_packed_answers_keep_every_text(self):
        rng = np.random.default_rng(1)
        for texts in (1, 7, 8, 9, 1821):
            right = rng.random(texts) < 0.9
            assert unpacked(packed(right), texts).tolist() == right.tolist()

    def test_calibration_errors_are_those_of_the_command(self):
        """Two of three right in the bin of .7, whose mean confidence is .7; one wrong at 1, which belongs to the last bin."""
        found = expected_calibration_error(np.array([0.69, 0.7, 0.71, 1.0]), np.array([True, True, False, False]))
        assert math.isclose(found, (abs(2 - 2.1) + 1) / 4)
        bins = expected_calibration_error(np.array([0.5, 0.5 + 1 / 30]), np.array([True, False]), bins=15)
        assert math.isclose(bins, (0.5 + 0.5 + 1 / 30) / 2), "a bin holds its lower edge"
        sure, unsure = [0.0, 20.0], [0.0, 2.0]  # at temperature 2 a probability of .731 for the second
        own = ExitLogits(np.array([1, 1, 0]), np.array([[sure, unsure]] * 3), np.array([1.0, 2.0]))
        first, last = own.calibration()
        assert math.isclose(first["after"]["ece"], 1 / 3, abs_tol=1e-6) and first["before"] == {"ece": first["after"]["ece"]}
        assert math.isclose(first["after"]["ece_of_draws"], 0, abs_tol=1e-6), "of what is certain nothing is drawn"
        assert math.isclose(last["before"]["ece"], 0.880797 - 2 / 3, abs_tol=1e-6)
        assert math.isclose(last["after"]["ece"], 0.731059 - 2 / 3, abs_tol=1e-6)
        p = 0.731059
        mean_gap = sum(math.comb(3, k) * p**k * (1 - p)**(3 - k) * abs(k / 3 - p) for k in range(4))
        assert math.isclose(last["after"]["ece_of_draws"], mean_gap, abs_tol=0.02)

    def test_every_way_is_known_and_trained(self):
        for encoder in ENCODERS.values():
            assert set(encoder.early_exit) <= {*measure.WAYS, "fit"}
            assert set(encoder.early_exit) <= set(report.MODELS)
            assert encoder.self_training or not any(name.startswith("self_trained") for name in encoder.early_exit)
            assert set(encoder.recipes) <= set(SETS)

    def test_the_last_exit_counts_whole_and_the_others_as_the_encoder_says(self):
        for encoder, layers, expected in ((ENCODERS["6x384"], range(1, 7), ["0.1"] * 5 + ["1"]), (ENCODERS["6x384"], [2], ["1"]),
                                          (ENCODERS["12x768"], range(1, 13), ["1"] * 12)):
            arguments = encoder.training_arguments(SETS["sst2"], layers)
            assert arguments[arguments.index("--loss-weights") + 1:] == expected


class Report(unittest.TestCase):
    def test_a_paired_interval_lies_around_the_points_lost(self):
        texts = np.arange(1000)
        other = {"texts": 1000, "right": packed(texts >= 10)}
        row = {"texts": 1000, "right": packed(texts < 970)}
        estimate, lower, upper = map(float, re.fullmatch(r"(.*) \((.*) to (.*)\)", formatting.lost_against(row, other)).groups())
        spread = 1.96 * math.sqrt((0.04 - 0.02**2) / 1000)  # of the normal approximation
        assert estimate == 2.0
        assert abs(lower - 100 * (0.02 - spread)) < 0.11 and abs(upper - 100 * (0.02 + spread)) < 0.11
        assert formatting.lost_against({"texts": 1000}, other) == formatting.lost_against(row, None) == ""
        assert formatting.lost_against({"texts": 1000, "separate_lost": 30, "separate_gained": 10}, None) == formatting.lost_against(row, other)

    def test_a_section_says_in_short_what_its_last_way_reaches(self):
        row = {"accuracy": 0.89, "single_mean_ms": 2.0}
        m = {"full_depth": {"accuracy": 0.9, "single_mean_ms": 10.0}, "certificates": [{"epsilon": 0.01, "test": row}, {"test": None}],
             "picks": [{"goal": "loss:0", **row}, {"goal": "loss:1", **row}, {"goal": "speedup:5", **row}]}
        separate = {"accuracy": 0.91, "texts": 1000, "right": packed(np.arange(1000) < 910)}

        def lines(separate):
            return report.in_short(ENCODERS["12x768"], separate, {"joint": {}, "exit0_declining": m})

        told = lines(None)
        reached = "0.8900 right, 5.00x faster than full depth, 1.00 points lost"
        assert told[0].startswith("Joint with exit 0, declining: 0.9000 right at full depth")
        assert told[2:-1] == [f"- certified at 1.00 %: {reached}", f"- at the lowest threshold that loses nothing on *choose*: {reached}",
                              f"- at the threshold that is 5x faster on *choose*: {reached}"]
        assert lines(separate) == ["A separate model of 12 layers is right on 0.9100 of *test*. " + told[0], *told[1:]]
        row |= {"texts": 1000, "right": packed(np.arange(1000) < 890)}
        assert ", 2.00 (" in lines(separate)[2] and lines(separate)[2].endswith(" against the separate model")

    def test_the_summary_has_the_sets_that_are_measured_beside_both_alternatives(self):
        def model(correct: int, **more) -> dict:
            return {"full_depth": {"accuracy": correct / 1000, "texts": 1000, "right": packed(np.arange(1000) < correct), **more}}

        certified = {"accuracy": 0.89, "texts": 1000, "right": packed(np.arange(1000) < 890), "mean_layer": 1.5, "single_mean_ms": 2.0}
        own = {**model(900, single_mean_ms=8.0), "certificates": [{"epsilon": 0.02, "test": None}, {"epsilon": 0.01, "test": certified}]}
        with tempfile.TemporaryDirectory() as folder:
            def summary() -> list[str]:
                return report.summary(ENCODERS["6x384"], Path(folder))

            for name in ("snli", "sst2"):
                assert summary() == [], "one set alone has its own section"
                for way, m in (("bag", model(800)), ("cut6", model(910)), ("exit0_declining", own)):
                    measure.write_json(m, Path(folder) / name / f"{way}.json")
            measure.write_json(model(800), Path(folder) / "mnli" / "bag.json")
            told = summary()
            assert told[4] == "|  | SST-2 | SNLI |"
            assert told[6:10] == ["| full depth is right on | 0.9000 | 0.9000 |", "| a model of 6 layers without early exits | 0.9100 | 0.9100 |",
                                  "| a bag of words | 0.8000 | 0.8000 |", "| under the certificate | 0.8900 | 0.8900 |"]
            assert "| 2.00 (" in told[10]
            assert told[11:-1] == ["| mean layer | 1.50 | 1.50 |", "| faster than full depth | 4.00x | 4.00x |"]

    def test_seeds_are_compared_by_the_goals_that_all_of_them_have(self):
        def model(full: float, certified: float) -> dict:
            certificate = {"epsilon": 0.01, "certified": {"threshold": 0.9}, "test": {"accuracy": certified, "mean_layer": 2.0}}
            return {"full_depth": {"accuracy": full, "mean_layer": 6.0}, "picks": [], "certificates": [certificate]}

        with tempfile.TemporaryDirectory() as folder:
            def table() -> list[str]:
                return report.seeds_table(SETS["sst2"], ENCODERS["6x384"], Path(folder))

            timed = model(0.90, 0.89)
            timed["picks"] = [{"goal": "speedup:3", "threshold": 0.8, "accuracy": 0.9, "mean_layer": 2.0}]
            for name, measured in (("joint", timed), ("joint_seed2", model(0.91, 0.905)), ("joint_seed3", model(0.92, 0.92))):
                assert table() == [], "not all of them are measured"
                measure.write_json(measured, Path(folder) / f"{name}.json")
            assert table()[4:-1] == [
                "| full depth | accuracy | 0.9000 | 0.9100 | 0.9200 | 0.9100 | 0.0100 |",
                "| certified at 1.00 % | accuracy | 0.8900 | 0.9050 | 0.9200 | 0.9050 | 0.0150 |",
                "| certified at 1.00 % | points lost | 1.00 | 0.50 | 0.00 | 0.50 | 0.50 |",
                "| certified at 1.00 % | mean layer | 2.00 | 2.00 | 2.00 | 2.00 | 0.00 |"]
            assert report.seeds_table(SETS["imdb"], ENCODERS["6x384"], Path(folder)) == [], "it has one seed alone"

    def test_columns_without_a_value_are_left_out(self):
        assert formatting.table(["a", "b", "c"], [["1", "", "3"], ["", "", "4"]])[:3] == ["| a | c |", "| --- | --- |", "| 1 | 3 |"]

    def test_ratios_are_never_rounded_up(self):
        assert formatting.times(4.999) == "4.99x"
        assert formatting.times(2.01) == "2.01x", "100 times that is less than 201"
        assert formatting.times(None) == ""


if __name__ == "__main__":
    unittest.main()

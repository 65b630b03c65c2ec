# SPDX-License-Identifier: Apache-2.0
import itertools
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "results"))
import splits


def write_data(folder: Path, part: str, texts: int, rows_each: int, second: bool):
    """`rows_each` rows of each text, next to each other; with `second` they are pairs, whose premise the text is."""
    rows = [f"label\t{part} text {text}" + f"\thypothesis {row}" * second for text in range(texts) for row in range(rows_each)]
    (folder / f"{part}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


class Splits(unittest.TestCase):
    def parts_of(self, name: str, **rows) -> dict[str, list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            for part, texts in (("train", 6000), ("dev", 3000), ("test", 10)):
                write_data(Path(folder), part, texts, **rows)
            return splits.parts_of(name, Path(folder))

    def test_no_first_text_is_in_two_parts(self):
        for name, second in (("imdb", False), ("ag_news", False), ("snli", True), ("mnli", True)):
            parts = self.parts_of(name, rows_each=3, second=second)
            for one, other in itertools.combinations(parts, 2):
                shared = set(map(splits.first_text, parts[one])) & set(map(splits.first_text, parts[other]))
                assert not shared, (name, one, other)

    def test_certify_has_one_row_of_each_first_text_and_not_always_the_first(self):
        for name, texts in (("imdb", 5000), ("snli", 2000), ("mnli", 3000)):
            certify = self.parts_of(name, rows_each=3, second=True)["certify"]
            assert len(certify) == texts
            assert len(set(map(splits.first_text, certify))) == texts
            assert len({row.rsplit("\t", 1)[1] for row in certify}) == 3

    def test_every_other_row_is_in_one_part(self):
        parts = self.parts_of("snli", rows_each=3, second=True)
        left_out = 2 * len(parts["certify"])
        assert sum(map(len, parts.values())) + left_out == 3 * (6000 + 3000 + 10)
        assert len(parts["temperatures"]) == 3 * 500


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
import random
import re
import shutil

import pytest
from conftest import ROOT, TINY

WORDS = "a the film story plot is was good bad warm dull never actor man dog runs , . !".split()


@pytest.fixture()
def workplace(tmp_path, monkeypatch):
    """What the page's blocks name: a checkpoint and files of texts."""
    shutil.copytree(TINY / "family-modernbert", tmp_path / "checkpoint")
    for number, name in enumerate(["logs", "more-logs", "held-out", "test"]):
        draw = random.Random(number)
        texts = [" ".join(draw.choices(WORDS, k=draw.randrange(4, 14))) for _ in range(400)]
        (tmp_path / f"{name}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_the_page_runs_from_top_to_bottom(workplace):
    pytest.importorskip("pyarrow")
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 5
    exec("\n".join(blocks), {})  # it asserts what it shows


def test_the_lines_of_the_readme_run():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    names = {"texts": ["A delight from start to finish.", "The cast deserves better jokes."]}
    exec("import offramp\n" + block, names)
    assert len(names["answers"]) == 2

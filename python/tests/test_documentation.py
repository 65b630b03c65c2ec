# SPDX-License-Identifier: Apache-2.0
import re

from conftest import ROOT


def test_the_page_runs_from_top_to_bottom():
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 3
    exec("\n".join(blocks), {})  # it asserts what it shows

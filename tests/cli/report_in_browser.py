# SPDX-License-Identifier: Apache-2.0
"""Opens a report in headless Chromium: nothing may complain, and the slider must move the numbers.

    python3 report_in_browser.py OFFRAMP MODEL

exits with 77 where there is no Chromium.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
NUMBERS = ("say-at", "at-threshold", "at-layer", "of-layer", "of-gflops", "at-other")
# Stands in for a hand on the slider.
MOVE = """<script>(function () { var slider = document.getElementById("slider"); slider.value = %s;
slider.dispatchEvent(new Event("input")); })();</script></body>"""


def open_page(browser: str, page: Path) -> dict[str, str]:
    """The text of each of the elements once the script has run."""
    run = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
                          f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=1000", f"file://{page}"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=True)
    complaints = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    assert 'class="is-live"' in run.stdout, "the script did not run"
    found = dict(re.findall(r'id="([a-z-]+)"[^>]*>([^<]*)<', run.stdout))
    found["confusion"] = " ".join(re.findall(r"<td[^>]*><b>(\d+)</b>", run.stdout))
    found["bars"] = " ".join(re.findall(r'style="width: ([\d.]+)%', run.stdout))
    return found


def main() -> int:
    program, model = sys.argv[1:]
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("skipped: there is no chromium, chromium-browser or google-chrome")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(model, work / "model")
        lines = (f"{('no', 'yes')[i % 2]}\t{'a good film ' * (i % 7)}{i}" for i in range(120))
        (work / "data.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run([program, "curve", "--model", work / "model", "--data", work / "data.tsv", "--out", work / "out", "--rounds",
                        "0", "--rule", "confidence", "--rule", "entropy"], check=True, stdout=subprocess.DEVNULL)
        report = (work / "out" / "report.html").read_text(encoding="utf-8")
        pages = []
        for place in ("0", "slider.max"):
            page = work / f"{len(pages)}.html"
            page.write_text(report.replace("</body>", MOVE % place), encoding="utf-8")
            pages.append(open_page(browser, page))
        cheap, full = pages
        for name in (*NUMBERS, "bars"):
            assert cheap[name] and full[name] and cheap[name] != full[name], (name, cheap.get(name), full.get(name))
        assert full["at-threshold"] == "full depth" and full["say-loss"] == "0.00 points", full
        assert sum(map(int, cheap["confusion"].split())) == sum(map(int, full["confusion"].split())) == 120, (cheap, full)
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The guides for Spark and DuckDB, run as they stand, against one process. With OFFRAMP_DATA, on 100,000 sentences of reviews.

pytest -s shows the rates.
"""
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import offramp
import pytest
from conftest import ROOT, TEXTS

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def blocks_of(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def texts():
    data = os.environ.get("OFFRAMP_DATA")
    if not data:
        return [f"{text} {i % 97}" for i, text in enumerate(TEXTS * 300)]
    lines = (Path(data) / "sst2" / "train.tsv").read_text(encoding="utf-8").split("\n")
    sentences = [line.split("\t")[-1] for line in lines if line]
    return [sentences[i % len(sentences)] for i in range(100_000)]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A Parquet file, and what one process answers to it."""
    folder = tmp_path_factory.mktemp("big-data")
    all_texts = pyarrow.array(texts())
    parquet.write_table(pyarrow.table({"id": np.arange(len(all_texts)), "text": all_texts}), folder / "reviews.parquet")
    model = offramp.Classifier.load(offramp.bundled("sentiment-en"), format="int8")
    start = time.perf_counter()
    answers = model.classify_arrow(all_texts)
    say(f"one process: {len(all_texts) / (time.perf_counter() - start):.0f} texts a second")
    return folder, answers


def say(line):
    print("\n" + line, end="")


def test_duckdb(reviews, monkeypatch):
    pytest.importorskip("duckdb")
    folder, expected = reviews
    monkeypatch.chdir(folder)
    names = {}
    start = time.perf_counter()
    exec(blocks_of("duckdb.md"), names)
    say(f"DuckDB, the guide's two queries: {2 * expected.num_rows / (time.perf_counter() - start):.0f} texts a second")
    assert names["rows"] == list(zip(expected["label"].to_pylist(), expected["layer"].to_pylist()))
    connection = names["connection"]
    for threads in (1, 2):
        connection.execute(f"SET threads = {threads}")
        start = time.perf_counter()
        table = connection.sql("SELECT label, confidence, layer FROM classified('reviews.parquet')").to_arrow_table()
        say(f"DuckDB, {threads} threads: {expected.num_rows / (time.perf_counter() - start):.0f} texts a second")
        for name in ("label", "confidence", "layer"):
            assert table[name].combine_chunks().equals(expected[name])
    assert connection.sql("SELECT classify(NULL::VARCHAR)").fetchall() == [(None,)]


def test_spark(reviews, monkeypatch):
    pytest.importorskip("pyspark")
    folder, expected = reviews
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    # Most of what a JVM would do in these seconds is to compile itself.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    for workers in (1, 2):
        code = blocks_of("spark.md").replace("local[2]", f"local[{workers}]").replace("repartition(2)", f"repartition({workers})")
        # As a script: workers get its functions by value. What it has imported is timed from the second job on.
        names = {"__name__": "__main__"}
        exec(code, names)
        try:
            start = time.perf_counter()
            names["answers"].write.mode("overwrite").parquet("answers.parquet")
            rate = expected.num_rows / (time.perf_counter() - start)
            say(f"Spark, {workers} workers: {rate:.0f} texts a second")
        finally:
            names["spark"].stop()
        table = parquet.read_table("answers.parquet").sort_by("id")
        for name in ("label", "confidence", "layer"):
            assert table[name].combine_chunks().equals(expected[name])

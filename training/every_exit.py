# SPDX-License-Identifier: Apache-2.0
"""What every exit of an offramp model says of texts, asked of the built command."""
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path


def every_exit(offramp: str, model: str | Path, texts: list[str], numeric_format: str) -> Iterator[list[dict]]:
    """Of each text its exits, from the first to the last, as `classify --trace --json` writes them: `layer`, `logits`, `probabilities`.

    A pair of texts is one string with a tab between.
    """
    command = [offramp, "classify", "--model", str(model), "--format", numeric_format, "--full-depth", "--trace", "--json", "--threads", "2"]
    lines = subprocess.run(command, input="\n".join(texts) + "\n", check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in lines.splitlines():
        yield json.loads(line)["exits"]

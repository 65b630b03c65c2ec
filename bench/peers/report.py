# SPDX-License-Identifier: Apache-2.0
"""Statistics, tables, JSON Lines, and the circumstances that a time depends on."""
import json
import os
import platform
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import torch

ENVIRONMENT = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS",
               "MKL_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "KMP_AFFINITY")


def quartiles(values):
    """(lower quartile, median, upper quartile)."""
    return tuple(float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def git_commit():
    answer = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], text=True,
                            cwd=Path(__file__).parent, capture_output=True, check=False)
    return answer.stdout.strip() or "unknown"


def circumstances(server):
    return {"cpu": cpu_name(), "cpus": len(os.sched_getaffinity(0)), "load_before": round(os.getloadavg()[0], 2),
            "environment": {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            "versions": {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__,
                         "python": platform.python_version()},
            "commit": git_commit(), "offramp": server.ask(do="describe")["formats"]}


class Report:
    """Collects rows; writes each as JSON Lines at once, and prints tables."""

    def __init__(self, jsonl):
        self.file = open(jsonl, "w", encoding="utf-8") if jsonl else None

    def record(self, kind, **row):
        if self.file:
            self.file.write(json.dumps({"kind": kind, **row}) + "\n")
            self.file.flush()

    def heading(self, facts):
        self.record("circumstances", **facts)
        for name, value in facts.items():
            print(f"{name}: {json.dumps(value) if isinstance(value, dict) else value}")
        print()

    def table(self, columns, rows):
        """Markdown; columns as key -> title, numbers as they come."""
        shown = [[str(row.get(key, "-")) for key in columns] for row in rows]
        print("| " + " | ".join(columns.values()) + " |")
        print("|" + "---|" * len(columns))
        for row in shown:
            print("| " + " | ".join(row) + " |")
        print(flush=True)

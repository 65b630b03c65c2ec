# SPDX-License-Identifier: Apache-2.0
"""Loads `offramp serve` from half to three times of what it can answer at full depth, and checks every answer.

    python bench/serve_load.py --offramp build/dev/offramp --model models/sentiment-en --texts sst2/test.tsv

Three services take turns: full depth, a fixed threshold, and one that falls from full depth to that threshold as load grows. Requests of one
text arrive at random (Poisson) whether or not earlier ones were answered, as from many users; the client shares the machine, or with
--pin has a core to itself, as the service has. Latency counts from when a request was due. An answer must be what `offramp classify
--trace` says of its text at its layer. With --p99-ms the rates are searched that each service sustains: none refused, and 99 of 100
answered within that time. The standard library alone.
"""
import argparse
import asyncio
import json
import os
import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Service:
    name: str
    arguments: list[str]
    process: subprocess.Popen | None = None
    port: int = 0

    def start(self, a):
        pinned = ["taskset", "-c", "0"] if a.pin else []
        self.process = subprocess.Popen(
            [*pinned, a.offramp, "serve", "--model", a.model, "--format", a.format, "--port", "0", "--threads", str(a.threads),
             "--connections", str(a.connections), "--queue", str(a.queue), "--busy-texts", str(a.busy_texts), *self.arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if "://" in line:
                self.port = int(line.split("://")[1].split("/")[0].rsplit(":", 1)[1].split()[0])
                return
        raise SystemExit(f"{self.name}: the service ended before it listened")

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@dataclass
class Outcome:
    """What became of the requests of one run."""
    seconds: list[float] = field(default_factory=list)  # of those answered
    layers: int = 0
    refused: int = 0  # 429
    late: int = 0  # answered by a deadline that stopped them
    overdue: int = 0  # answered after their deadline
    wrong: int = 0


def expected_answers(a, texts: list[str]) -> list[dict[int, tuple[str, float]]]:
    """For each text: layer -> label and confidence there."""
    run = subprocess.run([a.offramp, "classify", "--model", a.model, "--format", a.format, "--full-depth", "--trace", "--json"],
                         input="\n".join(texts) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    answers = []
    for line in run.stdout.splitlines():
        exits = json.loads(line)["exits"]
        answers.append({e["layer"]: (e["label"], max(e["probabilities"])) for e in exits})
    return answers


class Connections:
    """Keeps connections open and hands them out; opens one where none is free."""

    def __init__(self, port: int):
        self.port, self.free = port, []

    async def post(self, body: bytes) -> tuple[int, bytes]:
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                     + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        content = await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        if "connection: close" in head:
            writer.close()
        else:
            self.free.append((reader, writer))
        return int(head.split()[1]), content

    def close(self):
        for _, writer in self.free:
            writer.close()


async def request(connections: Connections, text: str, expected: dict, deadline_ms: int, due: float, outcome: Outcome):
    """A deadline of 0 ms is none."""
    deadline = {"deadline_ms": deadline_ms} if deadline_ms else {}
    status, content = await connections.post(json.dumps({"text": text, **deadline}).encode())
    if status == 429:
        outcome.refused += 1
        return
    answer = json.loads(content)["results"][0]
    label, confidence = expected.get(answer.get("layer"), ("", 0.0))
    outcome.wrong += answer.get("label") != label or abs(answer["score"] - confidence) > 1e-6
    outcome.late += answer.get("stopped") == "deadline"
    outcome.layers += answer.get("layer", 0)
    outcome.seconds.append(time.perf_counter() - due)
    outcome.overdue += bool(deadline_ms) and outcome.seconds[-1] > deadline_ms / 1e3


async def closed_loop(service: Service, a, texts, expected) -> float:
    """Answers a second with as many users as --users, each of whom asks again when answered."""
    connections, outcome, end = Connections(service.port), Outcome(), time.perf_counter() + a.seconds

    async def user(number: int):
        draw = random.Random(number)
        while time.perf_counter() < end:
            i = draw.randrange(len(texts))
            await request(connections, texts[i], expected[i], 0, time.perf_counter(), outcome)

    await asyncio.gather(*(user(n) for n in range(a.users)))
    connections.close()
    return len(outcome.seconds) / a.seconds


async def open_loop(service: Service, a, texts, expected, rate: float, deadline_ms: int) -> Outcome:
    connections, outcome, draw = Connections(service.port), Outcome(), random.Random(1)
    begin, due, tasks = time.perf_counter(), 0.0, []
    while due < a.seconds:
        await asyncio.sleep(max(0.0, begin + due - time.perf_counter()))
        i = draw.randrange(len(texts))
        tasks.append(asyncio.create_task(request(connections, texts[i], expected[i], deadline_ms, begin + due, outcome)))
        due += draw.expovariate(rate)
    await asyncio.gather(*tasks)
    connections.close()
    return outcome


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def sustained(service: Service, a, texts, expected, capacity: float) -> float:
    """The highest rate, within 3 %, that the service answers in time."""

    def holds(rate: float) -> bool:
        o = asyncio.run(open_loop(service, a, texts, expected, rate, 0))
        if o.wrong:
            raise SystemExit(f"{service.name}: {o.wrong} wrong answers")
        return not o.refused and quantile(o.seconds, 0.99) <= a.p99_ms / 1e3

    lowest, highest = 0.0, 0.4 * capacity
    while holds(highest):
        lowest, highest = highest, 1.4 * highest
    while highest - lowest > 0.03 * highest:
        middle = (lowest + highest) / 2
        lowest, highest = (middle, highest) if holds(middle) else (lowest, middle)
    return lowest


def print_rates(services: list[Service], a, texts, expected, capacity: float):
    print(f"{'rate':>6} {'service':>10} {'answered/s':>10} {'refused':>8} {'late':>6} {'overdue':>8} {'wrong':>6} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8} {'layers':>7}")
    for rate in a.rates:
        for service in services:
            o = asyncio.run(open_loop(service, a, texts, expected, rate * capacity, a.deadline_ms))
            answered = len(o.seconds)
            print(f"{rate:6.2f} {service.name:>10} {answered / a.seconds:10.0f} {o.refused:8} {o.late:6} {o.overdue:8} {o.wrong:6} "
                  f"{1e3 * quantile(o.seconds, 0.5):8.1f} {1e3 * quantile(o.seconds, 0.99):8.1f} {1e3 * max(o.seconds, default=0):8.1f} {o.layers / max(1, answered):7.2f}",
                  flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--offramp", required=True, help="the built command")
    p.add_argument("--model", default="sentiment-en")
    p.add_argument("--format", default="int8")
    p.add_argument("--texts", type=Path, required=True, help="one a line, after the last tab")
    p.add_argument("--threshold", default="0.9", help="of the fixed service, and the lowest of the adaptive one")
    p.add_argument("--rates", type=lambda s: [float(x) for x in s.split(",")], default=[0.5, 1, 1.5, 2, 2.5, 3])
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--deadline-ms", type=int, default=500, help="of each request; 0: none")
    p.add_argument("--p99-ms", type=float, help="search the rates that are sustained at this latency, in place of --rates")
    p.add_argument("--pin", action="store_true", help="the services on core 0, the client on core 1; goes with --threads 1")
    p.add_argument("--users", type=int, default=64, help="of the run that finds what full depth can answer")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--connections", type=int, default=1024)
    p.add_argument("--queue", type=int, default=256)
    p.add_argument("--busy-texts", type=int, default=32)
    a = p.parse_args()
    texts = [line.rsplit("\t", 1)[-1] for line in a.texts.read_text(encoding="utf-8").split("\n") if line][:2000]
    expected = expected_answers(a, texts)
    if a.pin:
        os.sched_setaffinity(0, {1})
    services = [Service("full depth", ["--threshold", "1"]), Service("fixed", ["--threshold", a.threshold]),
                Service("adaptive", ["--threshold", "1", "--busy-threshold", a.threshold])]
    for service in services:
        service.start(a)
    capacity = asyncio.run(closed_loop(services[0], a, texts, expected))
    print(f"full depth answers {capacity:.0f} a second to {a.users} users; memory "
          + ", ".join(f"{s.name} {s.resident_mib():.0f} MiB" for s in services))
    if a.p99_ms:
        rates = {service.name: sustained(service, a, texts, expected, capacity) for service in services}
        for name, rate in rates.items():
            print(f"{name:>10}: {rate:.0f} a second at a p99 of {a.p99_ms:g} ms, {rate / rates['full depth']:.2f} times full depth", flush=True)
    else:
        print_rates(services, a, texts, expected, capacity)
    print("memory at the end: " + ", ".join(f"{s.name} {s.resident_mib():.0f} MiB" for s in services))
    for service in services:
        service.process.terminate()
        service.process.wait()


if __name__ == "__main__":
    main()

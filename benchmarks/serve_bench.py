"""The model server beside a plain FastAPI handler on the same kind of session, in turns, under Debian's wrk.

Ratios are of the medians over the rounds. Both servers have one process, write their access logs, and get the same PNG.
"""

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image

from fittingroom.data import load
from fittingroom.inference.model_files import WEIGHTS
from fittingroom.processes import resident_bytes

HERE = Path(__file__).parent
PORTS = {"plain": 8741, "ours": 8742, "keras": 8743}
PATHS = {"plain": "/predict", "ours": "/v1/predict", "keras": "/predict"}
CASES = (("92", 16, ("plain", "ours")), ("95", 64, ("plain", "ours")), ("94", 16, ("keras", "ours")))
SCRIPT = 'wrk.method = "POST"; wrk.body = io.open("{png}", "rb"):read("*a"); wrk.headers["Content-Type"] = "image/png"'
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def started(kind: str, rung: str) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    if kind == "ours":
        words = ["-m", "fittingroom", "serve", "--model", f"net=fashion-mnist/{rung}", "--port", str(PORTS[kind])]
    else:
        ending = "keras" if kind == "keras" else "onnx"
        env |= {"PLAIN_MODEL": str(WEIGHTS / "fashion-mnist" / f"{rung}.{ending}"), "PLAIN_KIND": kind}
        words = ["-m", "uvicorn", "plain_server:app", "--port", str(PORTS[kind])]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *words], cwd=HERE, env=env, stdout=log, stderr=log)
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{PORTS[kind]}/openapi.json", timeout=5).close()
            return process
        time.sleep(0.1)
    raise SystemExit(f"{kind} did not start")


def loaded(kind: str, connections: int, seconds: float, script: Path) -> tuple[float, float, float, int]:
    """Return requests a second, p50 and p99 in milliseconds, and how many answers were none."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "30s", "-s", str(script)]
    done = subprocess.run([*words, f"http://127.0.0.1:{PORTS[kind]}{PATHS[kind]}"], capture_output=True, text=True)
    said = done.stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    p50, p99 = (_milliseconds(re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)", said)) for share in (50, 99))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return rate, p50, p99, int(bad[1]) if bad else 0 + sum(map(int, errors.groups())) if errors else 0


def _milliseconds(match: re.Match[str]) -> float:
    return float(match[1]) * UNITS[match[2]]


def compare(rung: str, connections: int, kinds: tuple[str, str], seconds: float, rounds: int, script: Path) -> None:
    """Print one case: each server's figures, and the ratio of their requests a second."""
    processes = [started(kind, rung) for kind in kinds]
    try:
        found = {kind: [] for kind in kinds}
        for kind in kinds:
            loaded(kind, connections, 1, script)
        for _ in range(rounds):
            for kind in kinds:
                found[kind].append(loaded(kind, connections, seconds, script))
    finally:
        for process in processes:
            process.terminate()
            process.wait(60)
    middle = {kind: [statistics.median(column) for column in zip(*rows, strict=True)] for kind, rows in found.items()}
    for kind in kinds:
        rate, p50, p99, bad = middle[kind]
        print(f"| {rung} | {connections} | {kind} | {rate:.0f} | {p50:.1f} | {p99:.1f} | {bad:g} |")
    each = [ours[0] / other[0] for other, ours in zip(found[kinds[0]], found[kinds[1]], strict=True)]
    span = f"{min(each):.2f} to {max(each):.2f}"
    print(f"| {rung} | {connections} | ours / {kinds[0]} | {statistics.median(each):.2f} ({span}) | | | |", flush=True)


def soak(seconds: float, script: Path) -> None:
    """Print the server's memory over a long time at full load; exit with 1 where it grew by more than 5 %, or erred."""
    process = started("ours", "92")
    try:
        loaded("ours", 16, 20, script)
        first, errors, rows = resident_bytes(process.pid), 0, []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rate, _, p99, bad = loaded("ours", 16, min(30.0, seconds), script)
            errors += bad
            rows.append(resident_bytes(process.pid) / first)
            told = {"rate": round(rate), "p99_ms": p99, "memory": round(rows[-1], 3), "errors": bad}
            print(json.dumps(told), flush=True)
    finally:
        process.terminate()
        process.wait(60)
    print(f"{first / 1e6:.0f} MB at first, then {min(rows):.3f} to {max(rows):.3f} times that; {errors} errors.")
    raise SystemExit(int(errors > 0 or max(rows) > 1.05))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--soak", type=float, default=0.0)
    parser.add_argument("--cases", default="92,95,94")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("Expected wrk, the load generator. Install it: sudo apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        png, script = Path(folder) / "one.png", Path(folder) / "post.lua"
        file = io.BytesIO()
        Image.fromarray(load("fashion-mnist").test.images[0]).save(file, "PNG")
        png.write_bytes(file.getvalue())
        script.write_text(SCRIPT.format(png=png))
        if asked.soak:
            soak(asked.soak, script)
        print("| rung | connections | server | requests a second | p50 ms | p99 ms | errors |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for rung, connections, kinds in CASES:
            if rung in asked.cases.split(","):
                compare(rung, connections, kinds, asked.seconds, asked.rounds, script)


if __name__ == "__main__":
    main()

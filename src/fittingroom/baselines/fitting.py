"""One row, fitted in a process of its own, so that its time can be bounded and its memory is its own.

The process reads what it is to do from standard input and writes what came out as the last line of standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.baselines.families import ALSO, FAMILIES, RUNG, made
from fittingroom.errors import DataError
from fittingroom.extras import line_for
from fittingroom.jobs.job import DataPlace, find_data
from fittingroom.jobs.worker import sent_before

if TYPE_CHECKING:
    from fittingroom.arrays import Array
    from fittingroom.data import Dataset, Split
    from fittingroom.jobs.job import Job, Report, Row

PACKAGES = {"sklearn": "scikit-learn", "skimage": "scikit-image"}  # others: as the module
THREAD_WORDS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WORDS = 300  # of a library's own error that a row keeps


def fit_job(job: Job, data: Dataset | None, report: Report) -> Row:
    """Fit a row in a process of its own; the `Work` of the baselines. A failure and a time-out are rows as well.

    Args:
        job: its arguments are those of the row and the scaling of the pixels; its notes have ``budget_seconds``.
        data: what it is fitted on; the process reads it for itself.
        report: whom to tell.

    Returns:
        ``outcome`` ("done", "failed" or "timed out"), ``error``, ``accuracy``, ``n``, ``fit_seconds``,
        ``predict_seconds``, ``peak_bytes``, ``threads``, ``fingerprint`` and ``versions``.
    """
    assert data is not None
    assert job.data is not None
    report.log(f"{job.key}: {job.arguments['family']} {job.notes.get('words', '')}")
    asked = {**job.arguments, **job.notes, "threads": job.threads, "data": asdict(job.data)}
    blank = {"accuracy": None, "n": len(data.test), "fit_seconds": None, "predict_seconds": None, "peak_bytes": None}
    known = {**blank, "threads": job.threads, "fingerprint": data.fingerprint, "versions": versions(asked["family"])}
    known["budget_seconds"] = asked["budget_seconds"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fittingroom.baselines.fitting"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=asked["budget_seconds"],
            env={**os.environ, **dict.fromkeys(THREAD_WORDS, str(job.threads))},
        )
    except subprocess.TimeoutExpired:
        return {"outcome": "timed out", "error": f"not done in {asked['budget_seconds']:g} s", **known}
    try:
        return {**known, **json.loads(done.stdout.splitlines()[-1])}
    except (IndexError, ValueError):
        told = "killed, most often because memory ran out" if done.returncode < 0 else done.stderr.strip()[-WORDS:]
        return {"outcome": "failed", "error": told, **known}


def versions(family: str) -> dict[str, str | None]:
    """Return the versions of what a row is fitted by."""
    names = {"numpy", *(PACKAGES.get(module, module) for module in modules_of(family))}
    return {name: _version(name) for name in sorted(names)}


def modules_of(family: str) -> tuple[str, ...]:
    """Return the modules that a family cannot do without."""
    return (FAMILIES[family].partition(".")[0], *ALSO.get(family, ()))


def _version(package: str) -> str | None:
    for name in (package, f"{package}-cpu"):  # xgboost-cpu is xgboost without what a graphics card needs
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def fitted(asked: dict[str, Any]) -> dict[str, Any]:
    """Fit a row in this process and score it once on the test images.

    Args:
        asked: family, settings, seed, threads, scaling, data.

    Returns:
        The part of the row that is known here.
    """
    family = asked["family"]
    lacking = [PACKAGES.get(module, module) for module in modules_of(family) if find_spec(module) is None]
    if lacking:
        return {
            "outcome": "failed",
            "error": f"needs {' and '.join(lacking)}: {line_for(*lacking, tells_path=False)}",
        }
    place = DataPlace(**asked["data"])
    data = find_data(place) or sent_before(place)
    if data is None:
        raise DataError(f"The data {place.fingerprint} are not on this machine.")
    fit = _fit_rung if family == RUNG else _fit_classifier
    try:
        accuracy, fit_seconds, predict_seconds = fit(asked, data)
    except Exception as error:  # whatever a library raises is a row
        words = " ".join(f"{type(error).__name__}: {error}".split())[:WORDS]
        return {"outcome": "failed", "error": words}
    seconds = {"fit_seconds": fit_seconds, "predict_seconds": predict_seconds}
    return {"outcome": "done", "error": None, "accuracy": accuracy, **seconds, "peak_bytes": _peak_bytes()}


def _fit_classifier(asked: dict[str, Any], data: Dataset) -> tuple[float, float, float]:
    model = made(asked["family"], asked["settings"], asked["seed"], asked["threads"], data.image_shape)
    order = np.random.default_rng(asked["seed"]).permutation(len(data.train))
    train, test = scaled(data.train, data.test, asked["scaling"])
    started = time.perf_counter()
    model.fit(train[order], data.train.labels[order])
    fit_seconds = time.perf_counter() - started
    started = time.perf_counter()
    answers = np.asarray(model.predict(test)).reshape(-1)
    return float(np.mean(answers == data.test.labels)), fit_seconds, time.perf_counter() - started


def scaled(train: Split, test: Split, scaling: str) -> tuple[Array, Array]:
    """Return the pixels of both parts as float64 rows.

    Args:
        train: ``n`` images.
        test: ``m`` images.
        scaling: "none", "unit" or "standardised", by the training images alone.

    Returns:
        ``(n, pixels)`` and ``(m, pixels)``.
    """
    rows = [part.images.reshape(len(part), -1).astype(np.float64) for part in (train, test)]
    if scaling == "unit":
        rows = [each / 255 for each in rows]
    if scaling == "standardised":
        mean, sd = rows[0].mean(axis=0), rows[0].std(axis=0)
        sd[sd == 0] = 1
        rows = [(each - mean) / sd for each in rows]
    return rows[0], rows[1]


def _fit_rung(asked: dict[str, Any], data: Dataset) -> tuple[float, float, float]:
    from fittingroom.jobs.carrying_out import threads_set
    from fittingroom.workflows.training import train

    with threads_set(asked["threads"]), TemporaryDirectory() as folder:
        started = time.perf_counter()
        run = train(
            data=data, recipe=asked["settings"]["recipe"], seed=asked["seed"], onnx=False, out=Path(folder) / "run"
        )
        fit_seconds = time.perf_counter() - started
        started = time.perf_counter()
        answers = run.predict(data.test.images, tempered=False).argmax(axis=1)
        return float(np.mean(answers == data.test.labels)), fit_seconds, time.perf_counter() - started


def _peak_bytes() -> int | None:
    if find_spec("resource") is None:
        return None
    resource = import_module("resource")
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write(json.dumps(fitted(json.load(sys.stdin))) + "\n")

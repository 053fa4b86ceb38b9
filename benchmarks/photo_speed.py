"""How long an answer takes and what memory it needs, beside the bars; what has no bar is compared with its rivals.

Usage: photo_speed.py [--network fashion-mnist/92] [--photos 60]; run it alone on the machine. Times are medians of 5 to
200 rounds after one that is not counted; memory is the most that a process held at once. A ratio of at most 1 meets
the bar. Exits with 1 where one is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import IO, TYPE_CHECKING, cast

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
from PIL import Image

import fittingroom as fr
from fittingroom.backend import processor_name
from fittingroom.inference.model_files import PHOTO_28_MODEL, PHOTO_MODEL
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.inference.predictor import open_predictor
from fittingroom.photos import whole_photo
from fittingroom.photos.importing import import_photos
from fittingroom.photos.opening import known_formats
from fittingroom.workflows.picture_answers import name_data, name_photo

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 20
SIZE, SMALL = "1200 x 1600", "400 x 533"
IMPORTED = 200  # photos a minute: "hundreds", on two cores
IMPORT_BEFORE = "dfc2542^"  # the last commit at which `data import` checked no labels
TURNS, EACH_IMPORT = 5, 20
OURS = "ONNX Runtime"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: is measured, and its unit.
        measured: the less the better.
        bar: the most it may be; None where there is none.
    """

    what: str
    measured: float
    bar: float | None

    @property
    def is_missed(self) -> bool:
        """Whether there is a bar and it is not met."""
        return self.bar is not None and self.measured > self.bar

    def line(self) -> str:
        """Return the row of a Markdown table."""
        told = ("", "") if self.bar is None else (f"{self.bar:.3g}", f"{self.measured / self.bar:.2f}")
        return f"| {self.what} | {self.measured:.3g} | {told[0]} | {told[1]} |"


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median time of a piece of work; the first, cold one is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def a_photo(folder: Path, times: float = 1.0, suffix: str = ".jpg") -> Path:
    """Write a photo of the usual size or larger: a shirt of one colour on a floor of another, with a camera's noise."""
    rows, columns = np.mgrid[0:1600, 0:1200]
    shirt = (rows > 320) & (rows < 1330) & (abs(columns - 600) < np.where(rows < 640, 400, 210))
    pixels = np.where(shirt[..., None], (40, 60, 120), (200, 190, 175))
    noisy = pixels + np.random.default_rng(0).normal(0, 8, pixels.shape)
    picture = Image.fromarray(np.uint8(np.clip(noisy, 0, 255)))
    picture = picture.resize((round(1200 * times), round(1600 * times))) if times != 1 else picture
    path = folder / f"shirt-{picture.width}{suffix}"
    known_formats()  # HEIC too
    picture.save(path, quality=92)
    return path


def processor_seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median processor time of a piece of work; the first, cold one is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def whole_photos(folder: Path) -> list[Row]:
    """Measure the network for photos: alone, and from the files that phones write to the answer."""
    predictor, usual = open_predictor(PHOTO_MODEL), whole_photo(a_photo(folder))[None]
    files = {
        "12 megapixels, JPEG": (a_photo(folder, 2.5), 150),
        "48 megapixels, JPEG": (a_photo(folder, 5), None),
        "12 megapixels, HEIC": (a_photo(folder, 2.5, ".heic"), None),
    }
    alone = processor_seconds(lambda: predictor.ask(usual))
    whole = processor_seconds(lambda: name_photo(files["12 megapixels, JPEG"][0], predictor, "shirt.jpg"))
    rows = [
        Row(f"{PHOTO_MODEL}, the network alone, processor time, ms", 1e3 * alone, 25),
        Row(f"{PHOTO_MODEL}, 12 megapixels, JPEG, warm, from file to answer, processor time, ms", 1e3 * whole, None),
    ]
    return rows + [
        Row(
            f"{PHOTO_MODEL}, {name}, warm, from file to answer, ms",
            1e3 * seconds(lambda path=path: name_photo(path, predictor, path.name), 5),  # type: ignore[misc]
            bar,
        )
        for name, (path, bar) in files.items()
    ]


def rivals(network: str) -> dict[str, Callable[[], object]]:
    """Return ways to ask a network about one picture."""
    import torch

    from fittingroom.inference.model_files import find_onnx

    image = fr.load().test.images[:1]
    model = fr.load_model(network)
    tensor = torch.from_numpy(image.astype(np.float32))
    onnx = find_onnx(network)

    def eager() -> object:
        with torch.inference_mode():
            return model(tensor, training=False)

    found: dict[str, Callable[[], object]] = {
        "Keras predict": lambda: model.predict(image, verbose=0),
        "PyTorch, eager": eager,
    }
    if onnx is not None:
        predict = open_onnx(onnx).predict
        found[OURS] = lambda: predict(image)
    return found


def most_memory(command: list[str]) -> float:
    """Run a command and return the most memory that it held at once, in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    return used.ru_maxrss / (1 if sys.platform == "linux" else 1000) / 1000


def predicting(folder: Path, photo: Path, photos: int) -> list[Row]:
    """Measure the command, one photo, one data picture, and the memory of few photos and of many."""
    predictor, data, many = open_predictor(PHOTO_28_MODEL), folder / "data.png", folder / "many"
    Image.fromarray(fr.load().test.images[0]).save(data)
    many.mkdir()
    for number in range(photos):
        (many / f"{number}.jpg").hardlink_to(photo)
    command = [sys.executable, "-m", "fittingroom", "predict"]
    one = [*command, str(photo)]
    few, all_ = most_memory(one), most_memory([*command, str(many)])
    return [
        Row(
            f"`predict` of one photo, cold, s ({SIZE})",
            seconds(lambda: subprocess.run(one, check=True, capture_output=True), 5),
            1.5,
        ),
        Row(
            f"{PHOTO_28_MODEL}, one photo, warm, from file to answer, ms",
            1e3 * seconds(lambda: name_photo(photo, predictor, "shirt.jpg")),
            400,
        ),
        Row("one data picture, warm, from file to answer, ms", 1e3 * seconds(lambda: name_data(data, predictor)), 30),
        Row("`predict` of one photo, most memory, MB", few, None),
        Row(f"`predict` of {photos}, most memory, MB; bar: 1.25 times that of one", all_, 1.25 * few),
    ]


def importing(folder: Path, photo: Path, photos: int) -> list[Row]:
    """Measure `data import`, and its processor time beside that of the code before labels were checked, in turns."""
    start = time.perf_counter()
    import_photos(class_folders(folder / "once", photo, photos), folder / "once-mnist", lambda _: None)
    took = time.perf_counter() - start
    row = Row(
        f"`data import`, labels checked, s for {photos} photos ({60 * photos / took:.0f} a minute; bar: {IMPORTED})",
        took,
        60 * photos / IMPORTED,
    )
    before = code_of(IMPORT_BEFORE, folder / "before")
    if before is None:
        print(f"The code of {IMPORT_BEFORE} is not there: `data import` is not compared with it.")
        return [row]
    codes = [before, Path(fr.__file__).parent.parent]
    sizes = {"12 megapixels": (a_photo(folder, 2.5), 1.0), SIZE: (photo, 1.0), SMALL: (a_photo(folder, 1 / 3), None)}
    with ExitStack() as stack:
        importers = [stack.enter_context(importer(code)) for code in codes]
        return [row, *(against_before(folder, size, *given, importers) for size, given in sizes.items())]


def class_folders(folder: Path, photo: Path, photos: int) -> Path:
    """Return a new folder with one photo many times, in two class folders whose labels are checked."""
    for name in ("Pullover", "Shirt"):
        (folder / name).mkdir(parents=True)
    for number in range(photos):
        (folder / ("Pullover", "Shirt")[number % 2] / f"{number}.jpg").hardlink_to(photo)
    return folder


def code_of(commit: str, folder: Path) -> Path | None:
    """Return the folder `src` of a commit, unpacked; None where Git or the commit is not there."""
    packed = folder.with_suffix(".tar")
    command = ["git", "-C", str(Path(__file__).parent.parent), "archive", "--output", str(packed), commit, "src"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


IMPORTER = """
import sys, time
from pathlib import Path
from fittingroom.photos.importing import import_photos
for line in sys.stdin:
    source, out = (Path(one) for one in line.rstrip("\\n").split("\\t"))
    start = time.process_time()
    import_photos(source, out, lambda _: None)
    print(time.process_time() - start, flush=True)
"""


def importer(code: Path) -> subprocess.Popen[str]:
    """Start a process that imports with a code: it is told a folder and where to, and says its processor seconds."""
    found = dict(os.environ, PYTHONPATH=str(code))
    return subprocess.Popen([sys.executable, "-c", IMPORTER], env=found, stdin=PIPE, stdout=PIPE, text=True)


def against_before(
    folder: Path, size: str, photo: Path, bar: float | None, importers: list[subprocess.Popen[str]]
) -> Row:
    """Return the processor time of an import as a share of what it took before, the median of some turns."""
    source, shares = class_folders(folder / f"many-{photo.stem}", photo, EACH_IMPORT), []
    for turn in range(TURNS + 1):  # the first, cold one is not counted
        took = []
        for number, process in enumerate(importers):
            print(source, folder / f"{photo.stem}-{turn}-{number}", sep="\t", file=process.stdin, flush=True)
            took.append(float(cast("IO[str]", process.stdout).readline()))
        shares.append(took[1] / took[0])
    rest = sorted(shares[1:])
    words = f"{rest[0]:.2f} to {rest[-1]:.2f}, {TURNS} turns of {EACH_IMPORT} photos"
    what = f"`data import`, {size}, labels checked, processor time, of that before they were ({words})"
    return Row(what, statistics.median(rest), bar)


def network_alone(network: str) -> list[Row]:
    """Measure one 28x28 picture through ONNX Runtime, and how much longer its rivals take."""
    times = {name: 1e3 * seconds(work, 200) for name, work in rivals(network).items()}
    ours = times.pop(OURS)
    rows = [Row(f"{network}, one picture, {OURS}, ms", ours, 0.2)]
    return rows + [
        Row(f"{network}, one picture, {name}, ms ({took / ours:.1f} times {OURS})", took, None)
        for name, took in times.items()
    ]


def main() -> None:
    """Measure and print; exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="fashion-mnist/92")
    parser.add_argument("--photos", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        photo = a_photo(Path(name))
        rows = predicting(Path(name), photo, asked.photos)  # first: a process begins with its parent's memory
        rows += whole_photos(Path(name))
        rows += importing(Path(name), photo, asked.photos)
    rows += network_alone(asked.network)
    print(f"{processor_name()}, {os.cpu_count()} cores; medians of {ROUNDS} rounds\n")
    print("| what | measured | bar | ratio to the bar |\n| --- | --- | --- | --- |")
    for row in rows:
        print(row.line())
    raise SystemExit(any(row.is_missed for row in rows))


if __name__ == "__main__":
    main()

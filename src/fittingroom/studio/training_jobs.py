"""The trainings that the studio has started: begin, watch, stop and resume them, each in a process of its own.

Such a process outlives the page and the studio: python -m fittingroom.studio.training_jobs FOLDER

The folder holds ``order.json``; progress is appended to ``progress.jsonl`` there, and its last line says how it ended.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS
from fittingroom.errors import DataError, FittingRoomError, Interrupted
from fittingroom.files import append_json_line, read_json, read_json_lines
from fittingroom.runs import Run, is_run
from fittingroom.studio.order_folders import ORDER, OrderFolders, deaf_to_stops, failures_told, interrupt_on_stop
from fittingroom.web.problems import Problem, hide_paths, without_paths

if TYPE_CHECKING:
    from fittingroom.progress import Progress

PROGRESS = "progress.jsonl"
NOTHING: dict[str, Any] = {  # was asked
    "dataset": None,
    "model": None,
    "recipe": {},
    "seed": 0,
    "validation": None,
    "edits": None,
}
VANISHED = (
    "The training's process ended without a word: it was killed, or memory ran out. It goes on from its checkpoint."
)
NEVER_BEGAN = "The training's process ended before its first epoch: it was killed, or memory ran out. Start it again."


class Trainings:
    """All trainings of a folder of runs.

    Attributes:
        runs: the folder of runs.
        orders: what was asked, and the processes that are at it.
    """

    def __init__(self, runs: Path, most: int) -> None:
        folder = runs / ".studio" / "trainings"
        self.runs = runs
        self.orders = OrderFolders(folder, "fittingroom.studio.training_jobs", "training", most)

    def start(self, order: dict[str, Any], title: str) -> str:
        """Begin a training, and return its name.

        Args:
            order: dataset, model, recipe, seed, validation, edits.
            title: for the run's name.

        Raises:
            Problem: 429, too many are under way.
            OSError: the disk is full.
        """
        with self.orders.lock:
            self.orders.check_room()
            name = self.orders.free_name(f"{title}-s{order['seed']}", self.runs)
            self.orders.launch(name, {**order, "out": str(self.runs / name), "resume": False})
        return name

    def resume(self, name: str, dataset: str) -> None:
        """Go on with a run from its checkpoint.

        Raises:
            Problem: 409, it is under way, or has nothing to go on from; 429, too many are under way.
        """
        with self.orders.lock:
            if self.orders.is_running(name):
                raise Problem(409, f"'{name}' is under way already.")
            if not (self.runs / name / "checkpoint").is_dir():
                raise Problem(409, f"'{name}' has no checkpoint to go on from: it has ended, or never began.")
            self.orders.check_room()
            asked = self.order(name)
            self.orders.launch(name, {**asked, "dataset": dataset, "out": str(self.runs / name), "resume": True})

    def order(self, name: str) -> dict[str, Any]:
        """Return what was asked of a training; little where it was not started here.

        Raises:
            DataError: its file is damaged.
        """
        return NOTHING | {"title": name} | self.orders.order(name)

    def lines(self, name: str, after: int = 0) -> list[dict[str, Any]]:
        """Return the progress of a training, from line ``after`` on; the last line may say how it ended.

        Raises:
            DataError: its file is damaged.
        """
        return read_json_lines(self.orders.folder(name) / PROGRESS, {"kind": "str"}, after=after)

    def state(self, name: str) -> dict[str, Any]:
        """Return a training as plain values: its name, what was asked, how it stands; a damaged one has failed."""
        running = self.orders.is_running(name)
        how, words = ("running", "") if running else ("vanished", self._why_vanished(name))
        asked = NOTHING
        try:
            asked, lines = self.order(name), self.lines(name)
            last = lines[-1] if lines else {}
            if not running and last.get("kind") == "end":
                how, words = str(last.get("how")), str(last.get("words"))
        except DataError as error:
            how, words = "failed", without_paths(str(error))
        can_resume = not running and (self.runs / name / "checkpoint").is_dir()
        shown = {key: asked[key] for key in ("model", "recipe", "seed", "validation")}
        return {"name": name, "how": how, "words": words, "can_resume": can_resume, "asked": shown}

    def _why_vanished(self, name: str) -> str:
        return VANISHED if (self.runs / name / "checkpoint").is_dir() else NEVER_BEGAN


def write_line(folder: Path, line: dict[str, Any]) -> None:
    """Add one line of progress. A full disk stops no training: its own checkpoint is what counts."""
    try:
        append_json_line(folder / PROGRESS, line)
    except OSError:
        return


def progress_line(progress: Progress) -> dict[str, Any]:
    """Return progress as one line of JSON."""
    left = progress.seconds_left
    speeds = {
        "images_per_second": round(progress.images_per_second, 1),
        "seconds_left": left if math.isfinite(left) else None,
    }
    return {"kind": "progress", **asdict(progress), **speeds}


def carry_out(folder: Path) -> None:
    """Train as the order says, and write down how it ended."""
    order = read_json(folder / ORDER)
    out = Path(order["out"])
    source = order["dataset"] if order["dataset"] in DATASETS else Path(order["dataset"])
    hide_paths([out, *([] if isinstance(source, str) else [source])])
    hide_paths([Path(order["edits"])] if order.get("edits") else [])
    interrupt_on_stop()
    write_line(folder, {"kind": "says", "words": "Opening the data"})
    with failures_told(lambda words: write_line(folder, {"kind": "end", "how": "failed", "words": words})):
        try:
            _train(folder, order, out, source)
            write_line(folder, {"kind": "end", "how": "done", "words": "Done."})
        except Interrupted as stopped:
            _keep(folder, out, str(stopped).split(";")[0])
        except KeyboardInterrupt:
            how = "done" if (out / "model.keras").exists() and not (out / "checkpoint").exists() else "stopped"
            words = "Stopped after the last epoch." if how == "done" else "Stopped before the first step."
            write_line(folder, {"kind": "end", "how": how, "words": words})


def _train(folder: Path, asked: dict[str, Any], out: Path, source: str | Path) -> None:
    from fittingroom.workflows.training import resume_run, train

    def on_progress(progress: Progress) -> None:
        write_line(folder, progress_line(progress))

    def log(words: str) -> None:
        write_line(folder, {"kind": "says", "words": without_paths(words)})

    if asked["resume"]:
        write_line(folder, {"kind": "says", "words": "Going on from the last checkpoint"})
        resume_run(out, dataset=asked["dataset"], log=log, on_progress=on_progress)
        return
    train(
        asked["model"],
        source,
        recipe=asked["recipe_name"],
        settings=asked["settings"],
        seed=asked["seed"],
        validation=asked["validation"],
        edits=asked.get("edits"),
        out=out,
        command="the studio",
        log=log,
        on_progress=on_progress,
    )


def _keep(folder: Path, out: Path, words: str) -> None:
    """Leave a run that can be used as it is, and tell how it ended."""
    from fittingroom.workflows.training import keep_stopped_model

    deaf_to_stops()
    try:
        kept = is_run(out) and keep_stopped_model(Run(out))
    except (FittingRoomError, OSError):
        kept = False
    more = "It can be looked at and resumed." if kept else "It can be resumed."
    write_line(folder, {"kind": "end", "how": "stopped", "words": f"{words}. {more}"})


if __name__ == "__main__":
    carry_out(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # all is on disk: taking Torch down in order would only keep whoever pressed Stop waiting

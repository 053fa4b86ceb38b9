"""The trainings that the studio has started: begin, watch, stop and resume them, each in a process of its own.

That outlives the page and the studio: python -m fittingroom.studio.training_jobs FOLDER

The folder holds ``order.json``; progress is appended to ``progress.jsonl`` there, and its last line says how it ended.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS
from fittingroom.errors import DataError, FittingRoomError, Interrupted
from fittingroom.files import append_json_line, read_json, read_json_lines, write_json
from fittingroom.processes import STOPS, ask_to_stop, command_line, own_session
from fittingroom.runs import Run, is_run
from fittingroom.studio.run_table import is_name
from fittingroom.web.problems import Problem, hide_paths, without_paths

if TYPE_CHECKING:
    from fittingroom.progress import Progress

ORDER, PROGRESS = "order.json", "progress.jsonl"
OUR_FAULT = "This is our mistake, not yours; the training's log.txt tells more."
PROCESS = "process.json"
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
        most: trainings at once.
    """

    def __init__(self, runs: Path, most: int) -> None:
        self.runs, self.most = runs, most
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping: set[str] = set()
        self._lock = threading.Lock()

    @property
    def work_dir(self) -> Path:
        """The folder that holds a folder for each training."""
        return self.runs / ".studio" / "trainings"

    def names(self) -> list[str]:
        """Return the trainings' names, which are their runs', the newest first."""
        if not self.work_dir.is_dir():
            return []
        return sorted((folder.name for folder in self.work_dir.iterdir() if (folder / ORDER).is_file()), reverse=True)

    def folder(self, name: str) -> Path:
        """Return a training's folder.

        Raises:
            Problem: 404, no such training.
        """
        if not is_name(name) or not (self.work_dir / name / ORDER).is_file():
            raise Problem(404, f"No training '{name[:80]}' was started here.")
        return self.work_dir / name

    def start(self, order: dict[str, Any], title: str) -> str:
        """Begin a training, and return its name.

        Args:
            order: dataset, model, recipe, seed, validation, edits.
            title: for the run's name.

        Raises:
            Problem: 429, too many are under way.
            OSError: the disk is full.
        """
        with self._lock:
            self._check_room()
            name = self._free_name(f"{datetime.now():%Y%m%d-%H%M%S}-{title}-s{order['seed']}")
            self._launch(name, {**order, "out": str(self.runs / name), "resume": False})
        return name

    def resume(self, name: str, dataset: str) -> None:
        """Go on with a run from its checkpoint.

        Raises:
            Problem: 409, it is under way, or has nothing to go on from; 429, too many are under way.
        """
        with self._lock:
            if self.is_running(name):
                raise Problem(409, f"'{name}' is under way already.")
            if not (self.runs / name / "checkpoint").is_dir():
                raise Problem(409, f"'{name}' has no checkpoint to go on from: it has ended, or never began.")
            self._check_room()
            asked = self.order(name)
            self._launch(name, {**asked, "dataset": dataset, "out": str(self.runs / name), "resume": True})

    def _check_room(self) -> None:
        if sum(self.is_running(name) for name in self.names()) >= self.most:
            words = f"{self.most} trainings are under way, and more would only slow each other. Stop one, or wait."
            raise Problem(429, words, self.most)

    def _free_name(self, wanted: str) -> str:
        for number in range(1, 100):
            name = wanted if number == 1 else f"{wanted}-{number}"
            if not (self.work_dir / name).exists() and not (self.runs / name).exists():
                return name
        raise Problem(429, "Too many trainings were started in the same second. Try again.")

    def _launch(self, name: str, order: dict[str, Any]) -> None:
        folder = self.work_dir / name
        is_new = not folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / ORDER, order)
            with (folder / "log.txt").open("ab") as log:
                command = [sys.executable, "-m", "fittingroom.studio.training_jobs", str(folder)]
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **own_session())
            write_json(folder / PROCESS, {"pid": process.pid})
        except OSError:
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        self._processes[name] = process
        self._stopping.discard(name)

    def is_running(self, name: str) -> bool:
        """Say whether a training's process is alive."""
        process = self._processes.get(name)
        if process is not None:
            return process.poll() is None
        pid = _pid(self.work_dir / name)
        return pid is not None and _is_ours(pid, self.work_dir / name)

    def stop(self, name: str) -> None:
        """Ask a training to stop after the step under way; asking again changes nothing.

        Raises:
            Problem: 404, no such training; 409, it is not under way.
        """
        folder = self.folder(name)
        with self._lock:
            pid = _pid(folder)
            if pid is None or not self.is_running(name):
                raise Problem(409, f"'{name}' is not under way.")
            if name not in self._stopping:  # a second signal would interrupt the step itself
                self._stopping.add(name)
                ask_to_stop(pid)

    def order(self, name: str) -> dict[str, Any]:
        """Return what was asked of a training; little where it was not started here.

        Raises:
            DataError: its file is damaged.
        """
        path = self.work_dir / name / ORDER
        return NOTHING | {"title": name} | (read_json(path) if path.exists() else {})

    def lines(self, name: str, after: int = 0) -> list[dict[str, Any]]:
        """Return the progress of a training, from line ``after`` on; the last line may say how it ended.

        Raises:
            DataError: its file is damaged.
        """
        return read_json_lines(self.folder(name) / PROGRESS, {"kind": "str"}, after=after)

    def state(self, name: str) -> dict[str, Any]:
        """Return a training as plain values: its name, what was asked, how it stands; a damaged one has failed."""
        running = self.is_running(name)
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


def _pid(folder: Path) -> int | None:
    try:
        return int(read_json(folder / PROCESS, {"pid": "int"})["pid"])
    except DataError:
        return None


def _is_ours(pid: int, folder: Path) -> bool:
    """Say whether a process is the training of a folder, and not another that got its number after it."""
    words = command_line(pid).removesuffix('"')  # Windows quotes what has spaces
    return words.endswith((f" {folder}", f'"{folder}'))


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
    _on_stop(_interrupt)
    write_line(folder, {"kind": "says", "words": "Opening the data"})
    try:
        _train(folder, order, out, source)
        write_line(folder, {"kind": "end", "how": "done", "words": "Done."})
    except Interrupted as stopped:
        _keep(folder, out, str(stopped).split(";")[0])
    except KeyboardInterrupt:
        how = "done" if (out / "model.keras").exists() and not (out / "checkpoint").exists() else "stopped"
        words = "Stopped after the last epoch." if how == "done" else "Stopped before the first step."
        write_line(folder, {"kind": "end", "how": how, "words": words})
    except (FittingRoomError, OSError, MemoryError) as error:
        words = f"The disk: {error.strerror}." if isinstance(error, OSError) else str(error)
        write_line(folder, {"kind": "end", "how": "failed", "words": without_paths(words or "Memory ran out.")})
    except Exception:
        traceback.print_exc()
        write_line(folder, {"kind": "end", "how": "failed", "words": OUR_FAULT})


def _on_stop(handler: Any) -> None:
    for number in STOPS:
        signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


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

    _on_stop(signal.SIG_IGN)
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

"""The sweeps that the studio has started: begin, watch, stop them, go on with them, each in a process of its own.

Such a process outlives the page and the studio: python -m fittingroom.studio.sweep_jobs FOLDER

Beside the order stands ``state.json``: how the trials stand, written anew whenever that changes. The sweep's own folder
lies in ``sweeps`` beside the folder of runs, as the command ``fittingroom sweep`` would have it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS
from fittingroom.errors import DataError, Interrupted
from fittingroom.files import read_json, write_json
from fittingroom.runs import Run
from fittingroom.studio.order_folders import ORDER, OrderFolders, deaf_to_stops, failures_told, interrupt_on_stop
from fittingroom.studio.run_table import own_file
from fittingroom.web.problems import Problem, hide_paths, without_paths
from fittingroom.workflows.sweep_space import space_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fittingroom.jobs.run_jobs import JobLine
    from fittingroom.pages.sweep.values import SweepReport
    from fittingroom.progress import Progress

STATE, SPACE, PAGE = "state.json", "space.toml", "sweep.html"
EVERY_SECONDS = 0.5  # between two writings of what only passes
DASHBOARD = "Dask's dashboard"
EMPTY: dict[str, Any] = {
    "said": "",  # what is being done where no training is under way
    "workers": "",  # how many there are, and where Dask shows them
    "trials": [],
    "jobs": [],  # trainings that are under way
    "finals": None,  # of the best with fresh seeds: how many have ended, and of how many
    "end": None,
    "result": None,
}
FIELDS = {"trials": "list", "jobs": "list", "said": "str", "workers": "str"}
ASKED = ("name", "recipe", "model", "settings", "varied", "trials", "sampler", "pruner", "workers", "seed")
VANISHED = (
    "The sweep's process ended without a word: it was killed, or memory ran out. What is finished is kept, and it "
    "goes on from there."
)
STOPPED = "Stopped. What is finished is kept, and it goes on from there."


class Sweeps:
    """All sweeps that a studio has started.

    Attributes:
        folder: that holds a folder for each sweep.
        orders: what was asked, and the processes that are at it.
    """

    def __init__(self, folder: Path, work_dir: Path, most: int) -> None:
        self.folder = folder
        self.orders = OrderFolders(work_dir, "fittingroom.studio.sweep_jobs", "sweep", most)

    def start(self, order: dict[str, Any]) -> str:
        """Begin a sweep, and return its name.

        Args:
            order: as `fittingroom.studio.sweep_routes.asked_of` returns it.

        Raises:
            Problem: 429, another is under way.
            OSError: the disk is full.
        """
        with self.orders.lock:
            self.orders.check_room()
            name = self.orders.free_name(order["recipe"] or order["model"], self.folder)
            self.orders.launch(name, {**order, "out": str(self.folder / name)})
        return name

    def go_on(self, name: str, trials: int | None) -> None:
        """Go on with a sweep that was stopped, or add trials to one.

        Args:
            name: of the sweep.
            trials: how many there are to be in all; None for as many as were asked for.

        Raises:
            Problem: 404, no such sweep; 409, it is under way, or has all its trials; 429, another is under way.
        """
        self.orders.folder(name)
        with self.orders.lock:
            if self.orders.is_running(name):
                raise Problem(409, f"'{name}' is under way already.")
            asked, had = self.orders.order(name), len(self.board(name)["trials"])
            if asked["sampler"] == "grid" and trials not in (None, asked["trials"]):
                raise Problem(409, f"'{name}' is a grid, whose combinations it has: there are no more trials to add.")
            if self.how(name)[0] == "done" and (trials or asked["trials"]) <= had:
                raise Problem(409, f"'{name}' has its {had} trials. Ask for more of them, and it goes on.")
            self.orders.check_room()
            self.orders.launch(name, {**asked, "trials": trials or asked["trials"]})

    def board(self, name: str) -> dict[str, Any]:
        """Return what the process of a sweep has written down last; nothing where it has not yet.

        Raises:
            DataError: its file is damaged.
        """
        path = self.orders.folder(name) / STATE
        return EMPTY | (read_json(path, FIELDS) if path.exists() else {})

    def how(self, name: str) -> tuple[str, str]:
        """Return how a sweep stands (running, done, stopped, failed, vanished), and why in words."""
        if self.orders.is_running(name):
            return "running", ""
        try:
            end = self.board(name)["end"]
        except DataError as error:
            return "failed", without_paths(str(error))
        return (str(end["how"]), str(end["words"])) if end else ("vanished", VANISHED)

    def brief(self, name: str) -> dict[str, Any]:
        """Return a sweep on one line: its name, how it stands, how many trials have ended, the best of them."""
        how, words = self.how(name)
        try:
            rows, asked = self.board(name)["trials"], self.orders.order(name)
        except DataError:
            rows, asked = [], {}
        ended = sum(row["outcome"] != "under way" for row in rows)
        told = {"ended": ended, "of": asked.get("trials"), "best": best_of(rows)}
        return {"name": name, "how": how, "words": words, **told}

    def state(self, name: str) -> dict[str, Any]:
        """Return all that the page shows of a sweep."""
        told = self.brief(name)
        try:
            board, asked = self.board(name), self.orders.order(name)
        except DataError:
            board, asked = EMPTY, {}
        is_running = told["how"] == "running"
        shown = {key: board[key] for key in ("said", "workers", "trials", "finals", "result")}
        return {
            **told,
            **shown,
            "jobs": board["jobs"] if is_running else [],
            "asked": {key: asked.get(key) for key in ASKED},
            "can_go_on": not is_running and told["how"] != "done" and bool(asked),
            "has_page": told["how"] == "done" and self.page(name) is not None,
        }

    def page(self, name: str) -> Path | None:
        """Return the file of a sweep's page; None where there is none yet."""
        self.orders.folder(name)
        return own_file(Run(self.folder / name), PAGE)

    def delete(self, name: str) -> None:
        """Remove a sweep with the runs of its trials.

        Raises:
            Problem: 404, no such sweep; 409, it is under way.
            OSError: the folder cannot be written.
        """
        order = self.orders.folder(name)
        with self.orders.lock:
            if self.orders.is_running(name):
                raise Problem(409, f"'{name}' is under way. Stop it first.")
            for folder in (self.folder / name, order):
                if folder.is_dir() and not folder.is_symlink():
                    trash = folder.with_name(f".deleted-{name}-{os.getpid()}")
                    folder.replace(trash)
                    shutil.rmtree(trash, ignore_errors=True)


def best_of(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the highest validation accuracy of the trials that were trained to their end; None where there is none.

    Args:
        rows: as `fittingroom.workflows.sweep_trials.trial_rows` gives them.
    """
    return max((row["val_accuracy"] for row in rows if row["outcome"] == "done"), default=None)


class Board:
    """What the page is shown of a sweep, kept in a file that is written anew when it changes.

    Args:
        path: of the file; what a process before has written there is gone on with.
        finals_of: how many trainings with fresh seeds there are to be, by the rows of the trials.
        clock: tells seconds.
    """

    def __init__(
        self,
        path: Path,
        finals_of: Callable[[Sequence[Mapping[str, Any]]], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.finals_of, self.clock = path, finals_of, clock
        self.shown = EMPTY | {"trials": self._trials_before()}
        self.under_way: dict[str, dict[str, str]] = {}  # trainings, by their keys
        self.finals: set[str] = set()  # those with fresh seeds that have ended
        self.written = -EVERY_SECONDS

    def _trials_before(self) -> list[Any]:
        try:
            rows: list[Any] = read_json(self.path, FIELDS)["trials"]
        except DataError:
            return []
        return rows

    def log(self, line: str) -> None:
        """Take a line of the sweep; while a training is under way it is that one's, and its progress says more."""
        if DASHBOARD in line:
            self._show(workers=line)
        elif not self.under_way:
            self._show(said=without_paths(line))

    def on_job(self, line: JobLine) -> None:
        """Take where a training stands."""
        if line.state in ("training", "waiting"):
            self.under_way[line.key] = {"key": line.key, "worker": line.worker, "words": without_paths(line.words)}
        else:
            self.under_way.pop(line.key, None)
        if all(line.key != row["trial"] for row in self.shown["trials"]):
            if line.state in ("done", "failed"):
                self.finals.add(line.key)
            self.shown["finals"] = {"ended": len(self.finals), "of": self.finals_of(self.shown["trials"])}
        self._show(is_passing=line.is_passing, jobs=list(self.under_way.values()))

    def on_progress(self, now: Progress) -> None:
        """Take the progress of the training that this process itself is at."""
        for job in self.under_way.values():
            job["words"] = now.line()
        self._show(is_passing=not now.done, jobs=list(self.under_way.values()))

    def on_trials(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the rows of all trials."""
        kept = [{key: value for key, value in row.items() if key not in ("number", "run")} for row in rows]
        for row in kept:
            row["error"] = row["error"] and without_paths(row["error"])
        self._show(trials=kept)

    def end(self, how: str, words: str, result: dict[str, Any] | None = None) -> None:
        """Write down how the sweep has ended."""
        self.under_way.clear()
        self._show(jobs=[], said="", end={"how": how, "words": words}, result=result)

    def _show(self, *, is_passing: bool = False, **changes: Any) -> None:
        """Change what is shown. A full disk stops no sweep: its own folder is what counts."""
        self.shown |= changes
        if is_passing and self.clock() - self.written < EVERY_SECONDS:
            return
        self.written = self.clock()
        try:
            write_json(self.path, self.shown)
        except OSError:
            return


def carry_out(folder: Path) -> None:
    """Search as the order says, and write down how it ended."""
    order = read_json(folder / ORDER)
    source = order["dataset"] if order["dataset"] in DATASETS else Path(order["dataset"])
    hide_paths([Path(order["out"]), *([] if isinstance(source, str) else [source])])
    interrupt_on_stop()
    board = Board(folder / STATE, lambda rows: _finals_of(order, rows))
    board.log("Opening the data")
    with failures_told(lambda words: board.end("failed", words)):
        try:
            (folder / SPACE).write_text(space_toml(order["space"]), "utf-8")
            report = _search(folder, order, source, board)
            deaf_to_stops()
            board.end("done", "", _result(report))
        except (Interrupted, KeyboardInterrupt):
            deaf_to_stops()
            board.end("stopped", STOPPED)


def _finals_of(order: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> int:
    from fittingroom.workflows.sweep_finals import best_trials

    numbered = [{**row, "number": number} for number, row in enumerate(rows)]
    return (len(best_trials(numbered, order["finalists"])) + 1) * int(order["fresh_seeds"])


def _search(folder: Path, order: dict[str, Any], source: str | Path, board: Board) -> SweepReport:
    from fittingroom.pages.sweep_report import sweep

    return sweep(
        folder / SPACE,
        source,
        trials=order["trials"],
        sampler=order["sampler"],
        pruner=order["pruner"],
        finalists=order["finalists"],
        fresh_seeds=order["fresh_seeds"],
        validation=order["validation"],
        second=order["second"],
        seed=order["seed"],
        on=_place(order),
        threads=order["threads"],
        out=order["out"],
        command=command_of(folder, order),
        log=board.log,
        on_progress=board.on_progress,
        on_job=board.on_job,
        on_trials=board.on_trials,
    )


def _place(order: Mapping[str, Any]) -> str | None:
    return None if order["workers"] == 1 else f"local:{order['workers']}"


def command_of(folder: Path, order: Mapping[str, Any]) -> list[str]:
    """Return the command that goes on with a sweep at a terminal.

    Args:
        folder: of the order; what is varied stands there as a TOML file.
        order: as it was asked.
    """
    words = ["fittingroom", "sweep", str(folder / SPACE), "--dataset", order["dataset"], "--out", order["out"]]
    for name in ("sampler", "pruner", "finalists", "fresh_seeds", "validation", "second", "seed", "threads"):
        if order[name] is not None:
            words += [f"--{name.replace('_', '-')}", str(order[name])]
    if order["sampler"] != "grid":
        words += ["--trials", str(order["trials"])]
    place = _place(order)
    return words if place is None else [*words, "--on", place]


def _result(report: SweepReport) -> dict[str, Any]:
    """Return what came out as plain values."""
    from fittingroom.pages.sweep import values

    told = (values.trials_sentence(report), values.flattery_sentence(report), values.gain_sentence(report))
    sentences = [sentence for sentence in told if sentence]
    return {"sentences": sentences, "chosen": report.chosen, "best": dict(report.best)}


if __name__ == "__main__":
    carry_out(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # all is on disk: taking Torch down in order would only keep whoever pressed Stop waiting

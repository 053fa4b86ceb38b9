"""One training, in a process of its own that outlives the page and the studio.

Usage: python -m fittingroom.studio.training_process FOLDER

The folder holds ``order.json``; progress is appended to ``progress.jsonl`` there, and its last line says how it ended.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS
from fittingroom.errors import FittingRoomError, Interrupted
from fittingroom.files import append_json_line, read_json
from fittingroom.runs import Run, is_run
from fittingroom.studio.problems import hide_paths, without_paths

if TYPE_CHECKING:
    from fittingroom.progress import Progress

ORDER, PROGRESS = "order.json", "progress.jsonl"
OUR_FAULT = "This is our mistake, not yours; the training's log.txt tells more."


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
    hide_paths([out] if isinstance(source, str) else [out, source])
    signal.signal(signal.SIGTERM, _interrupt)
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
        out=out,
        command="the studio",
        log=log,
        on_progress=on_progress,
    )


def _keep(folder: Path, out: Path, words: str) -> None:
    """Leave a run that can be used as it is, and tell how it ended."""
    from fittingroom.workflows.training import keep_stopped_model

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
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

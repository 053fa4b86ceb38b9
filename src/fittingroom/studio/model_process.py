"""Models are opened and asked in a process of their own: a file from elsewhere may hang, crash or eat memory there.

Usage: python -m fittingroom.studio.model_process

Each task comes as a line of JSON on standard input, with so many bytes after it; its answer is a line on standard
output. The studio ends the process where an answer takes too long or too much memory; the next task starts another.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.processes import own_session, resident_bytes
from fittingroom.web.problems import Problem, as_problem, hide_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

LONGEST_ANSWER = 64 << 20  # bytes of one line
GLANCE_SECONDS = 0.1  # between two looks at the clock and the memory
CRASHED = (
    "The model's process ended without an answer: the file is damaged, or memory ran out. The terminal may tell more."
)


def draw(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Answer a picture that is data already, or say why it is answered so."""
    import numpy as np

    from fittingroom.studio.photo_answers import explain_image, name_drawing

    pixels = np.frombuffer(content, np.uint8).reshape(arguments["height"], arguments["width"])
    return (explain_image if arguments.get("why") else name_drawing)(pixels, arguments["model"])


def photograph(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Answer a photo, with every step, or say why it is answered so."""
    from fittingroom.studio.photo_answers import corrected, explain_photo, name_photo
    from fittingroom.web.uploads import open_picture

    picture = open_picture(content, arguments["pixels"], arguments["side"])
    crop = None if arguments["crop"] is None else tuple(arguments["crop"])
    prepared = corrected(picture, polarity=arguments["polarity"], mirror=arguments["mirror"], crop=crop)
    return (explain_photo if arguments.get("why") else name_photo)(prepared, arguments["model"])


def preview(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Draw the first batch as the network would get it, from an order as a training takes it."""
    del content
    import base64
    import io

    from fittingroom.data import load
    from fittingroom.pages.figures import preview_figure
    from fittingroom.training.recipe import Recipe
    from fittingroom.workflows.training_previews import preview as rows_of

    recipe = Recipe.from_dict(arguments["recipe"])
    data = arguments["dataset"] if arguments["edits"] is None else load(arguments["dataset"]).edited(arguments["edits"])
    rows = rows_of(recipe, data, seed=arguments["seed"], validation=arguments["validation"])
    file = io.BytesIO()
    preview_figure(rows).savefig(file, format="png", dpi=110, facecolor="white")
    picture = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return {"picture": picture, "images": len(rows[0]), "epochs": len(rows) - 1}


def write_page(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Write a run's page."""
    del content
    from fittingroom.pages.report import report

    return {"page": report(Path(arguments["run"])).name}


def inside(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Tell what a network has learned, and what it makes of a picture that is data."""
    import numpy as np

    from fittingroom.studio.inside_answers import told_inside

    pixels = np.frombuffer(content, np.uint8).reshape(arguments["height"], arguments["width"])
    return told_inside(arguments["model"], pixels, arguments["label"])


def replay(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Replay the training of a run that kept snapshots."""
    del content
    from fittingroom.studio.inside_answers import told_replay

    return told_replay(Path(arguments["run"]))


def share(arguments: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Write a file to share."""
    del content
    from fittingroom.studio.share_routes import write_shared

    return {"name": write_shared(arguments["model"], arguments["kind"], Path(arguments["to"])).name}


TASKS: dict[str, Callable[[dict[str, Any], bytes], dict[str, Any]]] = {
    "draw": draw,
    "photograph": photograph,
    "preview": preview,
    "write_page": write_page,
    "inside": inside,
    "replay": replay,
    "share": share,
}


def carry_out(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Answer tasks until there are no more.

    Args:
        tasks: the lines and bytes that come in.
        answers: where a line goes for each.
    """
    while line := tasks.readline():
        task = json.loads(line)
        content = tasks.read(task["bytes"])
        hide_paths([Path(folder) for folder in task["hide"]])
        told: dict[str, Any]
        try:
            told = {"answer": TASKS[task["name"]](task["arguments"], content)}
        except Exception as error:
            problem = as_problem(error)
            if problem.status == 500:
                sys.excepthook(*sys.exc_info())
            told = {"problem": [problem.status, problem.message, problem.limit]}
        answers.write(json.dumps(told).encode() + b"\n")
        answers.flush()


class ModelProcess:
    """A process that answers one task after the other; started with the first, and again after one that failed.

    Attributes:
        most_bytes: of memory; beyond it the process is ended.
        hide: folders whose paths no message tells.
    """

    def __init__(self, most_bytes: int, hide: Sequence[Path] = ()) -> None:
        self.most_bytes, self.hide = most_bytes, [str(folder) for folder in hide]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, name: str, arguments: dict[str, Any], content: bytes = b"", *, seconds: float) -> dict[str, Any]:
        """Return what a task of `TASKS` answers.

        Args:
            name: of the task.
            arguments: plain values.
            content: bytes that go along.
            seconds: after which the process is ended.

        Raises:
            Problem: the task's own; 503, it took too long; 422, its process crashed, or took too much memory.
        """
        with self._lock:
            process = self._running()
            task = {"name": name, "arguments": arguments, "bytes": len(content), "hide": self.hide}
            head = json.dumps(task).encode()
            lines: queue.Queue[bytes] = queue.Queue()
            threading.Thread(target=_exchange, args=(process, head, content, lines), daemon=True).start()
            try:
                line = self._wait(process, lines, seconds)
                told = json.loads(line) if line.endswith(b"\n") else None
                if not isinstance(told, dict) or not told.keys() & {"answer", "problem"}:
                    raise Problem(422, CRASHED)
            except BaseException:
                self.close()
                raise
        if "problem" in told:
            raise Problem(*told["problem"])
        answer: dict[str, Any] = told["answer"]
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "fittingroom.studio.model_process"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **own_session()
            )  # Ctrl-C is for the studio, which ends it
        return self._process

    def _wait(self, process: subprocess.Popen[bytes], lines: queue.Queue[bytes], seconds: float) -> bytes:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                return lines.get(timeout=GLANCE_SECONDS)
            except queue.Empty:
                if resident_bytes(process.pid) > self.most_bytes:
                    words = f"This takes more than {self.most_bytes / 1e9:g} GB of memory, so it was ended."
                    raise Problem(422, words, self.most_bytes) from None
        raise Problem(503, f"This took longer than {seconds:g} s, so it was ended.", seconds)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still to be sent has nobody to go to
                    continue


def _exchange(process: subprocess.Popen[bytes], head: bytes, content: bytes, lines: queue.Queue[bytes]) -> None:
    """Send a task and put its answer's line into the queue; an empty one where the process is gone."""
    try:
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        process.stdin.write(head + b"\n" + content)
        process.stdin.flush()
        lines.put(process.stdout.readline(LONGEST_ANSWER))
    except (OSError, ValueError):
        lines.put(b"")


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    carry_out(sys.stdin.buffer, out)

"""The trackers that people have already, told each epoch's figures by their own clients, into the run's folder.

A run's ``environment.json`` names its trackers, so that a run that is resumed goes on in them.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeAlias

from fittingroom.errors import UsageError
from fittingroom.extras import line_for
from fittingroom.lookup import look_up
from fittingroom.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from fittingroom.progress import Log
    from fittingroom.runs import Run

    Figures: TypeAlias = dict[str, float]
    LogEpoch: TypeAlias = Callable[[int, Figures], None]
    """Takes an epoch, counted from 1, and its figures by name."""

PROJECT = "fittingroom"  # what the runs are filed under, where the user's own settings say nothing else
IDS = "tracking.json"  # in a run's folder: what a tracker calls the run, so that it is found again
NO_FIGURES = ("epoch", "images")  # of a line of the history
WANDB_SETTINGS: dict[str, Any] = {
    "console": "off",
    "silent": True,
    "disable_code": True,
    "disable_git": True,
    "x_disable_stats": True,
}


@dataclass(frozen=True)
class Tracker:
    """One entry of the table.

    Attributes:
        open: from a run to what takes its epochs, for as long as the block lasts.
        packages: to import.
        look: how to look at what was written; ``{folder}`` stands for the run's, ``{parent}`` for the one around it.
    """

    open: Callable[[Run], AbstractContextManager[LogEpoch]]
    packages: tuple[str, ...]
    look: str


@contextmanager
def tensorboard(run: Run) -> Iterator[LogEpoch]:
    """Write event files into ``tensorboard/`` of the run's folder, by Torch's writer; needs no TensorFlow."""
    from torch.utils.tensorboard import SummaryWriter

    first = len(run.history) + 1
    with SummaryWriter(str(run.folder / "tensorboard"), purge_step=first) as writer:

        def log_epoch(epoch: int, figures: Figures) -> None:
            for name, value in figures.items():
                writer.add_scalar(name, value, epoch)
            writer.flush()

        if first == 1:
            settings = "".join(f"    {name} = {value}\n" for name, value in _settings(run).items())
            writer.add_text("settings", settings)
        yield log_epoch


@contextmanager
def mlflow(run: Run) -> Iterator[LogEpoch]:
    """Log to the store that ``MLFLOW_TRACKING_URI`` names, else to ``mlflow.db`` in the run's folder."""
    for switch in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(switch, "true")
    from mlflow.tracking import MlflowClient

    folder = run.folder.resolve()
    client = MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}")
    number = _id_of(run, "mlflow")
    if number is None:
        number = client.create_run(_experiment(client, run), run_name=run.title).info.run_id
        _keep_id(run, "mlflow", number)
        for name, value in _settings(run).items():
            client.log_param(number, name, value)
    else:
        client.update_run(number, status="RUNNING")

    def log_epoch(epoch: int, figures: Figures) -> None:
        for name, value in figures.items():
            client.log_metric(number, name, value, step=epoch)

    try:
        yield log_epoch
    except BaseException:
        client.set_terminated(number, "FAILED")
        raise
    client.set_terminated(number)


def _experiment(client: Any, run: Run) -> str:
    """Return the experiment that the user's settings name, else ours, made where it is not there."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    own = None if os.environ.get("MLFLOW_TRACKING_URI") else (run.folder.resolve() / "mlflow-artifacts").as_uri()
    return str(client.create_experiment(name, artifact_location=own))


@contextmanager
def wandb(run: Run) -> Iterator[LogEpoch]:
    """Write into ``wandb/`` of the run's folder, for ``wandb sync``; online where ``WANDB_MODE`` says so."""
    import wandb as client

    number = _id_of(run, "wandb") or token_hex(4)
    _keep_id(run, "wandb", number)
    mode: Any = os.environ.get("WANDB_MODE") or "offline"  # it says itself which it takes
    opened = client.init(
        project=os.environ.get("WANDB_PROJECT") or PROJECT,
        name=run.title,
        id=number,
        resume="allow",
        dir=str(run.folder),
        mode=mode,
        config=_settings(run),
        settings=client.Settings(**WANDB_SETTINGS),
    )
    try:
        yield lambda epoch, figures: opened.log(figures, step=epoch)
    except BaseException:
        opened.finish(exit_code=1)
        raise
    opened.finish()


@contextmanager
def trackio(run: Run) -> Iterator[LogEpoch]:
    """Log to one database for all runs of a folder, in ``trackio/`` beside them, or where ``TRACKIO_DIR`` says."""
    folder = os.environ.get("TRACKIO_DIR") or str(run.folder.resolve().parent / "trackio")
    with redirect_stdout(sys.stderr):  # it prints, and standard output is the command's own
        client = _trackio_in(folder)
        opened = client.init(project=PROJECT, name=run.folder.name, config=_settings(run), resume="allow", embed=False)
    try:
        yield lambda epoch, figures: opened.log(figures, step=epoch)
    finally:
        with redirect_stdout(sys.stderr):
            client.finish()


def _trackio_in(folder: str) -> Any:
    """Import trackio, which settles then, once for a process, where it writes.

    Raises:
        UsageError: it writes elsewhere already.
    """
    before = os.environ.get("TRACKIO_DIR")
    os.environ |= {"TRACKIO_DIR": folder, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
    try:
        import trackio as client
        from trackio.utils import TRACKIO_DIR
    finally:
        if before is None:
            del os.environ["TRACKIO_DIR"]
    if Path(TRACKIO_DIR).resolve() != Path(folder).resolve():
        raise UsageError(
            f"trackio writes into {TRACKIO_DIR} for as long as this process lives, and this run's folder is {folder}. "
            "Set TRACKIO_DIR, or train in a new process."
        )
    return client


TRACKERS: Mapping[str, Tracker] = {
    "tensorboard": Tracker(tensorboard, ("tensorboard",), "tensorboard --logdir {folder}"),
    "mlflow": Tracker(
        mlflow, ("mlflow", "sqlalchemy", "alembic"), "mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db"
    ),
    "wandb": Tracker(wandb, ("wandb",), "wandb sync {folder}/wandb/offline-run-*"),
    "trackio": Tracker(trackio, ("trackio",), "TRACKIO_DIR={parent}/trackio trackio show"),
}


def check_trackers(names: str | Sequence[str]) -> list[str]:
    """Return the trackers that are asked for, each once.

    Args:
        names: one of `TRACKERS`, or several.

    Raises:
        UsageError: an unknown one, or one whose client is not installed.
    """
    asked = list(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in asked:
        missing = [package for package in look_up(name, TRACKERS, "tracker").packages if find_spec(package) is None]
        if missing:
            raise UsageError(
                f"Tracking by {name} needs {listed(missing)}, not installed here. Install it: {line_for(*missing)}"
            )
    return asked


@contextmanager
def tracked(run: Run, log: Log) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Open the trackers that a run names, and yield what takes each line of its history.

    A tracker that fails on the way is told of once and left out from there: the history has all, and training goes on.

    Args:
        run: with the trackers' names in its ``environment.json``.
        log: told of a tracker that failed.
    """
    with ExitStack() as stack:
        opened = {name: stack.enter_context(_opened(name, run, log)) for name in _names(run)}

        def log_line(line: Mapping[str, Any]) -> None:
            figures = {name: float(value) for name, value in line.items() if _is_figure(name, value)}
            for name, log_epoch in list(opened.items()):
                try:
                    log_epoch(line["epoch"], figures)
                except Exception as error:  # whatever the client raises
                    log(f"Tracking by {name} ended in epoch {line['epoch']}: {type(error).__name__}: {error}")
                    del opened[name]

        yield log_line


@contextmanager
def _opened(name: str, run: Run, log: Log) -> Iterator[LogEpoch]:
    """Open one tracker; where it fails when it is closed, say so: the training is over by then."""
    is_over = False
    try:
        with TRACKERS[name].open(run) as log_epoch:
            yield log_epoch
            is_over = True
    except Exception as error:
        if not is_over:
            raise
        log(f"Tracking by {name} did not end well: {type(error).__name__}: {error}")


def ways_to_look(run: Run) -> list[str]:
    """Return for each of a run's trackers the command that shows what it was told."""
    return [TRACKERS[name].look.format(folder=run.folder, parent=run.folder.parent) for name in _names(run)]


def _names(run: Run) -> list[str]:
    return check_trackers(run.environment.get("tracking") or ())


def _is_figure(name: str, value: Any) -> bool:
    return name not in NO_FIGURES and isinstance(value, int | float) and not isinstance(value, bool)


def _settings(run: Run) -> dict[str, Any]:
    """Return every setting of a run as it was used, with what it was trained on."""
    facts = run.environment
    resolved = {name: value for name, value in run.resolved.items() if name != "schema"}
    return resolved | {name: facts.get(name) for name in ("model", "dataset", "fingerprint", "train_images")}


def _id_of(run: Run, tracker: str) -> str | None:
    known = run.read_json(IDS) if (run.folder / IDS).exists() else {}
    return str(known[tracker]) if tracker in known else None


def _keep_id(run: Run, tracker: str, number: str) -> None:
    known = run.read_json(IDS) if (run.folder / IDS).exists() else {}
    run.write_json(IDS, known | {tracker: number})

"""`fittingroom runs`: the runs on this machine."""

from __future__ import annotations

from pathlib import Path

from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, table
from fittingroom.runs import ROOT, Run, list_runs, open_run


def list_runs_(root: Path = ROOT, *, json: Json = False) -> None:
    """Print every run in a folder.

    Args:
        root: the folder that holds run folders.
    """
    rows = [_row(run) for run in list_runs(root)]
    if json:
        emit_json({"schema": "fittingroom/runs/1", "runs": rows})
    elif rows:
        header = ["run", "dataset", "seed", "epochs", "accuracy", "test accuracy", "95 %", "n"]
        emit(table(header, [[_cell(value) for value in row.values()] for row in rows]))
    else:
        emit(f"No runs in {root}/ yet. Try: fittingroom tutorial")


def _row(run: Run) -> dict[str, object]:
    environment, history, verdict = run.environment, run.history, run.verdict
    tested = verdict if verdict and verdict.get("split") == "test" else {}
    return {
        "run": str(run.folder),
        "dataset": environment.get("dataset"),
        "seed": environment.get("seed"),
        "epochs": len(history),
        "accuracy": history[-1]["accuracy"] if history else None,
        "test_accuracy": tested.get("accuracy"),
        "test_interval": tested.get("accuracy_interval"),
        "test_n": tested.get("n"),
    }


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " to ".join(map(_cell, value))
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def show_run(run: Path, *, json: Json = False) -> None:
    """Print what was asked of a run and what came of it.

    Args:
        run: its folder.
    """
    opened = open_run(run)
    if json:
        emit_json({"schema": "fittingroom/run/1", **_facts(opened)})
        return
    facts = _row(opened)
    emit(table(["what", "value"], [(key, _cell(value)) for key, value in facts.items()]))
    epochs = [[_cell(line.get(key)) for key in _COLUMNS] for line in opened.history]
    if epochs:
        emit("\n" + table(_COLUMNS, epochs))


_COLUMNS = ("epoch", "seconds", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy")


def _facts(run: Run) -> dict[str, object]:
    return {
        "run": str(run.folder),
        "environment": run.environment,
        "history": run.history,
        "verdict": run.verdict,
        "test_looks": run.test_looks,
    }

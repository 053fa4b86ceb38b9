"""`fittingroom runs`: the runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, on_one_line, table
from fittingroom.runs import ROOT, Run, list_runs, open_run, summary_or_error


def list_runs_(root: Path = ROOT, *, json: Json = False) -> None:
    """Print every run in a folder.

    Args:
        root: the folder that holds run folders.
    """
    rows = [_row(summary_or_error(run)) for run in list_runs(root)]
    if json:
        emit_json({"schema": "fittingroom/runs/1", "runs": rows})
    elif rows:
        header = ["run", "dataset", "seed", "epochs", "accuracy", "test accuracy", "95 %", "n"]
        emit(table(header, [_cells(row) for row in rows]))
    else:
        emit(f"No runs in {root}/ yet. Try: fittingroom tutorial")


COLUMNS = ("run", "dataset", "seed", "epochs", "accuracy", "test_accuracy", "test_interval", "test_n")


def _row(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: summary.get(key) for key in (("run", "error") if "error" in summary else COLUMNS)}


def _cells(row: dict[str, Any]) -> list[str]:
    """Return a row of the table; a damaged run's sentence stands in the last column, which has room."""
    cells = [_cell(row.get(key)) for key in COLUMNS]
    return [*cells[:-1], _cell(f"damaged: {row['error']}")] if "error" in row else cells


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " to ".join(map(_cell, value))
    return f"{value:.4f}" if isinstance(value, float) else on_one_line(str(value))


def show_run(run: Path, *, json: Json = False) -> None:
    """Print what was asked of a run and what came of it.

    Args:
        run: its folder.
    """
    opened = open_run(run)
    summary = opened.summary()
    if json:
        emit_json({"schema": "fittingroom/run/1", **_facts(opened)})
        return
    facts = _row(summary)
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

"""`fittingroom runs`: the runs on this machine."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fittingroom.cli.formats import Format, refuse_both, written_table
from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, on_one_line, table
from fittingroom.errors import RunError
from fittingroom.runs import ROOT, Run, is_run, list_runs, open_run
from fittingroom.words import counted
from fittingroom.workflows.run_group import is_group


def list_runs_(root: Path = ROOT, *, format: Format = None, json: Json = False) -> None:  # noqa: A002
    """Print every run in a folder, and those of the groups in it that `train --seeds` made.

    Args:
        root: the folder that holds run folders.
    """
    refuse_both(format, json)
    if root != ROOT and not root.is_dir():
        raise RunError(f"{root}: expected a folder that holds run folders, found no such folder.")
    found = ((run, _row_or_error(run)) for folder in [root, *_groups(root)] for run in list_runs(folder))
    rows = [row for run, row in found if is_run(run.folder)]  # one that is deleted meanwhile is no longer among them
    if format:
        emit(written_table(format, TABLE_COLUMNS, [_table_row(row) for row in rows]))
    elif json:
        emit_json({"schema": "fittingroom/runs/1", "runs": rows})
    elif rows:
        emit(table([name.replace("_", " ") for name in COLUMNS], [_cells(row) for row in rows]))
    else:
        emit(f"No runs in {root}/ yet. Try: fittingroom tutorial")


COLUMNS = (
    "run",
    "name",
    "model",
    "recipe",
    "dataset",
    "state",
    "date",
    "seed",
    "epochs",
    "accuracy",
    "test_accuracy",
    "test_interval",
    "test_n",
)


TABLE_COLUMNS = (*COLUMNS[:-2], "test_low", "test_high", "test_n", "error")


def _groups(root: Path) -> list[Path]:
    return [folder for folder in sorted(root.iterdir()) if is_group(folder)] if root.is_dir() else []


def _table_row(row: Mapping[str, Any]) -> list[Any]:
    """Return a run's plain values for `TABLE_COLUMNS`."""
    low, high = row.get("test_interval") or (None, None)
    values = {**row, "test_low": low, "test_high": high}
    return [values.get(column) for column in TABLE_COLUMNS]


def _row_or_error(run: Run) -> dict[str, Any]:
    """Return a run as one row; of a damaged one its folder, its state and what is wrong."""
    try:
        return _row(run)
    except (RunError, OSError) as error:
        return {"run": str(run.folder), "state": "damaged", "error": " ".join(str(error).split())}


def _row(run: Run) -> dict[str, Any]:
    facts, summary = run.environment, run.summary()
    more = {"name": facts.get("name"), "recipe": recipe_name(facts), "state": run.state, "date": date(facts)}
    return {key: (summary | more).get(key) for key in COLUMNS}


def recipe_name(facts: Mapping[str, Any]) -> str | None:
    """Return the recipe that a run was asked for, and how many settings were changed; None where it is not known.

    Example:
        >>> recipe_name({"recipe": {"name": "92", "changes": {"epochs": 2}}})
        '92, 1 changed'
    """
    recipe = facts.get("recipe")
    if not recipe:
        return None
    name, changes = recipe.get("name") or "defaults", len(recipe.get("changes") or {})
    return f"{Path(str(name)).name}, {changes} changed" if changes else Path(str(name)).name


def date(facts: Mapping[str, Any]) -> str | None:
    """Return when a run was begun, in UTC, as in 2026-07-30 14:05; None where it is not known."""
    created = facts.get("created")
    return created[:16].replace("T", " ") if created else None


def _cells(row: dict[str, Any]) -> list[str]:
    """Return a row of the table; a damaged run's sentence stands in the last column, which has room."""
    cells = [_cell(row.get(key)) for key in COLUMNS]
    return [*cells[:-1], _cell(row["error"])] if "error" in row else cells


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
    row = _row(opened)
    if json:
        emit_json({"schema": "fittingroom/run/1", **_facts(opened)})
        return
    emit(table(["setting", ""], [(key, _cell(value)) for key, value in _asked(opened).items()]))
    came = {key: row[key] for key in ("state", "epochs", "accuracy", "test_accuracy", "test_interval", "test_n")}
    emit("\n" + table(["what came", ""], [(key.replace("_", " "), _cell(value)) for key, value in came.items()]))
    epochs = [[_cell(line.get(key)) for key in _COLUMNS] for line in opened.history]
    if epochs:
        emit("\n" + table(_COLUMNS, epochs))


def _edits_words(facts: Mapping[str, Any]) -> str | None:
    if not facts.get("edits"):
        return None
    from fittingroom.data.edits import edits_words  # with all that loads data, which a list of runs does without

    return edits_words(facts["edits"])


def _asked(run: Run) -> dict[str, object]:
    """Return what was asked of a run in words; None for what an older run did not write down."""
    facts = run.environment
    source, recipe, command = (facts.get(key) or {} for key in ("model_source", "recipe", "command"))
    changes = recipe.get("changes") or {}
    held_out, validation = facts.get("held_out"), facts.get("validation_images")
    given = f"{counted(validation, 'image')}, passed" if validation else "none"
    return {
        "run": str(run.folder),
        "name": facts.get("name"),
        "model": facts.get("model"),
        "made by": _made_by(source),
        "compiled": "with its owner's optimiser and loss" if facts.get("compiled") else None,
        "recipe": recipe.get("name") or ("defaults" if recipe else None),
        "changed settings": ", ".join(f"{name}={value}" for name, value in changes.items()) or None,
        "dataset": facts.get("dataset"),
        "data": facts.get("data_folder") or facts.get("data_dir"),
        "fingerprint": facts.get("fingerprint"),
        "edits": _edits_words(facts),
        "validation": f"{counted(held_out, 'training image')} held out" if held_out else given,
        "seed": facts.get("seed"),
        "date": date(facts),
        "command": (command if isinstance(command, str) else shlex.join(map(str, command))) or None,
    }


def _made_by(source: Mapping[str, Any]) -> str | None:
    kinds = {
        "architecture": "the architecture {name}",
        "file": "{function} in {file}, SHA-256 {sha256}",
        "python": "a model passed from Python, {class}",
        "run": "the network after epoch {epochs} of {folder}, trained on",
    }
    words = kinds.get(str(source.get("kind")))
    return None if words is None else words.format_map(defaultdict(lambda: "unknown", source))


_COLUMNS = ("epoch", "seconds", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy")


def _facts(run: Run) -> dict[str, object]:
    return {
        "run": str(run.folder),
        "environment": run.environment,
        "history": run.history,
        "verdict": run.verdict,
        "test_looks": run.test_looks,
    }

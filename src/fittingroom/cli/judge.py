"""`fittingroom judge`: judge predictions that anybody made, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fittingroom.cli.options import Json, Quiet
from fittingroom.cli.output import emit_json, log_unless
from fittingroom.cli.verdict_text import FailUnder, gates_passed, known_of, show
from fittingroom.judging import judge as judge_arrays
from fittingroom.judging import parse_gate
from fittingroom.workflows.predictions_file import read_predictions


def judge(
    predictions: Path,
    /,
    *,
    dataset: Annotated[
        str | None,
        Parameter(name=["--dataset", "-d"], help="Whose test images these are; gives the labels and class names."),
    ] = None,
    fail_under: FailUnder = (),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Judge predictions from any framework: arrays that NumPy wrote.

    Args:
        predictions: .npz with probabilities and labels, or .npy of probabilities with --dataset.
    """
    gates = tuple(parse_gate(text) for text in fail_under)
    filed = read_predictions(predictions, dataset, log=log_unless(quiet or json))
    verdict = judge_arrays(filed.labels, filed.probabilities, filed.class_names)
    if json:
        facts = {"predictions": str(predictions), "dataset": filed.dataset, "fingerprint": filed.fingerprint}
        emit_json({"schema": "fittingroom/judge/1", **facts, **verdict.to_dict(), **known_of(verdict, filed.dataset)})
    else:
        show(verdict, filed.split.capitalize() or "All", filed.dataset, filed.fingerprint)
    return 0 if gates_passed(verdict, gates) else 1

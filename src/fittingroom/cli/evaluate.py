"""`fittingroom evaluate`: judge a run or a model on the test images."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fittingroom import data
from fittingroom.cli.options import DataDir, Json, ModelName, Quiet
from fittingroom.cli.output import emit_json, log_unless
from fittingroom.cli.verdict_text import FailUnder, gates_passed, known_of, show
from fittingroom.errors import UsageError
from fittingroom.judging import parse_gate
from fittingroom.workflows.evaluation import evaluate as run_evaluation
from fittingroom.workflows.judged import temperature_report
from fittingroom.workflows.run_dataset import dataset_of_model

if TYPE_CHECKING:
    from fittingroom.reporting.judged import Tempered


def evaluate(
    run: str | None = None,
    /,
    *,
    model: ModelName = None,
    dataset: Annotated[
        str | None,
        Parameter(
            name=["--dataset", "-d"],
            help="A known dataset's name, or a folder with four IDX files; what the model was made from if left out.",
        ),
    ] = None,
    data_dir: DataDir = None,
    fail_under: FailUnder = (),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Judge a run or a model on the test images of a dataset; a run keeps the verdict, and a line for the look.

    Args:
        run: a run folder; or give --model.
    """
    chosen = _one_of(run, model)
    gates = tuple(parse_gate(text) for text in fail_under)
    log = log_unless(quiet or json)
    loaded = data.load(dataset, data_dir=data_dir, log=log) if dataset else dataset_of_model(chosen, data_dir, log=log)
    verdict = run_evaluation(chosen, loaded)
    seed, temperature = temperature_report(chosen, loaded)
    if json:
        facts = {"model": chosen, "dataset": loaded.name, "fingerprint": loaded.fingerprint, "seed": seed}
        tempered = asdict(temperature) if temperature else None
        known = known_of(verdict, loaded.name)
        emit_json({"schema": "fittingroom/evaluate/1", **facts, **verdict.to_dict(), "temperature": tempered, **known})
    else:
        more = _tempered_words(temperature) if temperature else ""
        show(verdict, "Test", loaded.name, loaded.fingerprint, seed, more)
    return 0 if gates_passed(verdict, gates) else 1


def _tempered_words(tempered: Tempered) -> str:
    on = tempered.on_judged
    return (
        f"Temperature {on.temperature:.4f}, fitted on {tempered.on_validation.n:,} validation images. Before and after "
        f"it, on the test images: log loss {on.log_loss[0]:.4f} and {on.log_loss[1]:.4f}, calibration error "
        f"{on.calibration_error[0]:.4f} and {on.calibration_error[1]:.4f}; no answer changes."
    )


def _one_of(run: str | None, model: str | None) -> str:
    if (run is None) == (model is None):
        raise UsageError(
            "Expected a run folder or --model M, one of the two. Example: fittingroom evaluate runs/my-run"
        )
    return str(run or model)

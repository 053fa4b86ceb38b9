"""`fittingroom evaluate`: judge a run or a model on the test images."""

from __future__ import annotations

from fittingroom import data
from fittingroom.cli.options import DataDir, DatasetName, Json, ModelName, Quiet
from fittingroom.cli.output import emit_json, speaker
from fittingroom.cli.verdict_text import FailUnder, gates_passed, show
from fittingroom.errors import UsageError
from fittingroom.judging import parse_gate
from fittingroom.workflows.evaluation import evaluate as run_evaluation


def evaluate(
    run: str | None = None,
    /,
    *,
    model: ModelName = None,
    dataset: DatasetName = "fashion-mnist",
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
    loaded = data.load(dataset, data_dir=data_dir, say=speaker(quiet or json))
    verdict = run_evaluation(chosen, loaded)
    if json:
        facts = {"model": chosen, "dataset": loaded.name, "fingerprint": loaded.fingerprint}
        emit_json({"schema": "fittingroom/evaluate/1", **facts, **verdict.to_dict()})
    else:
        show(verdict, "Test", loaded.name, loaded.fingerprint)
    return 0 if gates_passed(verdict, gates) else 1


def _one_of(run: str | None, model: str | None) -> str:
    if (run is None) == (model is None):
        raise UsageError(
            "Expected a run folder or --model M, one of the two. Example: fittingroom evaluate runs/my-run"
        )
    return str(run or model)

"""`fittingroom tutorial`: the walk-through, from data to a page of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from fittingroom.cli.options import DataDir, DatasetName, Json, Out, Quiet, Seed
from fittingroom.cli.output import emit, emit_json, log_unless
from fittingroom.cli.progress import progress
from fittingroom.cli.verdict_text import score_line, show_references
from fittingroom.workflows.tutorial_plan import EPOCHS, PALETTE, TutorialPlan

if TYPE_CHECKING:
    from fittingroom.workflows.tutorial import Outcome


def tutorial(
    *,
    dataset: DatasetName = "fashion-mnist",
    against: Annotated[str | None, Parameter(help="Another dataset for the same network, to compare: mnist.")] = None,
    epochs: Annotated[int, Parameter(help="Times that each training image is seen.")] = EPOCHS,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    palette: Annotated[
        str, Parameter(help="Colours of right and wrong: classic-marked, classic, colour-blind.")
    ] = PALETTE,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Load, look, rescale, build, compile, fit, evaluate, predict and show: nine steps, and a page of them."""
    from fittingroom.workflows.tutorial import tutorial as walk_through

    quiet_ = quiet or json
    plan = TutorialPlan(dataset, against, seed, epochs, out, palette, data_dir)
    with progress(quiet_) as on_progress:
        outcome = walk_through(plan, log=log_unless(quiet_), on_progress=on_progress)
    if json:
        emit_json(facts(outcome))
        return
    emit(score_line(outcome.verdict, "Test", outcome.data.fingerprint, seed))
    show_references(outcome.verdict, outcome.data.name)
    emit(f"The page: {outcome.page}")


def facts(outcome: Outcome) -> dict[str, Any]:
    """Return what came of a tutorial as the object that --json prints."""
    verdict = outcome.verdict
    return {
        "schema": "fittingroom/tutorial/1",
        "test_accuracy": verdict.accuracy,
        "test_accuracy_interval": list(verdict.accuracy_interval),
        "n": verdict.n,
        "test_loss": verdict.log_loss,
        "train_accuracy": outcome.train_accuracy,
        "epochs": len(outcome.run.history),
        "seconds": outcome.seconds,
        "seed": outcome.run.environment["seed"],
        "dataset": outcome.data.name,
        "fingerprint": outcome.data.fingerprint,
        "run": str(outcome.run.folder),
    }

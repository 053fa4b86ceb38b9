"""From a run folder to its page: gather every number, then let reporting draw it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import Dataset, load
from fittingroom.errors import RunError
from fittingroom.judging import Verdict, judge
from fittingroom.models.summary import summary
from fittingroom.reporting.data_facts import describe_data
from fittingroom.reporting.history import read_history
from fittingroom.reporting.page import run_page, tutorial_page
from fittingroom.reporting.run_report import RunReport
from fittingroom.reporting.shown import choose_exhibits
from fittingroom.reporting.tutorial_report import Fitting, TutorialReport
from fittingroom.runs import Run, open_run

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = "report.html"
TUTORIAL = "tutorial.json"  # what only a tutorial's run knows; its presence makes the page the walk-through's


def report(run: Run | str | Path) -> Path:
    """Write a run's page into its folder.

    A tutorial's page shows test figures; any other page only what was measured: after ``train`` training and
    validation figures, after ``evaluate`` test figures too.

    Args:
        run: a run or its folder.

    Returns:
        The HTML file: self-contained, opens from ``file://``.

    Raises:
        RunError: there is no such run, it has no history yet, or its dataset has changed since.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    if not opened.history:
        raise RunError(f"{opened.folder}: there is nothing to report yet, no epoch has ended.")
    if (opened.folder / TUTORIAL).exists():
        return _write_tutorial_page(opened)
    opened.write_text(PAGE, run_page(_run_report(opened)))
    return opened.folder / PAGE


def _run_report(run: Run) -> RunReport:
    environment, resolved = run.environment, run.resolved
    judged = _judged(run)
    return RunReport(
        name=run.name,
        data_name=environment.get("dataset") or "arrays",
        fingerprint=environment.get("fingerprint") or "unknown",
        class_names=tuple(environment.get("class_names") or ()),
        history=read_history(run.history),
        recipe={name: value for name, value in resolved.items() if name not in ("schema", "seed")},
        model_summary=summary(run.model()) if (run.folder / "model.keras").exists() else "",
        seed=environment["seed"],
        seconds=resolved.get("seconds", {}),
        environment=_readable(environment),
        command=f"fittingroom train --dataset {environment.get('dataset')} --seed {environment['seed']}",
        test_looks=len(run.test_looks),
        validation=judged.get("validation"),
        test=judged.get("test"),
    )


def _judged(run: Run) -> dict[str, Verdict]:
    if not (run.folder / "predictions.npz").exists():
        return {}
    predictions = run.predictions
    return {predictions.split: judge(predictions.labels, predictions.probabilities, predictions.class_names)}


def _readable(environment: Mapping[str, Any]) -> dict[str, Any]:
    names = ("python", "system", "processor", "device", "threads")
    return {name: environment[name] for name in names} | dict(environment["versions"])


def _data_of(run: Run, facts: Mapping[str, Any]) -> Dataset:
    """Return the dataset of a tutorial's run, as it was then.

    Raises:
        RunError: its content is another now.
    """
    expected, folder = run.environment["fingerprint"], facts["data_dir"]
    data = load(facts["dataset"], data_dir=Path(folder) if folder else None)
    if data.fingerprint != expected:
        raise RunError(
            f"{run.folder}: expected data {expected} in {facts['dataset']}, found {data.fingerprint}. "
            "The files have changed since this run."
        )
    return data


def _write_tutorial_page(run: Run) -> Path:
    facts = run.read_json(TUTORIAL)
    data = _data_of(run, facts)
    rival = Run(run.folder / facts["against"]) if facts["against"] else None
    page_facts = _tutorial_report(run, facts, data, rival)
    _, pictures = choose_exhibits(data, run.predictions.probabilities)
    run.write_text(PAGE, tutorial_page(page_facts, pictures))
    run.write_json("verdict.json", (run.verdict or {}) | {"page": page_facts.to_dict()})
    return run.folder / PAGE


def _tutorial_report(run: Run, facts: Mapping[str, Any], data: Dataset, rival: Run | None) -> TutorialReport:
    resolved, environment, model = run.resolved, run.environment, run.model()
    exhibits, _ = choose_exhibits(data, run.predictions.probabilities)
    return TutorialReport(
        fitting=_fitting(run, data, facts),
        exhibits=exhibits,
        model_name=facts["model"],
        model_summary=facts["model_summary"],
        parameters=int(model.count_params()),
        optimizer=facts["optimizer"],
        loss=facts["loss"],
        batch_size=resolved["batch_size"],
        seed=environment["seed"],
        seconds=facts["seconds"],
        environment=_readable(environment),
        command=facts["command"],
        test_looks=len(run.test_looks),
        against=_rival_fitting(rival) if rival else None,
        palette=facts["palette"],
    )


def _rival_fitting(run: Run) -> Fitting:
    facts = run.read_json(TUTORIAL)
    return _fitting(run, _data_of(run, facts), facts)


def _fitting(run: Run, data: Dataset, facts: Mapping[str, Any]) -> Fitting:
    return Fitting(
        data=describe_data(data),
        history=read_history(run.history),
        train_accuracy=facts["train_accuracy"],
        train_loss=facts["train_loss"],
        score=_judged(run)["test"],
    )

"""Everything that a sweep's page says, gathered from its study and its finalists."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from fittingroom.errors import TrainingError
from fittingroom.pages.sweep.values import SweepReport
from fittingroom.workflows.sweep_finals import AS_IT_WAS, chosen_of, flattery, gain_over, pareto_front

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.workflows.sweep_plan import SweepPlan

FEWEST = 5  # trials that tell which setting matters


def gather_sweep(
    plan: SweepPlan,
    study: Any,
    rows: Sequence[Mapping[str, Any]],
    best: Sequence[Mapping[str, Any]],
    judged: Sequence[Mapping[str, Any]],
    command: str,
) -> SweepReport:
    """Return everything that a sweep came to.

    Args:
        plan: of the sweep.
        study: of Optuna.
        rows: of `trial_rows`.
        best: of `best_trials`, one at least.
        judged: of `judge_best`; empty where that was not asked for.
        command: how the sweep was called.

    Raises:
        TrainingError: none of the best could be trained again.
    """
    chosen = chosen_of(judged) if judged else best[0]
    if chosen is None:
        raise TrainingError(
            f"None of the {len(judged) - 1} best trials could be trained with fresh seeds; the first failed so: "
            f"{judged[0]['error']} The trials are kept in {plan.folder}."
        )
    as_it_was = next((each for each in judged if each["name"] == AS_IT_WAS), None)
    return SweepReport(
        folder=plan.folder,
        recipe=plan.space.recipe,
        settings=dict(plan.space.settings),
        space={each.name: each.words() for each in plan.space.dimensions},
        dataset=plan.loaded.name,
        data=str(plan.data[0]),
        fingerprint=plan.loaded.fingerprint,
        train_n=len(plan.loaded.train) - plan.validation - plan.second,
        validation_n=plan.validation,
        second_n=plan.second,
        seed=plan.seed,
        threads=plan.threads,
        sampler=plan.sampler,
        pruner=plan.pruner,
        trials=tuple(rows),
        importance=importance_of(study),
        front=tuple(pareto_front(rows)),
        finalists=tuple(judged),
        chosen=str(chosen.get("name") or chosen.get("trial")),
        best=dict(chosen["settings"]),
        flattery=flattery(judged[0], as_it_was, plan.validation) if judged else None,
        gain=gain_over(chosen, as_it_was) if as_it_was is not None else None,
        command=command,
    )


def importance_of(study: Any) -> dict[str, float]:
    """Return each setting's share of what made trials differ, by Optuna's PED-ANOVA, the largest first.

    Args:
        study: of Optuna.

    Returns:
        Fractions that sum to 1, by name; empty where fewer than five trials were trained to their end, or none differ.
    """
    import optuna

    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(done) < FEWEST or len({trial.value for trial in done}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
    return {name: float(value) for name, value in found.items()}

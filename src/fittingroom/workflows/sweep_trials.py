"""The trials of a sweep: settings that Optuna proposes, each trained as a job, its validation accuracy told back.

Optuna's study lives in a journal in the sweep's folder, or in any storage that Optuna knows, which several machines may
share. A trial's result is its run folder. A trial that was cut off is proposed again with the same settings and the
same folder, where its training goes on from its checkpoint.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from fittingroom.errors import Interrupted, RunError, TrainingError, UsageError
from fittingroom.files import atomic_write, mend_last_line
from fittingroom.jobs.run_jobs import OnJob, Outcome, run_jobs
from fittingroom.runs import is_run, open_run
from fittingroom.workflows.train_jobs import train_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fittingroom.data import Log
    from fittingroom.jobs.job import Job
    from fittingroom.progress import OnProgress, Progress
    from fittingroom.workflows.sweep_plan import SweepPlan
    from fittingroom.workflows.sweep_space import Dimension

JOURNAL = "study.log"
TRIALS = "trials"  # the folder of their runs
REDUCTION = 3  # Hyperband: of so many trials one goes on
FAILURES = 5  # trials that may fail, one after another from the first, before the sweep is given up

OnTrials: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], None]
"""Takes the rows of all trials, as `trial_rows` gives them, whenever one begins or ends."""


def no_trials(rows: Sequence[Mapping[str, Any]]) -> None:
    """Do nothing with how the trials stand."""
    del rows


@contextmanager
def optuna_told() -> Iterator[Any]:
    """Lend Optuna without its own lines on the terminal, and its errors as one sentence.

    Raises:
        RunError: the study's storage was lost.
    """
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        yield optuna
    except optuna.exceptions.OptunaError as error:
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise RunError(
            f"The study cannot be read or written: {words}. What is finished is kept: the same command goes on."
        ) from error
    finally:
        optuna.logging.set_verbosity(before)


def open_study(optuna: Any, plan: SweepPlan, name: str, storage: str | None) -> Any:
    """Return Optuna's study of a sweep, new or as it was left.

    Args:
        optuna: as `optuna_told` lends it.
        plan: of the sweep; the journal is in its folder where no storage is given.
        name: of the study.
        storage: an address that Optuna knows, such as ``sqlite:///sweep.db``; None for the journal.

    Raises:
        UsageError: the storage cannot be opened.
        RunError: the journal is damaged.
    """
    prune, epochs = optuna.pruners.NopPruner(), plan.space.most_epochs(plan.base)
    if plan.pruner == "hyperband" and epochs > 1:
        prune = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=REDUCTION)
    try:
        kept = storage if storage is not None else _journal(optuna, plan.folder / JOURNAL)
        return optuna.create_study(
            study_name=name, storage=kept, direction="maximize", pruner=prune, load_if_exists=True
        )
    except Exception as error:  # Optuna's storages raise what their databases raise
        words = " ".join(str(error).split())[:200] or type(error).__name__
        if storage is None:
            raise RunError(
                f"{plan.folder / JOURNAL}: expected the journal of a study, cannot read it: {words}."
            ) from error
        raise UsageError(
            f"--storage: expected an address that Optuna knows, such as sqlite:///sweep.db, and whose database "
            f"answers; {storage!r} does not: {words}."
        ) from error


def _journal(optuna: Any, path: Path) -> Any:
    """Return the storage of a journal that this process alone is at, mended where one before was killed at it."""
    mend_last_line(path)
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)  # Optuna would wait half a minute for it
    backends = optuna.storages.journal
    lock = backends.JournalFileOpenLock(str(path)) if os.name == "nt" else None
    return optuna.storages.JournalStorage(backends.JournalFileBackend(str(path), lock_obj=lock))


class TrialRunner:
    """The trials of one call: proposed by the study, done as jobs, told to the study.

    Args:
        plan: of the sweep.
        optuna: as `optuna_told` lends it.
        study: of `open_study`.
        shared: whether other machines use the study too.
        log: takes one line for the user.
    """

    def __init__(self, plan: SweepPlan, optuna: Any, study: Any, shared: bool, log: Log) -> None:
        self.plan, self.optuna, self.study, self.shared, self.log = plan, optuna, study, shared, log
        self.asked: dict[str, Any] = {}  # Optuna's trials that are under way, by the keys of their jobs
        self.seconds: dict[str, float] = {}  # of training so far, by key
        self.distributions = {each.name: distribution_of(optuna, each) for each in plan.space.dimensions}

    def run(self, on_progress: OnProgress, on_job: OnJob, on_trials: OnTrials = no_trials) -> None:
        """Do trials until there are as many as were asked for.

        Args:
            on_progress: takes the progress of the training that this process is at.
            on_job: takes where each training stands.
            on_trials: takes the rows of all trials whenever one begins or ends.

        Raises:
            TrainingError: every trial failed.
            Interrupted: the user stopped it; the same call goes on.
            RunError: the cluster was lost.
        """
        try:
            self._take_up()
            ended = run_jobs(
                train_job,
                self._jobs(on_trials),
                self.plan.place,
                is_hopeless=self._is_hopeless,
                log=self.log,
                on_progress=on_progress,
                on_job=on_job,
            )
            for outcome in ended:
                self._tell(outcome)
                on_trials(trial_rows(self.study, self.plan.folder))
        except BaseException as error:
            if _is_stop(error):
                raise Interrupted(f"Stopped. {self.plan.folder} goes on by the same command again.") from None
            raise
        self._refuse_if_all_failed(least=1)

    def _take_up(self) -> None:
        """Have trials that were cut off, or failed, proposed again, and all combinations of a grid that lack."""
        cut_off = [self.optuna.trial.TrialState.RUNNING, self.optuna.trial.TrialState.FAIL]
        replaced = self._replaced()
        for each in self.study.get_trials(deepcopy=False):
            is_ours = each.user_attrs.get("sweep") == self.plan.token or not self.shared
            if each.state not in cut_off or not is_ours:
                continue  # one without a mark was cut off while it was proposed, and in a study of our own is ours
            if each.number not in replaced:
                kept = {key: each.user_attrs[key] for key in ("key", "sweep") if key in each.user_attrs}
                self.study.enqueue_trial(dict(each.params), user_attrs={**kept, "replaces": each.number})
            if each.state == self.optuna.trial.TrialState.RUNNING:
                self.study.tell(each.number, state=self.optuna.trial.TrialState.FAIL)
        if self.plan.sampler == "grid":
            for values in self.plan.space.combinations():
                self.study.enqueue_trial(values, skip_if_exists=True)

    def _replaced(self) -> set[int]:
        return {each.user_attrs.get("replaces", -1) for each in self.study.get_trials(deepcopy=False)}

    def _lacks_any(self) -> bool:
        """Whether a trial is to be proposed: one waits, or there are fewer than asked for."""
        trials, replaced = self.study.get_trials(deepcopy=False), self._replaced()
        if any(each.state == self.optuna.trial.TrialState.WAITING for each in trials):
            return True
        return sum(each.number not in replaced for each in trials) < self.plan.trials

    def _jobs(self, on_trials: OnTrials) -> Iterator[Job]:
        while self._lacks_any():
            self._refuse_if_all_failed(least=FAILURES)
            self.study.sampler = self._sampler(len(self.study.get_trials(deepcopy=False)))
            trial = self.study.ask(self.distributions)
            key = trial.user_attrs.get("key") or f"trial-{trial.number:04}"
            trial.set_user_attr("key", key)
            trial.set_user_attr("sweep", self.plan.token)
            self.asked[key] = trial
            self._tell_history(trial, key)
            on_trials(trial_rows(self.study, self.plan.folder))
            yield self.plan.job(self.plan.folder / TRIALS / key, trial.params, self.plan.seed)

    def _sampler(self, number: int) -> Any:
        """Return the sampler of the next trial, whose chance follows from the seed and how many there were before.

        So a sweep that was interrupted proposes what it would have proposed, and never the same again.
        """
        told = f"{self.plan.seed}/{number}/{self.plan.token if self.shared else ''}"
        seed = int.from_bytes(hashlib.sha256(told.encode()).digest()[:4], "big")
        samplers = self.optuna.samplers
        return samplers.TPESampler(seed=seed) if self.plan.sampler == "tpe" else samplers.RandomSampler(seed=seed)

    def _tell_history(self, trial: Any, key: str) -> None:
        """Tell the study the epochs that a trial which was cut off has already."""
        folder, self.seconds[key] = self.plan.folder / TRIALS / key, 0.0
        if not is_run(folder):
            return
        for line in open_run(folder).history:
            self.seconds[key] += line["seconds"]
            if line["val_accuracy"] is not None:
                trial.report(line["val_accuracy"], line["epoch"])

    def _is_hopeless(self, job: Job, now: Progress) -> bool:
        trial = self.asked.get(job.key)
        if trial is None or now.val_accuracy is None:
            return False
        self.seconds[job.key] = self.seconds.get(job.key, 0.0) + now.seconds
        trial.report(now.val_accuracy, now.epoch)
        return bool(trial.should_prune())

    def _tell(self, outcome: Outcome) -> None:
        """Tell the study what a trial came to; a training that broke down is told as one that was given up early."""
        key, error = outcome.job.key, outcome.error
        if error is not None and error.exit_code == Interrupted.exit_code:
            raise error
        trial, states = self.asked.pop(key), self.optuna.trial.TrialState
        seconds = outcome.row["seconds"] if outcome.row is not None else self.seconds.get(key, 0.0)
        trial.set_user_attr("seconds", seconds)
        told = f"{key} ({_words(trial.params)}): "
        if outcome.row is not None:
            trial.set_user_attr("epochs", outcome.row["epochs"])
            self.study.tell(trial, outcome.row["val_accuracy"])
            self.log(f"{told}validation accuracy {outcome.row['val_accuracy']:.4f}")
        elif error is None:
            self.study.tell(trial, state=states.PRUNED)
            self.log(f"{told}stopped early, behind the others")
        else:
            trial.set_user_attr("error", str(error))
            self.study.tell(trial, state=states.PRUNED if isinstance(error, TrainingError) else states.FAIL)
            self.log(f"{told}failed: {error}")

    def _refuse_if_all_failed(self, least: int) -> None:
        """Raise where so many trials have failed, and none has come to anything."""
        ended = [each for each in trial_rows(self.study, self.plan.folder) if each["outcome"] not in ("under way",)]
        failed = [each for each in ended if each["outcome"] == "failed"]
        if len(failed) == len(ended) and len(failed) >= least:
            several = f"All {len(failed)} trials have failed, the first so:"
            which = "The one trial has failed:" if len(failed) == 1 else several
            raise TrainingError(
                f"{which} {failed[0]['error']} What was tried is in {self.plan.folder}; mend the space or the recipe, "
                "and the same command tries again."
            )


def _is_stop(error: BaseException) -> bool:
    """Say whether an error is the user's stop, or came while something was put in order after it.

    Optuna's lock, interrupted before it was had, raises that it cannot be given back (5.0).
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Interrupted | KeyboardInterrupt):
            return True
        seen = seen.__context__
    return False


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def distribution_of(optuna: Any, dimension: Dimension) -> Any:
    """Return a setting's range or list as Optuna has it.

    Args:
        optuna: the package.
        dimension: what is varied.
    """
    kinds = optuna.distributions
    if dimension.choices:
        return kinds.CategoricalDistribution(dimension.choices)
    if dimension.is_whole:
        return kinds.IntDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step or 1)
    return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def trial_rows(study: Any, folder: Path) -> list[dict[str, Any]]:
    """Return a row a trial, in the order in which they were proposed; what was proposed again is there once.

    Args:
        study: of Optuna.
        folder: of the sweep.

    Returns:
        Rows with: trial (its name), number, outcome ("done", "stopped early", "failed", "under way"), val_accuracy (of
        the last epoch), epochs, seconds (of training), error, run (its folder, or None where another machine has it),
        settings (what was varied, by name).
    """
    trials = study.get_trials(deepcopy=False)
    replaced = {each.user_attrs.get("replaces", -1) for each in trials}
    rows = []
    for each in trials:
        if each.number in replaced or each.state.name == "WAITING":
            continue
        key, error = each.user_attrs.get("key", f"trial-{each.number:04}"), each.user_attrs.get("error")
        outcome = {"COMPLETE": "done", "PRUNED": "failed" if error else "stopped early", "FAIL": "failed"}
        epochs = each.user_attrs.get("epochs") or each.last_step
        run = folder / TRIALS / key
        rows.append(
            {
                "trial": key,
                "number": each.number,
                "outcome": outcome.get(each.state.name, "under way"),
                "val_accuracy": None if error else each.value if each.state.name == "COMPLETE" else _last(each),
                "epochs": epochs,
                "seconds": each.user_attrs.get("seconds"),
                "error": error,
                "run": str(run) if run.is_dir() else None,
                "settings": dict(each.params),
            }
        )
    return rows


def _last(trial: Any) -> float | None:
    value: float | None = trial.intermediate_values.get(trial.last_step)
    return value


def write_trials(path: Path, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Write ``trials.csv``: a line a trial, a column a setting.

    Args:
        path: of the file.
        rows: as `trial_rows` gives them.
        names: of what is varied.
    """
    text = io.StringIO()
    columns = ("trial", "outcome", "val_accuracy", "epochs", "seconds")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *names, "run", "error"])
    for row in rows:
        settings = [row["settings"].get(name) for name in names]
        writer.writerow([*(row[name] for name in columns), *settings, row["run"], row["error"]])
    atomic_write(path, text.getvalue())

"""Made-up reports for the tests of pages and words."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from fittingroom.data.catalog import DATASETS
from fittingroom.judging import (
    compare,
    differing,
    fit_temperature,
    judge,
    judge_sets,
    over_seeds,
    references_for,
    tempering,
)
from fittingroom.pages.answers import Neighbour, Pictures, answers_at, choose
from fittingroom.pages.comparison.values import ComparisonReport, Contender
from fittingroom.pages.judged import SET_COVERAGES, Judged
from fittingroom.pages.learning import Epoch, read_learning
from fittingroom.pages.run.values import COST_ROWS, RunReport
from fittingroom.pages.tutorial.values import Fitting, TutorialReport, choose_images, describe_data

FIRST_TO_LAST = (0.7979, 0.8526, 0.8670, 0.8787, 0.8831)


def fake_data(name: str = "fashion-mnist", test_count: int = 1200, side: int = 28) -> SimpleNamespace:
    generator = np.random.default_rng(0)
    classes = len(DATASETS[name].class_names)

    def split(n: int) -> SimpleNamespace:
        images = generator.integers(0, 256, (n, side, side), dtype=np.uint8)
        return SimpleNamespace(images=images, labels=(np.arange(n) % classes).astype(np.uint8))

    return SimpleNamespace(
        name=name,
        train=split(40),
        test=split(test_count),
        class_names=DATASETS[name].class_names,
        fingerprint=DATASETS[name].fingerprint,
        source="a local folder",
    )


def probabilities_with(labels: np.ndarray, wrong: int) -> np.ndarray:
    """Probabilities that are right but for the last `wrong` items."""
    said = labels.astype(int).copy()
    if wrong:
        said[-wrong:] = (said[-wrong:] + 1) % 10
    matrix = np.full((len(labels), 10), 0.02, np.float32)
    matrix[np.arange(len(labels)), said] = 0.82
    return matrix


def history_of(accuracies: tuple[float, ...] = FIRST_TO_LAST, validated: bool = False) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(
            number, 0.5, 60_000, 0.001, 1.2 - value, value, 0.61 if validated else None, 0.8123 if validated else None
        )
        for number, value in enumerate(accuracies, start=1)
    )


def make_fitting(name: str = "fashion-mnist", wrong: int = 156, train_accuracy: float | None = 0.8958) -> Fitting:
    data = fake_data(name)
    score = judge(data.test.labels, probabilities_with(data.test.labels, wrong), data.class_names)
    return Fitting(describe_data(data), history_of(), train_accuracy, 0.2887, score)


def make_report(fitting: Fitting | None = None, **changes: object) -> tuple[TutorialReport, Pictures]:
    data = fake_data()
    answers, pictures = choose_images(data, probabilities_with(data.test.labels, 300))
    values: dict[str, object] = {
        "fitting": fitting or make_fitting(),
        "train_labels": tuple(int(label) for label in data.train.labels[:30]),
        **answers,
        "model_name": "walkthrough",
        "model_summary": 'Model: "walkthrough"\n<dense> & more',
        "parameters": 101_770,
        "optimizer": "rmsprop",
        "loss": "sparse_categorical_crossentropy",
        "batch_size": 128,
        "seed": 31,
        "seconds": {"load": 0.11, "build": 0.22, "train": 3.33, "evaluate": 0.44, "report": 0.55, "total": 4.66},
        "environment": {"Keras": "3.15.1", "processor": "Some CPU", "threads": 2},
        "command": "fittingroom tutorial --seed 31",
    }
    return TutorialReport(**(values | changes)), pictures  # type: ignore[arg-type]


NAMES = DATASETS["fashion-mnist"].class_names
FINGERPRINT = DATASETS["fashion-mnist"].fingerprint


def answers(n: int = 1200, seed: int = 0, sureness: float = 3.5) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a model that is right in most cases and surer than it should be."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    logits = generator.normal(size=(n, 10))
    logits[np.arange(n), labels] += 2.5
    powers = np.exp(sureness * logits)
    return labels, powers / powers.sum(axis=1, keepdims=True)


def make_judged(split: str = "test", *, tempered: bool = True, seed: int = 0, **changes: object) -> Judged:
    labels, matrix = answers(seed=seed)
    indices = np.arange(len(labels)) + 100
    score = judge(labels, matrix, NAMES)
    worst = choose(labels, matrix, count=9)
    near = [(Neighbour(7, 0), Neighbour(11, 1), Neighbour(13, 1))] * len(worst)
    held = answers(800, seed + 50)
    value = fit_temperature(*held)
    first_pair = score.most_confused[0]
    of_pair = choose(
        labels, matrix, count=4, true=NAMES.index(first_pair.true), predicted=NAMES.index(first_pair.predicted)
    )
    values: dict[str, object] = {
        "split": split,
        "dataset": "fashion-mnist",
        "fingerprint": FINGERPRINT,
        "class_names": NAMES,
        "score": score,
        "wrong": int((matrix.argmax(axis=1) != labels).sum()),
        "references": references_for("fashion-mnist"),
        "warning": None,
        "temperature": {"validation": tempering(*held, value), split: tempering(labels, matrix, value)}
        if tempered
        else {},
        "first": answers_at(np.arange(15), labels, matrix, indices),
        "top_losses": answers_at(worst, labels, matrix, indices, near),
        "confused_examples": (answers_at(of_pair, labels, matrix, indices),),
        "sets": tuple(
            judge_sets(labels, matrix, NAMES, held, coverage, per_class=per_class)
            for coverage in SET_COVERAGES
            for per_class in (False, True)
        )
        if tempered and split == "test"
        else (),
    }
    return Judged(**(values | changes))  # type: ignore[arg-type]


def make_pictures(judged: Judged) -> Pictures:
    generator = np.random.default_rng(1)

    def picture() -> np.ndarray:
        return generator.integers(0, 256, (28, 28), dtype=np.uint8)

    near = {each.index for mistake in judged.answers for each in mistake.neighbours}
    return Pictures({each.index: picture() for each in judged.answers}, {index: picture() for index in near})


def cost_of(seconds: float, parameters: int | None = None) -> dict[str, float | None]:
    values = (seconds, 4800.0, 60_000, parameters, 432_318)
    return {key: value for (key, _, _), value in zip(COST_ROWS, values, strict=True)}


def make_run(judged: Judged | None = None, **changes: object) -> RunReport:
    history = history_of(validated=judged is not None)
    values: dict[str, object] = {
        "name": "run-7",
        "data_name": "fashion-mnist",
        "title": "Fashion-MNIST",
        "fingerprint": FINGERPRINT,
        "model": "walkthrough",
        "seed": 4,
        "history": history,
        "learning": read_learning(history, 1000 if judged else 0),
        "changed": {"epochs": 7, "optimizer": "adam"},
        "recipe": {"epochs": 7, "optimizer": "adam", "batch_size": 128},
        "model_summary": "",
        "cost": cost_of(12.5, 101_770),
        "environment": {"Keras": "3.15.1", "threads": 2},
        "command": "fittingroom train --dataset fashion-mnist --seed 4",
        "command_note": "Equal to the bit.",
        "looks": (
            {
                "time": "2026-11-25T09:00:00+00:00",
                "asked_by": "evaluate",
                "dataset": "fashion-mnist",
                "accuracy": 0.875,
            },
        )
        if judged is not None and judged.split == "test"
        else (),
        "judged": judged,
        "no_score": "" if judged else "no images were held out, and this run has not been tested",
    }
    return RunReport(**(values | changes))  # type: ignore[arg-type]


def make_comparison(count: int = 3, **changes: object) -> ComparisonReport:
    labels, _ = answers()
    models = {f"run-{k}": answers(seed=k)[1] for k in range(count)}
    first, second = list(models.values())[:2]
    contenders = tuple(
        Contender(
            name=name,
            seed=k,
            score=judge(labels, matrix, NAMES),
            history=history_of(validated=True),
            settings={"seed": k, "epochs": 5 + k},
            cost=cost_of(12.5 + k),
            test_looks=k,
            command=f"fittingroom train --seed {k}",
            warning=None,
        )
        for k, (name, matrix) in enumerate(models.items())
    )
    places = differing(first, second, labels)[:6]
    values: dict[str, object] = {
        "split": "validation",
        "dataset": "fashion-mnist",
        "fingerprint": FINGERPRINT,
        "class_names": NAMES,
        "contenders": contenders,
        "pairs": compare(labels, models),
        "seeds": over_seeds([each.score.accuracy for each in contenders], len(labels)),
        "references": references_for("fashion-mnist"),
        "differences": tuple(
            zip(*(answers_at(places, labels, m, np.arange(len(labels))) for m in models.values()), strict=True)
        ),
    }
    return ComparisonReport(**(values | changes))  # type: ignore[arg-type]

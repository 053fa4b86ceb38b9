"""Made-up reports for the tests of pages and words."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from fittingroom.data.catalog import DATASETS
from fittingroom.judging.verdict import judge
from fittingroom.reporting.data_facts import describe_data
from fittingroom.reporting.history import Epoch
from fittingroom.reporting.shown import Pictures, choose_exhibits
from fittingroom.reporting.tutorial_report import Fitting, TutorialReport

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
    exhibits, pictures = choose_exhibits(data, probabilities_with(data.test.labels, 300))
    values: dict[str, object] = {
        "fitting": fitting or make_fitting(),
        "exhibits": exhibits,
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

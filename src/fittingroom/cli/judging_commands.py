"""`fittingroom evaluate`, `judge` and `compare`: what a model, a file of predictions, or several runs are worth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fittingroom.cli.formats import Format, refuse_both, written_table
from fittingroom.cli.options import Coverage, DataDir, Json, ModelName, Pixels, Quiet, whole
from fittingroom.cli.output import emit, emit_json, log_unless, table
from fittingroom.cli.verdict_text import FailUnder, gates_passed, known_of, show, show_as
from fittingroom.data import load
from fittingroom.errors import UsageError
from fittingroom.judging import check_coverage, parse_gate, references_line
from fittingroom.judging import judge as judge_arrays
from fittingroom.pages.comparison.values import SEED_ALONE
from fittingroom.words import counted, listed
from fittingroom.workflows.evaluation import evaluate as run_evaluation
from fittingroom.workflows.evaluation import open_settled
from fittingroom.workflows.predictions_file import read_predictions
from fittingroom.workflows.run_data import dataset_of_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.arrays import Images
    from fittingroom.cli.formats import Cell
    from fittingroom.data import Dataset, Log
    from fittingroom.judging import Seeds, Tempering, Verdict
    from fittingroom.workflows.comparing import Compared
    from fittingroom.workflows.predictions_file import FiledPredictions


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
    pixels: Pixels = None,
    coverage: Coverage = None,
    fail_under: FailUnder = (),
    corruptions: Annotated[
        bool,
        Parameter(help="Also on noisy, blurred, moved, turned, dim, covered, compressed images: how far it holds."),
    ] = False,
    picture: Annotated[
        Path | None,
        Parameter(help="With --corruptions: draw an image under each, with the accuracies, into this file."),
    ] = None,
    format: Format = None,  # noqa: A002  (the option's own name)
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Evaluate a run or a model on the test images of a dataset; a run keeps the verdict and records the test look.

    Args:
        run: a run folder; or give --model.
    """
    from fittingroom.pages.judged import temperature_report

    refuse_both(format, json)
    chosen = _one_of(run, model)
    if coverage is not None:
        check_coverage(coverage, "--coverage")
    gates = tuple(parse_gate(text) for text in fail_under)
    log = log_unless(quiet or json)
    if picture is not None and not corruptions:
        raise UsageError("Expected --picture with --corruptions: it draws what those do. Add --corruptions.")
    loaded = load(dataset, data_dir=data_dir, log=log) if dataset else dataset_of_model(chosen, data_dir, log=log)
    if corruptions:
        if gates or coverage is not None:
            raise UsageError(
                "Expected --corruptions without --fail-under and --coverage, which are for the plain evaluation."
            )
        _show_corruptions(chosen, loaded, pixels, picture, format, json=json, log=log)
        return 0
    verdict = run_evaluation(chosen, loaded, pixels=pixels, coverage=coverage, log=log)
    seed, temperature = temperature_report(chosen, loaded)
    if json:
        fed = open_settled(chosen, loaded, pixels, log=log).pixels
        facts = {
            "pixels": fed,
            "model": chosen,
            "dataset": loaded.name,
            "fingerprint": loaded.fingerprint,
            "seed": seed,
        }
        tempered = {split: asdict(effect) for split, effect in temperature.items()} or None
        known = known_of(verdict, loaded.name)
        emit_json({"schema": "fittingroom/evaluate/1", **facts, **verdict.to_dict(), "temperature": tempered, **known})
    elif format:
        show_as(format, verdict, loaded.name)
    else:
        more = _temperature_words(temperature) if temperature else ""
        show(verdict, "Test", loaded.name, loaded.fingerprint, seed, more)
    return 0 if gates_passed(verdict, gates) else 1


def _show_corruptions(
    model: str, data: Dataset, pixels: str | None, picture: Path | None, kind: str | None, *, json: bool, log: Log
) -> None:
    from fittingroom.pages.figures import check_figure_path, save_figure
    from fittingroom.workflows.corruptions import STRENGTHS, corruptions_figure, evaluate_corruptions

    if picture is not None:
        check_figure_path(picture)
    scores = evaluate_corruptions(model, data, pixels=pixels, log=log)
    if picture is not None:
        save_figure(corruptions_figure(scores, data.test.images[0]), picture)
    columns = ["corruption", *map(str, range(1, STRENGTHS + 1)), "mean"]
    rows: list[list[Cell]] = [[name, *values, sum(values) / len(values)] for name, values in scores.accuracies.items()]
    if json:
        facts = {"model": model, "dataset": data.name, "fingerprint": data.fingerprint}
        emit_json({"schema": "fittingroom/corruptions/1", **facts, **scores.to_dict()})
    elif kind:
        emit(written_table(kind, columns, rows))
    else:
        emit(table(columns, [[name, *(f"{value:.4f}" for value in values)] for name, *values in rows]))
        emit(f"{scores}, data {data.fingerprint}. 1 is the weakest, 5 the strongest of each.")


def _temperature_words(effects: Mapping[str, Tempering]) -> str:
    fitted_on, on = effects["validation"].n, effects["test"]
    return (
        f"Temperature {on.temperature:.4f}, fitted on {counted(fitted_on, 'validation image')}. Before and after it, "
        f"on the test images: log loss {on.log_loss[0]:.4f} and {on.log_loss[1]:.4f}, calibration error "
        f"{on.calibration_error[0]:.4f} and {on.calibration_error[1]:.4f}; no predicted class changes."
    )


def _one_of(run: str | None, model: str | None) -> str:
    if (run is None) == (model is None):
        raise UsageError(
            "Expected a run folder or --model M, one of the two. Example: fittingroom evaluate runs/my-run"
        )
    return str(run or model)


def judge(
    predictions: Path,
    /,
    *,
    dataset: Annotated[
        str | None,
        Parameter(name=["--dataset", "-d"], help="Whose test images these are; gives the labels and class names."),
    ] = None,
    coverage: Annotated[
        float | None,
        Parameter(help="Judge prediction sets too, this share of which is to hold the true class: 0.95."),
    ] = None,
    calibrate_on: Annotated[
        Path | None,
        Parameter(help="For --coverage: predictions, with labels, of other images that the model did not learn from."),
    ] = None,
    fail_under: FailUnder = (),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Judge predictions from any framework: arrays that NumPy wrote.

    Args:
        predictions: .npz with probabilities and labels, or .npy of probabilities with --dataset; predicted classes
            alone (whole numbers) are judged without what needs probabilities.
    """
    gates = tuple(parse_gate(text) for text in fail_under)
    filed = read_predictions(predictions, dataset, log=log_unless(quiet or json))
    sets = _calibration(coverage, calibrate_on, filed)
    verdict = judge_arrays(filed.labels, filed.probabilities, filed.class_names, **sets)
    if json:
        facts = {"predictions": str(predictions), "dataset": filed.dataset, "fingerprint": filed.fingerprint}
        emit_json({"schema": "fittingroom/judge/1", **facts, **verdict.to_dict(), **known_of(verdict, filed.dataset)})
    else:
        show(verdict, filed.split.capitalize() or "All", filed.dataset, filed.fingerprint)
    return 0 if gates_passed(verdict, gates) else 1


def _calibration(coverage: float | None, path: Path | None, judged: FiledPredictions) -> dict[str, Any]:
    """Return what `fittingroom.judge` takes for prediction sets; empty where none are asked for."""
    if (coverage is None) != (path is None):
        raise UsageError(
            "Expected --coverage and --calibrate-on together: how many sets are to hold the true class, and "
            "predictions of images that the model has not learned from. Example: --coverage 0.95 --calibrate-on "
            "validation.npz"
        )
    if coverage is None or path is None:
        return {}
    check_coverage(coverage, "--coverage")
    known = read_predictions(path)
    if known.class_names != judged.class_names and not _are_numbers(known, judged):
        raise UsageError(
            f"{path}: expected predictions of the classes {listed(judged.class_names)}, found "
            f"{listed(known.class_names)}."
        )
    return {"coverage": coverage, "calibration": (known.labels, known.probabilities)}


def _are_numbers(*filed: FiledPredictions) -> bool:
    """Say whether one of the files does not name its classes, so that their names cannot differ."""
    return any(one.class_names == tuple(str(label) for label in range(len(one.class_names))) for one in filed)


def compare(
    *runs: Path,
    show: Annotated[int, Parameter(help="How many images to show on which the first two runs differ."), whole(0)] = 5,
    split: Annotated[
        Literal["validation", "test"] | None,
        Parameter(help="Which images; test where the runs were evaluated, else validation."),
    ] = None,
    data_dir: DataDir = None,
    format: Format = None,  # noqa: A002
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare runs on the images that all of them answered about, pair by pair.

    McNemar's exact test, and a paired bootstrap of the difference; corrected for the number of pairs. It scores no test
    image anew: runs that were not evaluated are compared on the images that they held out.

    Args:
        runs: two or more run folders; the folder of a group, as `train --seeds` makes one, stands for its runs.
    """
    from fittingroom.workflows.comparing import compare as compare_runs

    refuse_both(format, json)
    compared = compare_runs(*runs, split=split, data_dir=data_dir, log=log_unless(quiet or json))
    if json:
        emit_json(_as_json(compared, show) | {"folders": [str(folder) for folder in compared.folders]})
        return
    if format:
        emit(written_table(format, COMPARED_COLUMNS, _compared_rows(compared)))
        return
    emit(_scores(compared))
    if compared.groups:
        emit(f"\n{_groups_table(compared)}")
    emit(f"\n{compared if len(compared.pairs) <= MOST_PAIRS else _too_many_pairs(compared)}")
    if compared.seeds:
        emit(f"\n{SEED_ALONE} {compared.seeds}")
    if show:
        _show(compared, show, compared.folders[0], data_dir)


MOST_PAIRS = 10  # of runs that are told in sentences
COMPARED_COLUMNS = (
    *("run", "seed", "accuracy", "accuracy_low", "accuracy_high", "log_loss"),
    *("against_first", "against_first_low", "against_first_high", "p_value"),
)


def _compared_rows(compared: Compared) -> list[list[Any]]:
    """Return a row a run, each but the first with its difference to the first; then a row a group, with its mean."""
    of_first = compared.pairs[: len(compared.names) - 1]  # the pairs of the first run come first
    against: list[list[Any]] = [[None] * 4]
    against += [[pair.difference, *pair.interval, pair.adjusted_p_value] for pair in of_first]
    rows = [
        [name, str(seed), verdict.accuracy, *verdict.accuracy_interval, verdict.log_loss, *rest]
        for name, seed, verdict, rest in zip(
            compared.names, compared.run_seeds, _verdicts(compared), against, strict=True
        )
    ]
    for name, seeds in compared.groups:
        mean = f"mean of {counted(len(seeds.accuracies), 'seed')}"
        rows.append([name, mean, seeds.mean, *(seeds.mean_interval or (None, None)), *[None] * 5])
    return rows


def _groups_table(compared: Compared) -> str:
    """Return the means over seeds beside each other."""
    rows = []
    for name, seeds in compared.groups:
        interval = "-" if seeds.mean_interval is None else "{:.4f} to {:.4f}".format(*seeds.mean_interval)
        sd = "-" if seeds.sd is None else f"{seeds.sd:.4f}"
        rows.append((name, len(seeds.accuracies), f"{seeds.mean:.4f}", sd, interval))
    heading = ["over seeds", "n", "mean", "sd", "95 % of the mean (Student's t)"]
    return table(heading, rows)


def _too_many_pairs(compared: Compared) -> str:
    return f"{counted(len(compared.pairs), 'pair')}, each with its p-value: --json has them."


def _verdicts(compared: Compared) -> list[Verdict]:
    from fittingroom.judging import judge

    return [judge(kept.labels, kept.probabilities, kept.class_names, resamples=0) for kept in compared.predictions]


def _scores(compared: Compared) -> str:
    rows = []
    for name, seed, verdict in zip(compared.names, compared.run_seeds, _verdicts(compared), strict=True):
        low, high = verdict.accuracy_interval
        rows.append((name, seed, f"{verdict.accuracy:.4f}", f"{low:.4f} to {high:.4f}", f"{verdict.log_loss:.4f}"))
    first = compared.predictions[0]
    lines = [
        table(["run", "seed", "accuracy", "95 %", "log loss"], rows),
        f"\n{counted(len(first.labels), f'{first.split} image')}, data {first.fingerprint}",
        references_line(compared.dataset),
    ]
    return "\n".join(line for line in lines if line)


def _show(compared: Compared, count: int, run: Path, data_dir: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fittingroom.pages.terminal_picture import drawing_for, picture

    places = compared.differ(count)
    pair = compared.pairs[0]
    emit(
        f"\nOnly {pair.first} is right on {counted(pair.only_first, 'image')}, only {pair.second} on "
        f"{counted(pair.only_second, 'image')}."
    )
    console = Console(highlight=False)
    drawing = drawing_for(console)
    images = None if drawing == "none" else _images(compared, places, run, data_dir)
    if images is None:
        emit(table(["image", "true label", *compared.names[:2]], [_answers(compared, place) for place in places]))
        return
    for place, image in zip(places, images, strict=True):
        index, true, *predicted = _answers(compared, place)
        words = [f"{name}: predicted {answer}" for name, answer in zip(compared.names, predicted, strict=False)]
        grid = Table.grid(padding=(0, 2))
        grid.add_row(picture(image, drawing), Text("\n".join([f"image {index}: true label {true}", *words])))
        console.print(grid)
        console.print()


def _images(compared: Compared, places: Sequence[int], run: Path, data_dir: Path | None) -> Images | None:
    """Return some of the images judged, or None where they are not of the dataset that the run learned from."""
    from fittingroom.runs import open_run
    from fittingroom.workflows.run_data import run_dataset

    data, first = run_dataset(open_run(run), data_dir), compared.predictions[0]
    if data.fingerprint != first.fingerprint:
        return None
    source = data.test if first.split == "test" else data.train
    return source.take(source.positions(first.indices[list(places)]), first.split).images


def _answers(compared: Compared, place: int) -> tuple[str, ...]:
    first = compared.predictions[0]
    predicted = [
        f"{kept.class_names[int(kept.probabilities[place].argmax())]} {float(kept.probabilities[place].max()):.0%}"
        for kept in compared.predictions[:2]
    ]
    return str(int(first.indices[place])), first.class_names[int(first.labels[place])], *predicted


def _as_json(compared: Compared, count: int) -> dict[str, object]:
    first = compared.predictions[0]
    return {
        "schema": "fittingroom/compare/1",
        "runs": list(compared.names),
        "scores": [
            {
                "run": name,
                "seed": seed,
                "accuracy": verdict.accuracy,
                "accuracy_interval": list(verdict.accuracy_interval),
                "log_loss": verdict.log_loss,
            }
            for name, seed, verdict in zip(compared.names, compared.run_seeds, _verdicts(compared), strict=True)
        ],
        "dataset": compared.dataset,
        "split": first.split,
        "fingerprint": first.fingerprint,
        "n": len(first.labels),
        "pairs": [asdict(pair) | {"sentence": str(pair)} for pair in compared.pairs],
        "seeds": _seeds_facts(compared.seeds) if compared.seeds else None,
        "groups": [{"name": name, **_seeds_facts(seeds)} for name, seeds in compared.groups],
        "differ": [int(first.indices[place]) for place in compared.differ(count)],
    }


def _seeds_facts(seeds: Seeds) -> dict[str, Any]:
    return asdict(seeds) | {"mean_interval": seeds.mean_interval}

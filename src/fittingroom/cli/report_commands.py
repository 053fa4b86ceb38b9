"""`fittingroom report`, `mistakes` and `class collect`: a run's page, what it gets wrong, the runs of a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fittingroom.cli.formats import Format, refuse_both, written_table
from fittingroom.cli.options import DataDir, DatasetName, Json, Quiet, whole
from fittingroom.cli.output import emit, emit_json, log_unless, table
from fittingroom.errors import UsageError
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.pages.answers import Answer
    from fittingroom.pages.interpretation import Interpretation
    from fittingroom.pages.terminal_picture import Drawing
    from fittingroom.workflows.class_collection import ClassReport


def report(
    *runs: Path,
    out: Annotated[
        Path | None, Parameter(help="Where a comparison goes, a .html file; comparison.html beside the first run.")
    ] = None,
    split: Annotated[
        Literal["validation", "test"] | None,
        Parameter(help="Which images a comparison is on; test where all runs were evaluated, else validation."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the page of a run into its folder, or one page that compares several, and print where it is.

    Args:
        runs: a run folder; or two and more, to compare.
    """
    from fittingroom.pages.report import report as write_page

    if not runs:
        raise UsageError("Expected a run folder, or several to compare. Example: fittingroom report runs/my-run")
    page = write_page(*runs, out=out, split=split, data_dir=data_dir, log=log_unless(quiet or json))
    if json:
        emit_json({"schema": "fittingroom/report/1", "runs": [str(run) for run in runs], "page": str(page)})
    else:
        emit(str(page))


NEIGHBOURS = 3
EXAMPLES = 3  # of each confused pair


def mistakes(
    run: Path,
    /,
    *,
    top_losses: Annotated[
        int | None, Parameter(help="How many of the highest losses; 6 if left out."), whole(1)
    ] = None,
    most_confused: Annotated[bool, Parameter(help="Which classes are confused most often, with examples.")] = False,
    class_: Annotated[str | None, Parameter(name="--class", help="Only images that truly are of this class.")] = None,
    confident: Annotated[
        bool, Parameter(help="The most confident mistakes first, instead of the highest losses.")
    ] = False,
    neighbours: Annotated[
        int, Parameter(help="How many similar training images to show with each; 0 for none."), whole(0)
    ] = NEIGHBOURS,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        Parameter(help="Which images; test where the run was evaluated, else validation."),
    ] = None,
    pictures: Annotated[
        Literal["auto", "half-blocks", "braille", "letters", "none"],
        Parameter(help="How to draw; auto: as the terminal can."),
    ] = "auto",
    save: Annotated[Path | None, Parameter(help="Save the pictures as one file: PNG, SVG or PDF.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the images that a run got most wrong, what it predicted, and the most similar training images.

    It scores nothing anew: test images are shown only where the run was evaluated on them.

    Args:
        run: its folder.
    """
    from fittingroom.pages.interpretation import interpret
    from fittingroom.runs import open_run
    from fittingroom.workflows.run_data import run_dataset

    opened = open_run(run)
    log = log_unless(quiet or json)
    seen = interpret(opened, run_dataset(opened, data_dir), split=split, log=log)
    chosen = _chosen(seen, most_confused, class_, confident, 6 if top_losses is None else top_losses, neighbours)
    if save is not None:
        _save(seen, chosen, save)
    if json:
        emit_json(_as_json(run, seen, chosen, most_confused, class_))
        return
    log(_title(seen, run))
    if most_confused:
        emit(_pairs_table(seen, class_))
    _show(seen, chosen, pictures, neighbours)


def _pairs(seen: Interpretation, class_: str | None) -> list[tuple[str, str, int]]:
    true = None if class_ is None else seen.class_names[seen.label_of(class_)]
    return [pair for pair in seen.most_confused() if true in (None, pair[0])][:10]


def _chosen(
    seen: Interpretation, confused: bool, class_: str | None, confident: bool, count: int, neighbours: int
) -> tuple[Answer, ...]:
    order = "confidence" if confident else "loss"
    if not confused:
        return seen.mistakes(count, order=order, true=class_, neighbours=neighbours)
    pairs = _pairs(seen, class_)[: max(1, count // EXAMPLES)]
    groups = (
        seen.mistakes(EXAMPLES, order=order, true=true, predicted=predicted, neighbours=neighbours)
        for true, predicted, _ in pairs
    )
    return tuple(mistake for group in groups for mistake in group)


def _title(seen: Interpretation, run: Path) -> str:
    wrong = int((seen.predicted != seen.split.labels).sum())
    kind = {"train": "training"}.get(seen.split.name, seen.split.name)
    verb = "is" if wrong == 1 else "are"
    return f"{run}: {wrong:,} of {counted(len(seen.split), f'{kind} image')} {verb} classified wrongly."


def _pairs_table(seen: Interpretation, class_: str | None) -> str:
    return table(["true label", "predicted", "count"], _pairs(seen, class_)) + "\n"


def _show(seen: Interpretation, chosen: Sequence[Answer], pictures: str, neighbours: int) -> None:
    from rich.console import Console

    from fittingroom.pages.terminal_picture import drawing_for

    console = Console(highlight=False)
    drawing: Drawing = drawing_for(console) if pictures == "auto" else pictures  # type: ignore[assignment]
    if not chosen:
        emit("No image was classified wrongly.")
    elif drawing == "none":
        emit(table(_HEADER, [_row(seen, mistake) for mistake in chosen]))
    else:
        _draw(console, seen, chosen, drawing, neighbours)


def _draw(console: Any, seen: Interpretation, chosen: Sequence[Answer], drawing: Drawing, neighbours: int) -> None:
    from fittingroom.pages.terminal_picture import mistake_block

    width = seen.split.images.shape[2] // (2 if drawing == "braille" else 1) + 1
    fit = min(neighbours, max(0, console.width // width))
    for mistake in chosen:
        near = [seen.training_image(each.index) for each in mistake.neighbours[:fit]]
        console.print(
            mistake_block(mistake, seen.split.name, seen.class_names, drawing, seen.image(mistake.index), near)
        )
        console.print()


_HEADER = ("image", "true label", "predicted", "confidence", "loss", "most similar training images")


def _row(seen: Interpretation, mistake: Answer) -> tuple[str, ...]:
    names = seen.class_names
    near = ", ".join(f"{names[each.label]} {each.index}" for each in mistake.neighbours)
    predicted = names[mistake.predicted]
    return str(mistake.index), names[mistake.label], predicted, f"{mistake.confidence:.2%}", f"{mistake.loss:.2f}", near


def _save(seen: Interpretation, chosen: Sequence[Answer], path: Path) -> None:
    from fittingroom.pages.figures import mistakes_figure, save_figure

    images = [seen.image(mistake.index) for mistake in chosen]
    save_figure(mistakes_figure(images, chosen, seen.class_names), path)


def _as_json(
    run: Path, seen: Interpretation, chosen: Sequence[Answer], confused: bool, class_: str | None
) -> dict[str, Any]:
    names = seen.class_names
    pairs = [{"true": true, "predicted": predicted, "count": count} for true, predicted, count in _pairs(seen, class_)]
    return {
        "schema": "fittingroom/mistakes/1",
        "run": str(run),
        "split": seen.split.name,
        "n": len(seen.split),
        "wrong": int((seen.predicted != seen.split.labels).sum()),
        **({"most_confused": pairs} if confused else {}),
        "mistakes": [
            {
                "index": each.index,
                "true": names[each.label],
                "predicted": names[each.predicted],
                "confidence": each.confidence,
                "loss": each.loss,
                "probabilities": dict(zip(names, each.probabilities, strict=True)),
                "neighbours": [{"index": near.index, "label": names[near.label]} for near in each.neighbours],
            }
            for each in chosen
        ],
    }


def collect(
    folder: Path,
    /,
    *,
    names: Annotated[bool, Parameter(help="Show the folders' names too, which may be those of persons.")] = False,
    out: Annotated[
        Path, Parameter(help="Where the page goes, a .html file; its figures go beside it, as .json.")
    ] = Path("class.html"),
    dataset: DatasetName = "fashion-mnist",
    data_dir: DataDir = None,
    format: Format = None,  # noqa: A002  (the option's own name)
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Collect the runs that a class has handed in: one table, one page; without names.

    Scores are judged anew, against the dataset's own labels. Copies, other data and what cannot be read are marked.

    Args:
        folder: in it a folder for each who hands in.
    """
    from fittingroom.data import load
    from fittingroom.pages import class_page
    from fittingroom.workflows.class_collection import collect_class

    refuse_both(format, json)
    log = log_unless(quiet or json)
    data = load(dataset, data_dir=data_dir, log=log)
    found = collect_class(folder, names=names, data=data, log=log)
    page = class_page.write_class_page(found, data, out)
    if json:
        emit_json({**found.to_dict(), "page": str(page)})
        return
    if format:
        emit(written_table(format, class_page.COLUMNS, class_page.plain_rows(found)))
        return
    emit(_class_table(found, names))
    told = (class_page.headline(found), class_page.spread_sentence(found), class_page.best_sentence(found))
    emit("\n" + "\n".join(line for line in told if line))
    if not names and any(row.error for row in found.runs):
        emit("Whose those are that cannot be judged: --names")
    emit(f"The page: {page}")


def _class_table(found: ClassReport, names: bool) -> str:
    from fittingroom.pages.class_page import words_of

    heading = ["code", *(["name"] if names else []), "network", "seed", "epochs", "training", "validation", "test"]
    rows = [
        [
            *([row.code or "-"] + ([row.name] if names else [])),
            *(row.model or "-", "-" if row.seed is None else row.seed, "-" if row.epochs is None else row.epochs),
            *(_four(row.train_accuracy), _four(row.val_accuracy), _four(row.accuracy if row.split == "test" else None)),
            words_of(row) or "",
        ]
        for row in found.runs
    ]
    return table([*heading, "what there is to say"], rows)


def _four(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"

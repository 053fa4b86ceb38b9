"""`fittingroom predict` and `export`: what pictures show, and a model for other programs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fittingroom.cli.options import Coverage, DataDir, Json, ModelName, Pixels, Quiet
from fittingroom.cli.output import emit, emit_json, log, log_unless, on_one_line, table
from fittingroom.data import class_names as fashion_names
from fittingroom.errors import DataError, UsageError
from fittingroom.words import counted, once_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fittingroom.arrays import Array
    from fittingroom.inference.predictor import Engine
    from fittingroom.workflows.picture_answers import Failure, PictureAnswer


TOLD_EVERY = 100  # pictures
STANDARD_INPUT = Path("-")
ENDINGS = {b"\x93NUMPY": ".npy", b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"GIF8": ".gif", b"RIFF": ".webp"}
NOT_EXPLAINED = "it is data, taken as it is: there are no steps to explain"
NOTHING_TO_CUT_OUT = "it is of one colour: there is nothing to cut out, and no step to explain"
NOT_SORTED = "not sorted: it is one of several pictures in a file"


def predict(
    *pictures: Annotated[Path, Parameter(help="Pictures, or folders of them; - for one on standard input.")],
    model: ModelName = None,
    as_: Annotated[
        Literal["auto", "data", "photo"],
        Parameter(
            name="--as", help="data is taken as it is; auto: .npy and grey pictures of the model's size are data."
        ),
    ] = "auto",
    explain: Annotated[
        Path | None,
        Parameter(help="Folder for one picture a photo: what a 28x28 network sees of it, step by step, and both say."),
    ] = None,
    sort_into: Annotated[
        Path | None, Parameter(help="Folder to copy the files into, a folder for each answer.")
    ] = None,
    halves: Annotated[
        bool, Parameter(help="Ask about each half too where a photo shows two of a kind, apart.")
    ] = False,
    untempered: Annotated[
        bool, Parameter(help="The network's own probabilities, not as sure as its record warrants.")
    ] = False,
    coverage: Coverage = None,
    per_class: Annotated[
        bool, Parameter(help="Of --coverage: for each class by itself, not over all of them.")
    ] = False,
    pixels: Pixels = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Name what is on photos of garments; or on pictures that look like the dataset's already.

    A photo may be JPEG, PNG, WebP, HEIC, TIFF, GIF or BMP of any size. Without --model fashion-mnist/photo answers
    photos, and fashion-mnist/photo-28 data; any other model is shown the article cut out, as its dataset would show it.
    Exits with 1 where some pictures failed, with 2 where all did.
    """
    from fittingroom.workflows.evaluation import open_settled
    from fittingroom.workflows.picture_answers import check_halves, name_pictures, pictures_in, writable_folder

    if not pictures:
        raise UsageError("Expected at least one picture or folder. Example: fittingroom predict shirt.jpg")
    for folder in (explain, sort_into):
        if folder is not None:
            writable_folder(folder)
    told = log_unless(quiet or json)
    if pixels is not None and model is None:
        raise UsageError("--pixels tells what a model of your own was fitted on: name it with --model.")
    if per_class and coverage is None:
        raise UsageError("--per-class says how --coverage is meant: give that too, such as --coverage 0.95.")
    thresholds = None if coverage is None else _thresholds(model, coverage, per_class, told)
    engine: Engine = "onnx" if thresholds is None else "keras"  # the very numbers that it was calibrated by
    predictor = None if model is None else open_settled(model, pixels=pixels, prefer=engine, log=told)
    check_halves(predictor, halves)
    how: dict[str, Any] = {"halves": halves, "tempered": not untempered, "thresholds": thresholds}
    with read_standard_input(pictures) as (given, named):
        files = pictures_in(given)
        found = _told(name_pictures(files, predictor, as_, **how), len(files), told)
        answers = [named(_carried_out(one, explain, sort_into)) for one in found]
    _print(answers, json, quiet)
    failed = sum(_is_failure(answer) for answer in answers)
    return 0 if not failed else 2 if failed == len(answers) else 1


def _thresholds(model: str | None, coverage: float, per_class: bool, log: Callable[[str], None]) -> Array:
    """Return the thresholds of the prediction sets that are asked for, and say what is promised."""
    from fittingroom.judging import check_coverage
    from fittingroom.workflows.evaluation import coverage_thresholds

    check_coverage(coverage, "--coverage")
    if model is None:
        raise UsageError(
            "--coverage is calibrated on the images that a run held out: name the run, --model runs/my-run. Train one "
            "with --validation 10000."
        )
    thresholds = coverage_thresholds(model, coverage, per_class=per_class, log=log)
    whole = "of each class " if per_class else ""
    log(f"Of pictures like the dataset's, {100 * coverage:g} % {whole}have the true class among those named.")
    return thresholds


@contextmanager
def read_standard_input(
    pictures: Sequence[Path],
) -> Iterator[tuple[list[Path], Callable[[PictureAnswer | Failure], PictureAnswer | Failure]]]:
    """Yield the files to answer, standard input among them as a file, and what gives its answers back their name, -.

    Raises:
        UsageError: nothing is on standard input.
    """
    if STANDARD_INPUT not in pictures:
        yield list(pictures), lambda answer: answer
        return
    content = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    if not content:
        raise UsageError(
            "Expected a picture on standard input, received nothing. Example: fittingroom predict - < a.jpg"
        )
    with TemporaryDirectory() as folder:
        ending = next((ending for start, ending in ENDINGS.items() if content.startswith(start)), "")
        file = Path(folder) / f"stdin{ending}"
        file.write_bytes(content)

        def named(answer: PictureAnswer | Failure) -> PictureAnswer | Failure:
            words = {
                key: getattr(answer, key).replace(str(file), "-") for key in ("path", "error") if hasattr(answer, key)
            }
            return replace(answer, **words)

        yield [file if path == STANDARD_INPUT else path for path in pictures], named


def _told(
    answers: Iterable[PictureAnswer | Failure], files: int, tell: Callable[[str], None]
) -> Iterator[PictureAnswer | Failure]:
    for number, answer in enumerate(answers, 1):
        if number % TOLD_EVERY == 0 and number < files:
            tell(f"{number:,} of {files:,} pictures")
        yield answer


def _carried_out(
    answer: PictureAnswer | Failure, explain: Path | None, sort_into: Path | None
) -> PictureAnswer | Failure:
    """Return an answer without its pictures, so that a thousand photos fit in memory, explained and copied."""
    from fittingroom.photos.finding import NothingFoundError
    from fittingroom.workflows import explaining, picture_answers
    from fittingroom.workflows.picture_answers import Failure, PictureAnswer

    if not isinstance(answer, PictureAnswer):
        return answer
    notes = list(answer.warnings)
    try:
        if explain is not None:
            notes.extend([NOT_EXPLAINED] * (explaining.save_explanation(explain, answer) is None))
        if sort_into is not None and picture_answers.sort_into(sort_into, answer) is None:
            notes.append(NOT_SORTED)
    except NothingFoundError:
        notes.append(NOTHING_TO_CUT_OUT)
    except DataError as error:
        return Failure(answer.path, str(error))
    return replace(answer, prepared=None, warnings=tuple(notes))


def _print(answers: list[PictureAnswer | Failure], json: bool, quiet: bool) -> None:
    from fittingroom.workflows.picture_answers import PictureAnswer, as_json, predictors_of

    if json:
        emit_json(as_json(answers))
        return
    tell = log_unless(quiet)
    good = [answer for answer in answers if isinstance(answer, PictureAnswer)]
    for predictor in predictors_of(good):
        if predictor.class_names is None:
            whose = "Fashion-MNIST's are taken" if good[0].label in fashion_names else "its outputs are numbered"
            tell(f"Nothing says what the classes of {predictor.title} are called: {whose}.")
        if predictor.temperature != 1:
            tell(f"Probabilities of {predictor.title} are tempered: logits divided by {predictor.temperature:.4g}.")
    if good:
        emit(table(["picture", "taken as", "is", "confidence", "else"], [_text(answer) for answer in good]))
    for answer in good:
        for note in answer.warnings:
            tell(f"{on_one_line(answer.path)}: {note}.")
    for words in once_each((one.error for one in answers if not isinstance(one, PictureAnswer)), "picture"):
        log(f"fittingroom: {on_one_line(words)}")


def _is_failure(answer: PictureAnswer | Failure) -> bool:
    return hasattr(answer, "error")


def _text(answer: PictureAnswer) -> tuple[str, ...]:
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
    others = ", ".join(f"{name} {share:.1%}" for name, share in ranked[1:3])
    return on_one_line(answer.path), answer.taken_as, answer.words, f"{answer.confidence:.1%}", others


def export(
    *,
    model: ModelName = None,
    format: Annotated[  # noqa: A002
        Literal["onnx", "keras", "web", "model-repository"] | None,
        Parameter(
            help="Of the file, as --out ends if left out, else onnx; or a folder: web, a page that runs the model; "
            "model-repository, for Triton, KServe and the like."
        ),
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="The file or folder; NAME.onnx, NAME.keras, NAME-page or models here if left out.")
    ] = None,
    dataset: Annotated[
        str | None,
        Parameter(name=["--dataset", "-d"], help="Whose test images to check on; the run's own if left out."),
    ] = None,
    data_dir: DataDir = None,
    pixels: Pixels = None,
    int8: Annotated[
        bool, Parameter(negative="", help="Of ONNX: in whole numbers of eight bits, a third of the size.")
    ] = False,
    most_lost: Annotated[float, Parameter(help="Points of accuracy that --int8 may cost.")] = 0.5,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a model as one file for other programs, or as a web page; without --model the newest run's.

    Pixels go in as uint8 0..255 of (n, height, width), any number of images; probabilities come out. An ONNX file is
    run by ONNX Runtime in a fresh process on all test images: every label has to be the model's own and every
    probability within 1e-4, otherwise the file is removed.
    """
    from fittingroom.workflows.exporting import export_model
    from fittingroom.workflows.run_data import newest_run

    log = log_unless(quiet or json)
    chosen = model or newest_run(log)
    if format in ("web", "model-repository"):
        if int8:
            raise UsageError(f"--int8 is for an ONNX file. Leave it out, or leave out --format {format}.")
        export_folder = _export_page if format == "web" else _export_entry
        export_folder(chosen, out, json, dataset=dataset, data_dir=data_dir, pixels=pixels, log=log)
        return
    file = out or _default_file(chosen, format or "onnx")
    if format is not None and file.suffix != f".{format}":
        raise UsageError(f"{file}: expected a file that ends in .{format}, as --format {format} asks.")
    more: dict[str, Any] = {"data_dir": data_dir, "pixels": pixels, "int8": int8, "most_lost": most_lost, "log": log}
    facts = _facts(export_model(chosen, file, dataset, **more))
    if json:
        emit_json(facts)
        return
    emit(f"{facts['path']}  {facts['size_bytes'] / 1e6:.2f} MB, its card {facts['card']}")
    if facts["none_of_these"]:
        emit(f"{facts['none_of_these']}  beside it: what is none of the classes; the two belong together.")
    if eight := facts["int8"]:
        share = eight["size_bytes"] / eight["size_bytes_float32"]
        emit(
            f"Eight bits: {eight['accuracy']:.4f} right of {counted(eight['n'], 'test image')}, "
            f"{eight['accuracy_float32']:.4f} without; {share:.0%} of the size."
        )
    elif checked := facts["checked"]:
        emit(
            f"Opset {facts['opset']}; input pixels, uint8 (n, height, width); output probabilities. In a fresh process "
            f"ONNX Runtime gave the same label on {checked['same_label']:,} of {checked['images']:,} images, "
            f"probabilities within {checked['largest_difference']:.0e}."
        )


def _export_page(model: str, out: Path | None, json: bool, **more: Any) -> None:
    from fittingroom.export.web_page import site_bytes
    from fittingroom.workflows.exporting import export_web_page

    dataset = more.pop("dataset")
    folder = export_web_page(model, out or Path(f"{_default_file(model, 'x').stem}-page"), dataset, **more)
    size = site_bytes(folder)
    if json:
        emit_json({"schema": "fittingroom/export/1", "path": str(folder), "size_bytes": size})
        return
    emit(f"{folder}  {size / 1e6:.1f} MB: a web page that runs the model in the visitor's browser.")
    emit(f"Look at it: python -m http.server 8080 --directory {folder}, then http://localhost:8080/")
    emit("Publish it: put the folder on any server of plain files, such as GitHub Pages.")


def _export_entry(model: str, out: Path | None, json: bool, **more: Any) -> None:
    from fittingroom.workflows.exporting import export_model_repository

    entry = export_model_repository(model, out or Path("models"), more.pop("dataset"), **more)
    if json:
        emit_json({"schema": "fittingroom/export/1", "path": str(entry)})
        return
    emit(f"{entry}  for Triton, KServe, OpenVINO Model Server and the like; the folder of models is {entry.parent}")
    emit(f"Serve it here: fittingroom serve --model {entry.name}={entry / '1' / 'model.onnx'}")


def _default_file(model: str, ending: str) -> Path:
    path = Path(model)
    return Path(f"{path.stem if path.is_file() else path.name}.{ending}")


def _facts(file: Path) -> dict[str, Any]:
    """Return what an exported file's card says of it, and where it lies."""
    from fittingroom.inference.model_files import read_card

    card = read_card(file)
    made, second = card["export"], card.get("none_of_these")
    names = ("images", "same_label", "largest_difference")
    return {
        "schema": "fittingroom/export/1",
        "path": str(file),
        "card": str(file.with_suffix(".json")),
        "none_of_these": str(file.with_name(second["file"])) if second else None,
        "size_bytes": file.stat().st_size,
        "opset": made.get("opset"),
        "fitted_on": made.get("fitted_on"),
        "int8": made.get("int8"),
        "checked": {name: made["checked"][name] for name in names} if "checked" in made else None,
    }


def explain(
    *pictures: Annotated[Path, Parameter(help="Pictures, or folders of them.")],
    out: Annotated[Path, Parameter(help="Folder for a picture of each answer; nothing in it is overwritten.")],
    model: ModelName = None,
    against: Annotated[
        str | None, Parameter(help="Why it is not this class: a name or a number; the runner-up if left out.")
    ] = None,
    method: Annotated[
        Literal["occlusion", "smoothgrad"],
        Parameter(
            help="occlusion covers parts of the picture, of any model; smoothgrad takes gradients of Keras models."
        ),
    ] = "occlusion",
    json: Json = False,
) -> None:
    """Draw which pixels an answer hangs on: what speaks for it, and what for it rather than another class.

    Grey pictures of the model's size and .npy files are data, taken as they are; all others are photos. Without --model
    fashion-mnist/photo answers photos, and fashion-mnist/photo-28 data.
    """
    from fittingroom.workflows.attributions import explain_pictures
    from fittingroom.workflows.picture_answers import pictures_in

    if not pictures:
        raise UsageError("Expected at least one picture or folder. Example: fittingroom explain shirt.jpg --out why")
    rows: list[dict[str, Any]] = []
    for path, found, saved in explain_pictures(pictures_in(pictures), model, out, against=against, method=method):
        for chances, picture in zip(found.probabilities, saved, strict=True):
            named = dict(zip(found.class_names, map(float, chances), strict=True))
            best = sorted(named, key=lambda name: -named[name])
            rows.append({"path": str(path), "predicted": best[0], "probabilities": named, "picture": str(picture)})
            if not json:
                emit(f"{on_one_line(str(path))}: {best[0]}, {named[best[0]]:.1%}. Why: {on_one_line(str(picture))}")
    if json:
        emit_json({"schema": "fittingroom/explain/1", "method": method, "answers": rows})

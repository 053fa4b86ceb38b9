"""`fittingroom data` and `explore`: have a dataset, verify it, make one of photos, and look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import fittingroom.data as data
from fittingroom.cli.options import DataDir, DatasetName, Json, Quiet, whole
from fittingroom.cli.output import emit, emit_json, log, log_unless, table
from fittingroom.data.converting import convert_data
from fittingroom.data.folder import is_idx_name, rewrite
from fittingroom.errors import UsageError
from fittingroom.pages.exploration import explore as explore_dataset
from fittingroom.words import counted, once_each

FASHION = "fashion-mnist"


def list_(*, json: Json = False) -> None:
    """Print the datasets we know, and whether they are on this machine."""
    rows = data.list_datasets()
    if json:
        emit_json({"schema": "fittingroom/data-list/1", "datasets": rows})
    else:
        emit(table(["name", "what", "on this machine"], [(r["name"], r["what"], r["found"] or "no") for r in rows]))


def info(name: str = FASHION, *, data_dir: DataDir = None, json: Json = False) -> None:
    """Print shapes, counts, classes and fingerprint of a dataset.

    Args:
        name: a known dataset, or a folder with four IDX files.
    """
    dataset = data.load(name, data_dir=data_dir, log=log)
    facts: dict[str, Any] = {
        "schema": "fittingroom/data-info/1",
        "name": dataset.name,
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "train_shape": list(dataset.train.images.shape),
        "test_shape": list(dataset.test.images.shape),
        "class_names": list(dataset.class_names),
    }
    if json:
        emit_json(facts)
    else:
        emit(table(["what", "value"], [(key, _words(value)) for key, value in facts.items() if key != "schema"]))


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def get(name: str = FASHION, *, data_dir: DataDir = None, quiet: Quiet = False) -> None:
    """Get a dataset into our cache, verify it, and print the folder.

    Args:
        name: a known dataset.
    """
    emit(str(data.get(name, data_dir=data_dir, log=log_unless(quiet))))


def verify(name: str = FASHION, *, data_dir: DataDir = None, json: Json = False) -> int:
    """Hash every byte of a dataset again; exit with 1 where a file is not what it should be.

    Args:
        name: a known dataset, or a folder with four IDX files.
    """
    checks = data.verify(name, data_dir=data_dir)
    rows = [(check.name, "sound" if check.ok else "NOT SOUND", check.sha256 or "-") for check in checks]
    if json:
        files = [{"name": c.name, "path": str(c.path), "sha256": c.sha256, "problem": c.problem} for c in checks]
        emit_json({"schema": "fittingroom/data-verify/1", "name": name, "files": files})
    else:
        emit(table(["file", "is", "SHA-256 of the decompressed bytes"], rows))
    for check in checks:
        if check.problem:
            log(check.problem)
    return 0 if all(check.ok for check in checks) else 1


def path(name: str = FASHION, *, data_dir: DataDir = None) -> int:
    """Print where a dataset lies on this machine; exit with 1 where it would have to be fetched.

    Args:
        name: a known dataset, or a folder with four IDX files.
    """
    folder = data.locate(name, data_dir=data_dir)
    if folder is None:
        log(f"{name} is not on this machine. Get it with: fittingroom data get {name}")
        return 1
    emit(str(folder))
    return 0


def import_(
    folder: Path,
    *,
    out: Annotated[Path, Parameter(help="Folder to make.")],
    gzip: Annotated[bool, Parameter(help="Write the four files gzipped, as Fashion-MNIST's own are.")] = False,
    labels_from: Annotated[
        int,
        Parameter(help="Of a folder of IDX files: the number of the first class, where labels do not count from 0."),
        whole(0),
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a dataset of your own photos: in each, the article is found and shown as the dataset would show it.

    The folder holds a folder of photos for each class, or such folders in two, train and test. What is 28x28 and grey
    already is taken to the byte. Out come four IDX files that every MNIST loader reads, six training images for each
    test image where the folders do not say, the classes' names, a contact sheet and a report of what was left out.
    Exits with 1 where some photos were left out. A folder of IDX files of other kinds (EMNIST, QMNIST, labels of four
    bytes or counted from 1) is written anew in the usual form.

    Args:
        folder: with the class folders.
    """
    if any(is_idx_name(one.name) for one in folder.glob("*")):
        return _rewritten(folder, out, labels_from, gzip, json, quiet)
    if labels_from:
        raise UsageError(f"--labels-from is for a folder of IDX files; {folder} holds none.")
    from fittingroom.photos.importing import import_photos

    made = import_photos(folder, out, log_unless(quiet or json), gzipped=gzip)
    if json:
        emit_json(
            {
                "schema": "fittingroom/data-import/1",
                "folder": str(made.folder),
                "class_names": list(made.class_names),
                "with_photos": [made.class_names[label] for label in made.with_photos],
                "train": made.train,
                "test": made.test,
                "taken_as_data": made.as_data,
                "warned": made.warned,
                "called_otherwise": list(made.called_otherwise),
                "left_out": [{"path": str(one.path), "error": one.reason} for one in made.left_out],
            }
        )
    else:
        train, test = counted(made.train, "training image"), counted(made.test, "test image")
        emit(f"{made.folder}: {train} and {test}; {made.classes()}.")
        if made.as_data:
            emit(f"{made.as_data:,} of the files were 28x28 and grey, and were taken unchanged.")
        warned = counted(made.warned, "photo")
        emit(f"Look at {made.folder / 'contact-sheet.png'}; {warned} with warnings, in report.txt.")
        if made.called_otherwise:
            count = counted(len(made.called_otherwise), "photo")
            emit(f"fashion-mnist/photo surely predicts another class than the folder for {count}: see report.txt.")
    for reason in once_each((one.reason for one in made.left_out), "photo"):
        log(f"Left out: {reason}")
    return 1 if made.left_out else 0


def convert(
    source: str,
    out: Path,
    *,
    from_: Annotated[
        str | None, Parameter(name="--from", help="Format of IN, where what it is cannot be seen.")
    ] = None,
    to: Annotated[
        str | None,
        Parameter(name="--to", help="Format of OUT; else told by its ending, or four gzipped IDX files without one."),
    ] = None,
    test: Annotated[
        Path | None, Parameter(name="--test", help="The test part, where it is a file or folder of its own.")
    ] = None,
    hold_out: Annotated[
        int | None,
        Parameter(name="--hold-out", help="Make this many images the test part, every class in proportion, seed 0."),
        whole(1),
    ] = None,
    labels_from: Annotated[
        int, Parameter(name="--labels-from", help="Number of the first class in IN, where it is not 0."), whole(0)
    ] = 0,
    edits: Annotated[
        Path | None, Parameter(help="A completed edits.csv of `fittingroom audit`: carried out on what is written.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn a dataset from one form of files into another; pixels, labels, names and order stay as they are.

    Formats: idx.gz, idx, torchvision, npz, csv, parquet, huggingface, png, png-csv, mat. What is made appears whole or
    not at all, with a description of it in Croissant (JSON-LD). What cannot be known is refused, with the option that
    settles it.

    Args:
        source: a known dataset, or a file or folder.
        out: the file or folder to make.
    """
    made = convert_data(
        source,
        out,
        from_format=from_,
        to_format=to,
        test=test,
        hold_out=hold_out,
        labels_from=labels_from,
        edits=edits,
        log=log_unless(quiet or json),
    )
    if json:
        emit_json(
            {
                "schema": "fittingroom/data-convert/1",
                "path": str(made.path),
                "format": made.format_name,
                "train": made.train,
                "test": made.test,
                "image_shape": list(made.image_shape),
                "class_names": list(made.class_names),
                "description": str(made.description),
            }
        )
        return
    height, width = made.image_shape
    parts = [counted(made.train, "training image")]
    if made.test:
        parts.append(counted(made.test, "test image"))
    classes = counted(len(made.class_names), "class", "classes")
    emit(f"{made.path}: {' and '.join(parts)} of {height}x{width} in {classes}, as {made.format_name}.")


def _rewritten(folder: Path, out: Path, labels_from: int, gzip: bool, json: bool, quiet: bool) -> int:
    made = rewrite(folder, out, labels_from=labels_from, gzipped=gzip, log=log_unless(quiet or json))
    facts = {
        "folder": str(out),
        "class_names": list(made.class_names),
        "train": len(made.train),
        "test": len(made.test),
    }
    if json:
        emit_json({"schema": "fittingroom/data-import/1", **facts, "left_out": []})
    else:
        train, test = counted(len(made.train), "training image"), counted(len(made.test), "test image")
        emit(f"{out}: {train} and {test} of {counted(made.classes, 'class', 'classes')}.")
    return 0


def explore(
    *,
    dataset: DatasetName = "fashion-mnist",
    data_dir: DataDir = None,
    pictures: Annotated[Path | None, Parameter(help="A folder to save three pictures into, as PNG.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print shapes, counts, labels per class and pixel range; with --pictures, save what there is to see."""
    found = explore_dataset(dataset, data_dir=data_dir, pictures=pictures, log=log_unless(quiet or json))
    if json:
        emit_json(found)
        return
    emit(table(["split", "images", "labels", "pixels"], [_split_row(split) for split in found["splits"]]))
    counts, names = [split["labels_per_class"] for split in found["splits"]], found["class_names"]
    emit("")
    emit(table(["label", "class", "train", "test"], zip(range(len(names)), names, *counts, strict=True)))
    for path in found["pictures"]:
        emit(path)


def _split_row(split: dict[str, Any]) -> tuple[object, ...]:
    low, high = split["pixel_range"]
    return split["name"], split["images"], split["labels"], f"{split['dtype']} {low}..{high}, mean {split['mean']:.4f}"

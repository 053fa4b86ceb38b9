"""The formats by name: what each is, how it is known, who reads and who writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from fittingroom.data.formats.array_files import read_mat, read_npz, write_mat, write_npz
from fittingroom.data.formats.contents import Contents
from fittingroom.data.formats.csv_tables import is_csv_folder, read_csv, write_csv, write_csv_folder
from fittingroom.data.formats.idx_folders import (
    is_idx_folder,
    is_torchvision_root,
    read_idx_folder,
    read_torchvision,
    write_gzipped_idx_folder,
    write_idx_folder,
    write_torchvision,
)
from fittingroom.data.formats.parquet_files import (
    is_huggingface_folder,
    read_huggingface,
    read_parquet,
    write_huggingface,
    write_parquet,
)
from fittingroom.data.formats.png_folders import (
    is_class_folders,
    is_picture_table,
    read_class_folders,
    read_picture_table,
    write_class_folders,
    write_picture_table,
)
from fittingroom.data.idx import reading
from fittingroom.errors import DataError, UsageError
from fittingroom.files import file_kind
from fittingroom.lookup import look_up
from fittingroom.progress import Log
from fittingroom.words import listed

Read: TypeAlias = Callable[[Path, Log], Contents]
Write: TypeAlias = Callable[[Contents, Path], None]


class Format(NamedTuple):
    """One form of data.

    Attributes:
        title: what it is, in words.
        reads: returns what a file or folder holds.
        is_folder: says whether a folder is of this form; None where no folder is.
        writes_folder: writes into an empty folder; None where the form is a file only.
        ending: of a file of this form; empty where it is a folder only.
        writes_file: writes one file; None where the form is a folder only.
    """

    title: str
    reads: Read
    is_folder: Callable[[Path], bool] | None = None
    writes_folder: Write | None = None
    ending: str = ""
    writes_file: Write | None = None


FORMATS = {
    "idx.gz": Format("four gzipped IDX files", read_idx_folder, is_idx_folder, write_gzipped_idx_folder),
    "idx": Format("four IDX files", read_idx_folder, None, write_idx_folder),
    "torchvision": Format("torchvision's root", read_torchvision, is_torchvision_root, write_torchvision),
    "npz": Format("NumPy's arrays", read_npz, ending=".npz", writes_file=write_npz),
    "csv": Format("a table of pixels", read_csv, is_csv_folder, write_csv_folder, ".csv", write_csv),
    "parquet": Format("a Parquet file", read_parquet, ending=".parquet", writes_file=write_parquet),
    "huggingface": Format("a Hugging Face folder", read_huggingface, is_huggingface_folder, write_huggingface),
    "png": Format("PNGs in class folders", read_class_folders, is_class_folders, write_class_folders),
    "png-csv": Format("PNGs with a table of labels", read_picture_table, is_picture_table, write_picture_table),
    "mat": Format("MATLAB's arrays, as EMNIST's", read_mat, ending=".mat", writes_file=write_mat),
}
USUAL = "idx.gz"  # of a folder whose form is not said


def recognised(path: Path) -> list[str]:
    """Return the names of the formats that a file or folder may be of.

    Args:
        path: of a file or folder.

    Raises:
        DataError: the folder cannot be searched.
    """
    with reading(path):
        if path.is_dir():
            return [name for name, form in FORMATS.items() if form.is_folder is not None and form.is_folder(path)]
        return [name for name, form in FORMATS.items() if form.ending and path.suffix.lower() == form.ending]


def read_contents(path: Path, format_name: str | None, log: Log) -> Contents:
    """Return what a file or folder holds.

    Args:
        path: of a file or folder.
        format_name: a key of `FORMATS`; None to find out.
        log: takes one line for each choice that was made.

    Raises:
        UsageError: no such format, or a library is missing.
        DataError: nothing there, nothing that is known, or what fits several formats.
    """
    with reading(path):
        path.stat()
        if (kind := file_kind(path)) not in ("a file", "a folder"):
            raise DataError(f"{path}: expected a file or a folder, found {kind}.")
        name = _only_one(path) if format_name is None else format_name
        return look_up(name, FORMATS, "format").reads(path, log)


def _only_one(path: Path) -> str:
    found = recognised(path)
    if len(found) == 1:
        return found[0]
    if found:
        titles = listed([FORMATS[name].title for name in found])
        raise DataError(f"{path}: holds {titles}. Say which with --from: {', '.join(found)}.")
    raise DataError(
        f"{path}: expected a dataset in one of the known forms, found none. Say which it is with --from: "
        f"{', '.join(FORMATS)}."
    )


def writer_for(out: Path, format_name: str | None) -> tuple[str, Write, bool]:
    """Return the format of a path to be written, its writer, and whether it is a folder.

    Args:
        out: of a file by its ending, otherwise of a folder.
        format_name: a key of `FORMATS`; None to go by the ending, four gzipped IDX files where there is none.

    Raises:
        UsageError: no such format, or a name that does not fit it.

    Example:
        >>> writer_for(Path("hats.npz"), None)[0], writer_for(Path("hats"), None)[0]
        ('npz', 'idx.gz')
    """
    ending = out.suffix.lower()
    if format_name is None:
        format_name = next((name for name, form in FORMATS.items() if ending and form.ending == ending), None)
        if format_name is None and ending:
            raise UsageError(
                f"{out}: the ending {ending} tells none of the formats. Say which with --to: {', '.join(FORMATS)}."
            )
    name = format_name or USUAL
    form = look_up(name, FORMATS, "format")
    if form.writes_file is not None and ending == form.ending:
        return name, form.writes_file, False
    if form.writes_folder is None:
        hint = " A folder of Parquet files is --to huggingface." if name == "parquet" else ""
        raise UsageError(f"{out}: expected a name that ends in {form.ending} for the format {name}.{hint}")
    return name, form.writes_folder, True

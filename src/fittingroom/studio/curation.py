"""Sheets of pictures that a person decides about: suspects of an audit, a selection of one's own, pictures to label.

Each sheet is a folder beside the folder of runs with one file of edits; every decision is in that file before the
request that made it is answered, so that nothing is lost when the studio or the machine is killed. A journal beside
it, ``curation.jsonl``, holds what was there before, for undoing.

An audit is made in a process of its own: python -m fittingroom.studio.curation DATASET RECIPE FOLDER
"""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.audit.audit_files import VALUES
from fittingroom.data import DATASETS
from fittingroom.data.edits import EDITS, HEAD, Editable, edits_text, parse_edits, read_rows
from fittingroom.errors import DataError, FittingRoomError
from fittingroom.files import append_json_line, atomic_write, file_kind, read_json, read_json_lines
from fittingroom.lookup import suggest
from fittingroom.pages.label_sheet import LABELS, LabelSheet, open_label_sheet
from fittingroom.studio.jobs import tell, told_errors
from fittingroom.studio.run_table import is_own
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fittingroom.data import Dataset
    from fittingroom.progress import Progress
    from fittingroom.studio.state import Studio

JOURNAL = "curation.jsonl"
JOURNAL_BYTES = 16 << 20  # beyond it the journal is begun anew, and what is older can no longer be undone
CURATED = "curated"  # key and end of the folder's name of a person's own sheet
HEAD_BYTES = 4096  # of a file of edits that are looked at to tell whose it is
TAG = re.compile(r"[^\W_][\w .()+-]{0,39}")  # begins with a letter or digit: a spreadsheet takes it for no formula
TAGS = "; "  # between the tags of one image
Change = dict[str, Any]
_WRITING = threading.Lock()


@dataclass(frozen=True, eq=False)
class Sheet:
    """Pictures to decide about, and the file that the decisions stand in.

    Attributes:
        key: what requests call it: "audit/FOLDER", "curated", or "labels/FOLDER".
        file: of the edits; a person's own may not be there yet.
        data: what the edits are for.
    """

    key: str
    file: Path
    data: Editable

    @property
    def kind(self) -> str:
        """What it is: "audit", "curated" or "labels"."""
        return self.key.partition("/")[0]

    @property
    def place(self) -> str:
        """The file as the user finds it: below the folder of audits."""
        return f"{self.file.parent.parent.name}/{self.file.parent.name}/{self.file.name}"

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of the file as they stand; none where it is not there yet.

        Raises:
            DataError: it was damaged, or completed by something that cannot be followed.
        """
        return read_rows(self.file, self.data) if self.file.exists() else []

    def split_of(self, image: int) -> tuple[str, int]:
        """Return split and position in its file of an image of the studio's row, training images first.

        Raises:
            Problem: 422, there is no such image.
        """
        train, test = len(self.data.train.labels), self._test_images
        if not 0 <= image < train + test:
            raise Problem(422, f"Expected an image of this sheet, 0 to {train + test - 1:,}, received {image}.")
        return ("train", image) if image < train else ("test", image - train)

    def image_of(self, split: str, index: int) -> int | None:
        """Return an image's place in the studio's row; None where there is no such image."""
        train = len(self.data.train.labels)
        count, first = (train, 0) if split == "train" else (self._test_images, train)
        return first + index if 0 <= index < count else None

    def label_of(self, split: str, index: int) -> int:
        """Return the label that an image has."""
        part = self.data.train if split == "train" else self.data.test  # type: ignore[attr-defined]
        return int(part.labels[index])

    @property
    def _test_images(self) -> int:
        return 0 if isinstance(self.data, LabelSheet) else len(self.data.test)  # type: ignore[attr-defined]


def sheets_of(studio: Studio, dataset: str) -> list[Sheet]:
    """Return a dataset's audits, a person's own sheet, and all sheets of pictures to label.

    Args:
        studio: with its folder of audits.
        dataset: a name of the studio's; "" for the sheets that belong to none.
    """
    if not dataset:
        return list(_label_sheets(studio.audits))
    data = studio.registry.open(dataset).data
    audits = [
        Sheet(f"audit/{folder.name}", folder / EDITS, data)
        for folder in _folders(studio.audits)
        if (folder / VALUES).is_file() and _fingerprint(folder / EDITS) == data.fingerprint
    ]
    own = Sheet(CURATED, studio.audits / f"{_plain(dataset, data)}-{CURATED}" / EDITS, data)
    return [*audits, own, *_label_sheets(studio.audits)]


def find_sheet(studio: Studio, dataset: str, key: str) -> Sheet:
    """Return the sheet of a key.

    Raises:
        Problem: 404, there is none; or as `DatasetRegistry.open`.
        DataError: a sheet of pictures to label is damaged.
    """
    kind, _, name = key.partition("/")
    if kind == "labels":
        folder = studio.audits / name
        if folder in _folders(studio.audits) and (folder / LABELS).is_file():
            return Sheet(key, folder / LABELS, open_label_sheet(folder))
    found = {sheet.key: sheet for sheet in sheets_of(studio, dataset)} if dataset else {}
    if key not in found:
        raise Problem(404, f"No sheet '{key[:80]}' for these data. {suggest(key[:80], found)}")
    return found[key]


def _folders(root: Path) -> list[Path]:
    return [one for one in sorted(root.iterdir()) if one.is_dir() and is_own(one, root)] if root.is_dir() else []


def _fingerprint(path: Path) -> str | None:
    """Return of which data a file of edits says that it is; None where it does not say."""
    if file_kind(path) != "a file":
        return None
    with path.open("rb") as file:
        first = file.read(HEAD_BYTES).partition(b"\n")[0].decode("utf-8", "replace")
    head = HEAD.match(first.removeprefix("\ufeff").strip().strip('"'))
    return head["fingerprint"] if head else None


def _label_sheets(root: Path) -> Iterator[Sheet]:
    for folder in _folders(root):
        if (folder / LABELS).is_file():
            try:
                yield Sheet(f"labels/{folder.name}", folder / LABELS, open_label_sheet(folder))
            except DataError:  # whoever asks for it by its key is told what is wrong with it
                continue


def _plain(dataset: str, data: Dataset) -> str:
    """Return a dataset's name as the beginning of a folder's; of one that is not known, with its fingerprint."""
    name = re.sub(r"[^\w.-]+", "-", dataset).strip("-.") or "data"
    return name if dataset in DATASETS else f"{name}-{data.fingerprint[:8]}"


def audit_folder(studio: Studio, dataset: str, recipe: str) -> Path:
    """Return where an audit of a dataset by a recipe lies, as `fittingroom audit` calls it too where it is known."""
    return studio.audits / f"{_plain(dataset, studio.registry.open(dataset).data)}-{recipe}"


def summary(sheet: Sheet) -> dict[str, Any]:
    """Return a sheet as a line of the list: what it is called, and how far it is decided."""
    told = {"key": sheet.key, "kind": sheet.kind, "file": sheet.place, "name": sheet.file.parent.name}
    try:
        return told | _counts(sheet.rows())
    except FittingRoomError as error:
        return told | {"error": " ".join(str(error).split())}


def _counts(rows: Sequence[dict[str, str]]) -> dict[str, Any]:
    verbs = Counter(row["edit"].partition(" ")[0].casefold() for row in rows)
    tags = Counter(tag for row in rows for tag in tags_of(row))
    decided = {"kept": verbs["keep"], "excluded": verbs["exclude"], "relabelled": verbs["relabel"]}
    return {"rows": len(rows), "decided": sum(decided.values()), **decided, "tags": dict(sorted(tags.items()))}


def tags_of(row: dict[str, str]) -> list[str]:
    """Return an image's tags.

    Example:
        >>> tags_of({"tags": "zip; no garment"})
        ['zip', 'no garment']
    """
    return [tag.strip() for tag in row.get("tags", "").split(";") if tag.strip()]


def told_rows(sheet: Sheet) -> dict[str, Any]:
    """Return a sheet as the page shows it: its pictures in the order of the file, with what speaks for and against.

    Raises:
        DataError: a file of it is damaged.
    """
    rows, speaking = sheet.rows(), _speaking(sheet)
    found = []
    for row in rows:
        split, image = _key(row), None
        image = sheet.image_of(*split)
        if image is None:
            raise DataError(f"{sheet.file}: expected images of {sheet.data.name}, found {split[0]} image {split[1]}.")
        told = {"image": image, "edit": row["edit"], "tags": tags_of(row), "given": sheet.label_of(*split)}
        words = {key: row.get(key, "") for key in ("suggested", "score", "reason", "file") if row.get(key)}
        found.append(told | words | speaking.get(image, {}))
    undo = len(_undoable(sheet))
    names = {"class_names": list(sheet.data.class_names), "fingerprint": sheet.data.fingerprint}
    return {**summary(sheet), **names, "undo": undo, "items": found}


def _key(row: dict[str, str]) -> tuple[str, int]:
    text = row["index"]
    split = "test" if row.get("split", "").casefold() == "test" else "train"
    return split, int(text) if text.isascii() and text.isdigit() else -1


def _speaking(sheet: Sheet) -> dict[int, dict[str, Any]]:
    """Return of each suspect of an audit the training images that speak for its label and against it."""
    if sheet.kind != "audit":
        return {}
    path, found = sheet.file.with_name(VALUES), {}
    values = read_json(path, {"fingerprint": "str", "splits": "list"})
    try:
        for one in (one for split in values["splits"] for one in split["suspects"]):
            image = sheet.image_of(str(one["item"]["split"]), int(one["item"]["index"]))
            sides = [
                [sheet.image_of(str(item["split"]), int(item["index"])) for item in one[side]]
                for side in ("speaking_for", "speaking_against")
            ]
            if image is not None:
                known = [[item for item in side if item is not None] for side in sides]
                found[image] = {"speaking_for": known[0], "speaking_against": known[1]}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: expected the values of an audit, found others. Make the audit anew.") from error
    return found


def decide(sheet: Sheet, images: Sequence[int], edit: str) -> dict[str, Any]:
    """Write one decision about some images.

    Args:
        sheet: that they are on, or are put on with this.
        images: places in the studio's row.
        edit: "keep", "exclude", "relabel CLASS", or "" for undecided.

    Returns:
        What changed: for each image its edit and tags as they are now; and how far the sheet is.

    Raises:
        Problem: 422, a test image, another word, or no such class or image.
        DataError: the file was damaged meanwhile; nothing is written.
    """
    verb, _, name = edit.partition(" ")
    if verb not in ("keep", "exclude", "relabel", "") or (name and verb != "relabel"):
        raise Problem(422, f"Expected keep, exclude, relabel CLASS or nothing, received '{edit[:60]}'.")
    if verb == "relabel" and name not in sheet.data.class_names:
        raise Problem(422, f"Expected a class to relabel to. {suggest(name[:60], sheet.data.class_names)}")

    def decided(row: dict[str, str], split: str, index: int) -> None:
        if split == "test" and edit:
            raise Problem(422, "Test images stay as they are, so that scores stay comparable; a tag they may have.")
        same = verb == "relabel" and sheet.data.class_names[sheet.label_of(split, index)] == name
        row["edit"] = "keep" if same else edit

    return _changed(sheet, images, decided)


def put_tag(sheet: Sheet, images: Sequence[int], tag: str, *, on: bool) -> dict[str, Any]:
    """Give some images a tag, or take it from them; a tag is what a saved selection is kept by, too.

    Args:
        sheet: that they are on, or are put on with this.
        images: places in the studio's row.
        tag: up to forty letters, digits, spaces and a few signs.
        on: whether it is given or taken.

    Raises:
        Problem: 422, a tag that cannot be one; or as `decide`.
    """
    if not TAG.fullmatch(tag):
        raise Problem(422, f"Expected a tag of 1 to 40 letters, digits and spaces, received '{tag[:60]}'.")

    def tagged(row: dict[str, str], *_: object) -> None:
        others = [one for one in tags_of(row) if one != tag]
        row["tags"] = TAGS.join([*others, tag] if on else others)

    return _changed(sheet, images, tagged)


def _changed(sheet: Sheet, images: Sequence[int], change: Callable[[dict[str, str], str, int], None]) -> dict[str, Any]:
    with _WRITING:
        rows = sheet.rows()
        by_image = _by_image(rows)
        changes: list[Change] = []
        for image in dict.fromkeys(images):
            split, index = sheet.split_of(image)
            row = by_image.get((split, index))
            before = {"edit": "", "tags": ""} if row is None else _state(row)
            if row is None:
                given = sheet.data.class_names[sheet.label_of(split, index)]
                row = {"index": str(index), "split": split, "edit": "", "given": given, "reason": "chosen by hand"}
                rows.append(row)
            change(row, split, index)
            changes.append({"image": image, "before": before, "after": _state(row)})
        _write(sheet, rows)
        _note(sheet, {"changes": changes})
    return _told(sheet, [(each["image"], each["after"]) for each in changes])


def _by_image(rows: list[dict[str, str]]) -> dict[tuple[str, int], dict[str, str]]:
    """Return the row of each image; where it stands twice, which the file may, the one with a decision."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for row in rows:
        before = found.get(_key(row))
        if before is None or (row["edit"] and not before["edit"]):
            found[_key(row)] = row
    return found


def _state(row: dict[str, str]) -> dict[str, str]:
    return {"edit": row["edit"], "tags": row.get("tags", "")}


def _write(sheet: Sheet, rows: list[dict[str, str]]) -> None:
    text = edits_text(sheet.data, rows)
    parse_edits(sheet.file, text, sheet.data)  # what could not be read again is not written
    sheet.file.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(sheet.file, text)


def _note(sheet: Sheet, line: dict[str, Any]) -> None:
    path = sheet.file.with_name(JOURNAL)
    if path.exists() and path.stat().st_size > JOURNAL_BYTES:
        path.unlink()
    append_json_line(path, {"time": datetime.now(UTC).isoformat(timespec="seconds"), **line})


def _undoable(sheet: Sheet) -> list[list[Change]]:
    """Return what can be undone, the newest last."""
    stack: list[list[Change]] = []
    for line in read_json_lines(sheet.file.with_name(JOURNAL)):
        if "changes" in line:
            stack.append(line["changes"])
        elif stack:
            stack.pop()
    return stack


def undo(sheet: Sheet) -> dict[str, Any]:
    """Take the last decision or tag back; also one that was made before the studio was started again.

    Raises:
        Problem: 409, there is nothing to undo, or the file was changed elsewhere since.
        DataError: the file was damaged meanwhile.
    """
    with _WRITING:
        stack = _undoable(sheet)
        if not stack:
            raise Problem(409, "There is nothing to undo.")
        rows = sheet.rows()
        by_image = _by_image(rows)
        changes = stack[-1]
        try:
            for each in changes:
                row = by_image[sheet.split_of(each["image"])]
                if _state(row) != each["after"]:
                    raise KeyError
                row.update(each["before"])
        except (KeyError, TypeError, Problem):
            raise Problem(
                409, f"{sheet.place} was changed elsewhere since, so this cannot be undone here. Change it there."
            ) from None
        _write(sheet, rows)
        _note(sheet, {"undone": len(changes)})
    return _told(sheet, [(each["image"], each["before"]) for each in changes])


def _told(sheet: Sheet, changed: list[tuple[int, dict[str, str]]]) -> dict[str, Any]:
    rows = [
        {
            "image": image,
            "edit": state["edit"],
            "tags": tags_of(state),
            "given": sheet.label_of(*sheet.split_of(image)),
        }
        for image, state in changed
    ]
    return {**summary(sheet), "undo": len(_undoable(sheet)), "changed": rows}


def audit_data(source: str | Path, recipe: str, out: Path) -> None:
    """Audit a dataset, told of by lines of JSON; the labels of the test images are left alone: no look is spent.

    Raises:
        FittingRoomError: as `fittingroom.audit_dataset`.
    """
    from fittingroom.audit.folds import FOLDS
    from fittingroom.pages.audit_report import audit_dataset

    at = {"fold": 0}

    def log(line: str) -> None:
        if begins := re.match(r"Fold (\d+) of", line):
            at["fold"] = int(begins[1]) - 1
        if begins or line.startswith("Looking"):
            tell(0.9 * at["fold"] / FOLDS if begins else 0.9, line)

    def on_progress(progress: Progress) -> None:
        share = (progress.epoch - 1 + progress.images / max(1, progress.total)) / progress.epochs
        words = f"Fold {at['fold'] + 1} of {FOLDS}, epoch {progress.epoch} of {progress.epochs}"
        tell(0.9 * (at["fold"] + share) / FOLDS, words)

    tell(0.0, "Opening the data")
    audit_dataset(source, recipe=recipe, out=out, test=False, log=log, on_progress=on_progress)


if __name__ == "__main__":
    with told_errors():
        audit_data(sys.argv[1] if sys.argv[1] in DATASETS else Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))

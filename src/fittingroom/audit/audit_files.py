"""What an audit leaves in its folder: audit.json, suspects.csv, and edits.csv to be completed by a person."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fittingroom.audit.auditing import odd_words, suspect_words
from fittingroom.data.edits import EDITS, read_edits, write_edits
from fittingroom.errors import DataError
from fittingroom.files import append_json_line, atomic_write, read_json_lines, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.audit.auditing import Audit, Item
    from fittingroom.data import Dataset
    from fittingroom.progress import Log

VALUES = "audit.json"
SUSPECTS = "suspects.csv"
LOOKS = "test_looks.jsonl"
COLUMNS = ("index", "split", "given", "suggested", "score", "reason")


def write_audit(folder: Path, audit: Audit, data: Dataset, log: Log) -> None:
    """Write an audit's three files; edits that a person has begun to complete are left as they are.

    Args:
        folder: that is there.
        audit: to write.
        data: that was audited, unedited.
        log: told where a file was left.

    Raises:
        OSError: a file cannot be written.
    """
    rows = suspect_rows(audit)
    write_json(folder / VALUES, audit.to_dict())
    atomic_write(folder / SUSPECTS, _csv(rows))
    path = folder / EDITS
    if path.exists() and is_begun(path, data):
        log(f"{path} has edits in it already and is left as it is; what was found now is in {folder / SUSPECTS}.")
        return
    write_edits(path, data, once_each_image(rows))


def is_begun(path: Path, data: Dataset) -> bool:
    """Say whether somebody has written a decision into a file of edits, or it cannot be told."""
    try:
        edits = read_edits(path, data)
    except DataError:
        return True
    return bool(edits.kept or edits.excluded or edits.relabelled)


def suspect_rows(audit: Audit) -> list[dict[str, Any]]:
    """Return a row for each suspicion, by the names of `COLUMNS`: labels, then duplicates, then odd pictures."""
    names = audit.class_names
    rows = [
        _row(one.item, names, names[one.suggested], round(one.score, 6), f"label: {suspect_words(one, names)}")
        for one in audit.suspects
    ]
    for group in audit.groups:
        for item in group.items:
            others = [other for other in group.items if other != item]
            kind = "duplicate with another label" if group.two_labels else "duplicate"
            seen = "" if group.found_in == "pixels" else "as a network sees it "
            same = ", ".join(f"{other.split} {other.index} ({names[other.label]})" for other in others[:5])
            more = f" and {len(others) - 5} more" if len(others) > 5 else ""
            rows.append(_row(item, names, "", "", f"{kind}: {seen}nearly the same as {same}{more}"))
    return rows + [_row(odd.item, names, "", "", f"odd: {odd_words(odd)}") for odd in audit.odd]


def _row(item: Item, names: tuple[str, ...], suggested: str, score: float | str, reason: str) -> dict[str, Any]:
    return {
        "index": item.index,
        "split": item.split,
        "given": names[item.label],
        "suggested": suggested,
        "score": score,
        "reason": reason,
    }


def once_each_image(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of training images, those about the same image as one, with an empty edit."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["split"] != "train":
            continue
        before = found.get(row["index"])
        if before is None:
            found[row["index"]] = {**row, "edit": ""}
        else:
            before["reason"] = f"{before['reason']}; {row['reason']}"
    return list(found.values())


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def note_look(folder: Path, audit: Audit) -> tuple[dict[str, Any], ...]:
    """Write down that the labels of the test images were looked at, and return all looks of this folder.

    The same answers of the same networks, read again from the folder, are no other look and are written down once.

    Args:
        folder: of the audit.
        audit: whose last split is the test images', where they were looked at.
    """
    test = next((split for split in audit.splits if split.split == "test"), None)
    if test is not None:
        look = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "asked_by": "audit",
            "dataset": audit.dataset,
            "fingerprint": audit.fingerprint,
            "n": test.n,
            "accuracy": test.accuracy,
            "made_by": audit.made_by,
        }
        if not any(_is_same(look, before) for before in read_json_lines(folder / LOOKS)):
            append_json_line(folder / LOOKS, look)
    return tuple(read_json_lines(folder / LOOKS))


def _is_same(look: dict[str, Any], before: dict[str, Any]) -> bool:
    """Say whether two looks are at the same data by the same networks: they differ in their time alone."""
    return all(look[name] == before.get(name) for name in look if name != "time")

"""The page of an audit: the worst labels with their neighbours, classes that overlap, near-duplicates, odd pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.audit.auditing import odd_words, suspect_words
from fittingroom.pages.audit import values
from fittingroom.pages.html import picture_uri, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array
    from fittingroom.audit.auditing import Audit

PARTS = (
    ("labels", "Labels"),
    ("overlaps", "Overlapping classes"),
    ("duplicates", "Near-duplicates"),
    ("odd", "Odd pictures"),
    ("edit", "Mend it"),
    ("cost", "What it cost"),
)


def audit_page(audit: Audit, pictures: Mapping[tuple[str, int], Array]) -> str:
    """Return the page of an audit.

    Args:
        audit: every number on the page.
        pictures: the pixels of the images that it shows, by split and position.

    Returns:
        HTML, for one file; it opens from ``file://`` and asks the network for nothing.
    """
    return render(
        "audit.html.j2",
        audit=audit,
        names=audit.class_names,
        tell=values,
        why=suspect_words,
        odd_words=odd_words,
        parts=PARTS,
        counts=[(split.split + " images", f"{split.n:,}") for split in audit.splits],
        uris={f"{split}-{index}": picture_uri(picture) for (split, index), picture in pictures.items()},
    )

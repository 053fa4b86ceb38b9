"""The pictures that an audit's page shows, taken from the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.pages.audit.values import GROUPS, MEMBERS, shown_groups, shown_odd, shown_suspects

if TYPE_CHECKING:
    from fittingroom.arrays import Array
    from fittingroom.audit.auditing import Audit
    from fittingroom.data import Dataset

Key = tuple[str, int]


def pictures_of_audit(audit: Audit, data: Dataset) -> dict[Key, Array]:
    """Return the pixels of all images that the page shows, by split and position in its file.

    Args:
        audit: of the dataset.
        data: the dataset.
    """
    groups = [group for where in GROUPS for group in shown_groups(audit, where)]
    items = [item for group in groups for item in group.items[:MEMBERS]]
    items += [odd.item for _, some in shown_odd(audit) for odd in some]
    for one in shown_suspects(audit):
        items += [one.item, *one.speaking_for, *one.speaking_against]
    found = {}
    for split in (data.train, data.test):
        name = "test" if split is data.test else "train"
        pictures = split.pictures(item.index for item in items if item.split == name)
        found.update({(name, index): picture for index, picture in pictures.items()})
    return found

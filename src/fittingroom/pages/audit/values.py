"""What an audit's page says: which of the findings it shows, and the sentences that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.audit.odd_ones import REASONS
from fittingroom.words import counted, in_percent

if TYPE_CHECKING:
    from fittingroom.audit.auditing import Audit, DuplicateGroup, LabelSuspect, OddItem, SplitAudit
    from fittingroom.audit.label_errors import Overlap

WORST = 100  # suspects on the page, training and test images together
GROUPS = {"pixels": 60, "features": 40}  # of near-duplicates, by where they were found
MEMBERS = 8  # shown of a group
EACH_KIND = 20  # odd pictures of a kind


def shown_suspects(audit: Audit) -> tuple[LabelSuspect, ...]:
    """Return the suspects on the page, the worst first."""
    return tuple(sorted(audit.suspects, key=lambda one: one.score)[:WORST])


def groups_in(audit: Audit, where: str) -> tuple[DuplicateGroup, ...]:
    """Return the groups of near-duplicates found in "pixels" or in "features": those of two labels first, then leaks.

    Args:
        audit: that found them.
        where: see above.
    """
    found = [group for group in audit.groups if group.found_in == where]
    return tuple(sorted(found, key=lambda group: (not group.two_labels, not group.leak, group.distance)))


def shown_groups(audit: Audit, where: str) -> tuple[DuplicateGroup, ...]:
    """Return those of `groups_in` that are on the page."""
    return groups_in(audit, where)[: GROUPS[where]]


def shown_odd(audit: Audit) -> tuple[tuple[str, tuple[OddItem, ...]], ...]:
    """Return the odd pictures on the page by their kind, in the order of `REASONS`."""
    by_kind = ((kind, tuple(odd for odd in audit.odd if odd.kind == kind)) for kind in REASONS)
    return tuple((kind, some[:EACH_KIND]) for kind, some in by_kind if some)


def headline(audit: Audit) -> str:
    """Say in one sentence what was found."""
    labels = sum(len(split.suspects) for split in audit.splits)
    return (
        f"{counted(labels, 'label')} to check, {counted(len(audit.groups), 'group')} of near-duplicates, "
        f"{counted(audit.leaks.n, 'test image')} that training holds, and {counted(len(audit.odd), 'odd picture')}."
    )


def split_sentence(split: SplitAudit) -> str:
    """Say how many labels of a split are suspects."""
    name = {"train": "training", "validation": "held-out", "test": "test"}[split.split]
    low, high = split.accuracy_interval
    most = "stands out" if len(split.suspects) == 1 else "stand out"
    return (
        f"Of {counted(split.n, f'{name} image')} the networks agree with the label of {split.accuracy:.2%} "
        f"({low:.2%} to {high:.2%}); {counted(len(split.suspects), 'label')}, one in a hundred at most, {most} as "
        "probably wrong."
    )


def overlap_sentence(overlap: Overlap, names: tuple[str, ...]) -> str:
    """Say how far two classes cannot be told apart.

    Example:
        >>> from fittingroom.audit.label_errors import Overlap
        >>> overlap_sentence(Overlap(0, 1, 90.2, 0.0902), ("Coat", "Shirt"))
        'Coat and Shirt cannot be told apart in 9.0 % of their images (about 90).'
    """
    pair = f"{names[overlap.first]} and {names[overlap.second]}"
    return f"{pair} cannot be told apart in {100 * overlap.share:.1f} % of their images (about {overlap.images:,.0f})."


def leak_sentence(audit: Audit) -> str:
    """Say what the test images that training holds are worth."""
    leaks = audit.leaks
    if not leaks.n:
        return "No test image has a near-duplicate among the training images."
    start = f"{counted(leaks.n, 'test image')} {'has' if leaks.n == 1 else 'have'} a near-duplicate in training."
    if leaks.with_accuracy is None:
        return f"{start} What that is worth is not known: the networks were not asked about test images."
    if leaks.points is None:
        return f"{start} These are all test images, so that their accuracy, {leaks.with_accuracy:.4f}, says nothing."
    return (
        f"{start} The networks reach {leaks.with_accuracy:.4f} on all test images and {leaks.without_accuracy:.4f} "
        f"without these: they are worth {leaks.points:+.3f} percentage points."
    )


def wider_leak_sentence(audit: Audit) -> str:
    """Say how many more test images training holds as a network sees them, and what they all are worth."""
    leaks = audit.wider_leaks
    if audit.feature_pairs is None:
        return "In features nothing can be told: the network sees too many of the pictures as the same."
    more = leaks.n - audit.leaks.n
    if not more:
        return "In features, as a network sees them, no other has one."
    start = f"In features, as a network sees them, {counted(more, 'other has', 'others have')} one too"
    if leaks.points is None:
        return f"{start}."
    return f"{start}: without all {leaks.n:,} it is {leaks.without_accuracy:.4f}, {leaks.points:+.3f} points."


def group_words(group: DuplicateGroup) -> str:
    """Say what is special about a group of near-duplicates."""
    facts = ["two labels"] if group.two_labels else []
    facts += ["train and test"] if group.leak else []
    facts += ["mirrored"] if group.mirrored else []
    far = f"distance {group.distance:.3f}"
    if group.found_in == "features":
        far = f"{in_percent(group.distance)} of the usual distance"
    return ", ".join([*facts, far])


def cost_sentence(audit: Audit) -> str:
    """Say what the audit took: networks, seconds, memory."""
    seconds = [one["seconds"] for one in audit.trainings]
    trained = "Nothing was trained"
    if seconds:
        spread = "" if len(seconds) == 1 else f", {min(seconds):.1f} to {max(seconds):.1f} each"
        trained = (
            f"{counted(len(seconds), 'network was', 'networks were')} trained in {sum(seconds):.1f} seconds{spread}"
        )
    memory = f" and at most {audit.peak_bytes / 1e9:.2f} GB of memory" if audit.peak_bytes else ""
    return f"{trained}; this call took {audit.seconds.get('total', 0):.1f} seconds{memory}."

"""What an audit's page says: which of the findings it shows, and the sentences that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.audit.odd_ones import REASONS
from fittingroom.words import counted

if TYPE_CHECKING:
    from fittingroom.audit.auditing import Audit, DuplicateGroup, LabelSuspect, OddItem, SplitAudit
    from fittingroom.audit.label_errors import Overlap

WORST = 100  # suspects on the page, training and test images together
GROUPS = 60  # of near-duplicates
MEMBERS = 8  # shown of a group
EACH_KIND = 20  # odd pictures of a kind


def shown_suspects(audit: Audit) -> tuple[LabelSuspect, ...]:
    """Return the suspects on the page, the worst first."""
    return tuple(sorted(audit.suspects, key=lambda one: one.score)[:WORST])


def shown_groups(audit: Audit) -> tuple[DuplicateGroup, ...]:
    """Return the groups of near-duplicates on the page: leaks and those of two labels first, then the nearest."""
    return tuple(
        sorted(audit.groups, key=lambda group: (not group.two_labels, not group.leak, group.distance))[:GROUPS]
    )


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
    if leaks.with_accuracy is None or leaks.without_accuracy is None:
        return f"{start} What that is worth is not known: the networks were not asked about test images."
    points = 100 * (leaks.with_accuracy - leaks.without_accuracy)
    return (
        f"{start} The networks reach {leaks.with_accuracy:.4f} on all test images and {leaks.without_accuracy:.4f} "
        f"without these: they are worth {points:+.3f} percentage points."
    )


def group_words(group: DuplicateGroup) -> str:
    """Say what is special about a group of near-duplicates."""
    facts = ["two labels"] if group.two_labels else []
    facts += ["train and test"] if group.leak else []
    facts += ["mirrored"] if group.mirrored else []
    return ", ".join([*facts, f"distance {group.distance:.3f}"])

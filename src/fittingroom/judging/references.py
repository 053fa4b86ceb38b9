"""Known scores on Fashion-MNIST to compare with, and when it is too good to be true.

A score is comparable only where its data is the same; these are for the files in use since 31 August 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

DATASET = "fashion-mnist"
SUSPICIOUS = 0.975
WALKTHROUGH_ACCURACY = 0.8683
BEST_DOCUMENTED = 0.966


@dataclass(frozen=True)
class Reference:
    """A known accuracy on the 10,000 test images.

    Attributes:
        who: reached it.
        accuracy: a fraction.
        source: where it was published.
    """

    who: str
    accuracy: float
    source: str


REFERENCES = (
    Reference("untrained people", 0.835, "zalandoresearch/fashion-mnist, README: 1,000 test images, majority of three"),
    Reference("the walk-through", WALKTHROUGH_ACCURACY, "the Keras walk-through, as printed"),
    Reference("the best of scikit-learn", 0.897, "arXiv 1708.07747, SVC"),
    Reference("the best documented network", BEST_DOCUMENTED, "WRN-40-4, last of 1,000 epochs"),
)
CLAIMS = (  # higher, and not comparable or not checked
    Reference("WRN-40-4 on the dataset's own page", 0.967, "the files of the first week, another test set"),
    Reference("a fine-tuned DARTS of 3.2 million parameters", 0.9691, "arXiv 2006.09042, seeds and epoch unchecked"),
)

CAUSES = (
    "Test images among the training images (a leak). Check: train again with fittingroom train, which never sees the "
    "test images, and fittingroom evaluate.",
    "Files of the first week, replaced on 31 August 2017. Check: fittingroom data verify fashion-mnist.",
    "Wrong files: MNIST's digits under Fashion-MNIST's names. Check: fittingroom explore shows them.",
)


def references_for(dataset: str) -> tuple[Reference, ...]:
    """Return what is known of a dataset; nothing for all but Fashion-MNIST."""
    return REFERENCES if dataset == DATASET else ()


def references_line(dataset: str) -> str:
    """Return a line of the references for a dataset; empty where there are none.

    Example:
        >>> references_line("fashion-mnist").partition(";")[0]
        'For comparison: untrained people 0.835'
    """
    known = references_for(dataset)
    return "For comparison: " + "; ".join(f"{each.who} {each.accuracy:.3f}" for each in known) if known else ""


def too_good_warning(accuracy: float, dataset: str) -> str | None:
    """Return the warning that a score is too good to be true, with likely causes and how to check each; or None.

    Example:
        >>> too_good_warning(0.93, "fashion-mnist") is None
        True
    """
    if dataset != DATASET or accuracy <= SUSPICIOUS:
        return None
    lines = "\n".join(f"  - {cause}" for cause in CAUSES)
    return (
        f"Warning: {accuracy:.4f} is above {SUSPICIOUS}; the best documented score is {BEST_DOCUMENTED} on these "
        f"test images, the highest claimed {max(claim.accuracy for claim in CLAIMS)}, and large ensembles stop near "
        f"0.965. Likely causes:\n{lines}"
    )

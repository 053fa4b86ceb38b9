"""The colours of right and wrong, and of everything else that is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INK: Final = "#25272c"
MUTED: Final = "#6c6a66"
LINE: Final = "#d9d6cf"
BAR: Final = "#777777"
TRAIN: Final = "#2b5f92"
HELD_OUT: Final = "#b8541c"


@dataclass(frozen=True)
class Palette:
    """How a right and a wrong answer look.

    Attributes:
        right: colour of a right answer, and of the true class's bar.
        wrong: colour of a wrong answer, and of its bar.
        bar: colour of the other bars.
        marks: signs for right and wrong beside the colour; empty strings where colour alone speaks.
    """

    right: str
    wrong: str
    bar: str = BAR
    marks: tuple[str, str] = ("", "")

    def of(self, right: bool) -> str:
        """Return the colour of an answer."""
        return self.right if right else self.wrong

    def mark(self, right: bool) -> str:
        """Return the sign of an answer."""
        return self.marks[0 if right else 1]


# "colour-blind" is Okabe and Ito's blue and vermilion, told apart under every common colour deficiency
# (https://jfly.uni-koeln.de/color/).
PALETTES: Final[dict[str, Palette]] = {
    "classic": Palette(right="green", wrong="red"),
    "classic-marked": Palette(right="green", wrong="red", marks=("✓", "✗")),
    "colour-blind": Palette(right="#0072B2", wrong="#D55E00", marks=("✓", "✗")),
}

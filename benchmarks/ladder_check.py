"""Do the shipped weights reproduce the scores on their cards, on all test images? Exit code 1 where one does not."""

from __future__ import annotations

import json
import sys

import fittingroom as fr
from fittingroom.inference.model_files import WEIGHTS, shipped_names


def main() -> int:
    """Print a line for each model."""
    data, wrong = fr.load("fashion-mnist"), 0
    for name in shipped_names():
        card = json.loads((WEIGHTS / f"{name}.json").read_text("utf-8"))
        expected = card["test"]["this"]["accuracy"]
        accuracy = fr.evaluate(fr.load_model(name), data).accuracy
        same = abs(accuracy - expected) < 1.5 / len(data.test.labels)  # one image may fall the other way elsewhere
        wrong += not same
        print(
            f"{name}: card {expected:.4f}, here {accuracy:.4f} on {len(data.test.labels)} images",
            "" if same else "DIFFERS",
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

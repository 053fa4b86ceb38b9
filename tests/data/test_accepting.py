"""Whatever holds images and labels is the same two arrays to every door: a line a container."""

from __future__ import annotations

import importlib.util
import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset, WeightedRandomSampler

import fittingroom as fr
from fittingroom.data.accepting import accept_images, accept_pair
from fittingroom.errors import DataError, UsageError

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (40, 28, 28)).astype(np.uint8)
LABELS = np.arange(40) % 10
OTHERS = (IMAGES[::-1].copy(), LABELS[::-1].copy())
SCALED = torch.from_numpy(IMAGES)[:, None].float() / 255
PICTURES = [Image.fromarray(image) for image in IMAGES]


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


class Items(torch.utils.data.Dataset):
    """A torch dataset as people write one, with torchvision's attribute."""

    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        image = self.images[index]
        return (self.transform(image) if self.transform else image), self.labels[index]


class Columns:
    """A dataset of columns, as Hugging Face's."""

    features = "image and label"
    column_names = ("image", "label")

    def __len__(self):
        return 40

    def __getitem__(self, name):
        return {"image": PICTURES, "label": LABELS.tolist()}[name]


class Batches:
    """A Keras PyDataset: a sequence of batches."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(10 * index, 10 * index + 10)
        return IMAGES[part], LABELS[part]


def archive(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return np.load(file)


def table():
    """Kaggle's table: a label, then 784 columns of pixels."""
    frame = pd.DataFrame(IMAGES.reshape(40, 784), columns=[f"pixel{k}" for k in range(784)])
    frame.insert(0, "label", LABELS)
    return frame


def polars_table():
    import polars as pl

    return pl.DataFrame({name: column.to_numpy() for name, column in table().items()})


def hugging_face():
    import datasets

    return datasets.Dataset.from_dict({"image": PICTURES, "label": LABELS.tolist()})


CONTAINERS = {
    "arrays": lambda: (IMAGES, LABELS),
    "a list of two": lambda: [IMAGES, LABELS.tolist()],
    "four arrays": lambda: ((IMAGES, LABELS), OTHERS),
    "one-hot": lambda: (IMAGES[..., None], np.eye(10)[LABELS]),
    "tensors": lambda: (torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
    "scaled tensors": lambda: (SCALED, torch.from_numpy(LABELS)),
    "a Split": lambda: fr.Split("train", IMAGES, LABELS, np.arange(40)),
    "mnist.npz": lambda: archive(x_train=IMAGES, y_train=LABELS, x_test=OTHERS[0], y_test=OTHERS[1]),
    "a dictionary": lambda: {"images": IMAGES, "labels": LABELS},
    "train and test": lambda: {"train": (IMAGES, LABELS), "test": OTHERS},
    "a table of pixels": table,
    "pandas columns": lambda: (table().iloc[:, 1:], table()["label"]),
    "a table of pictures": lambda: pd.DataFrame(
        {"image": [{"bytes": png(x), "path": None} for x in IMAGES], "label": LABELS}
    ),
    "a table of lists": lambda: pd.DataFrame({"image": [x.tolist() for x in IMAGES], "label": LABELS}),
    "polars": polars_table,
    "columns": Columns,
    "Hugging Face": hugging_face,
    "Hugging Face splits": lambda: {"train": hugging_face()},
    "TensorDataset": lambda: TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
    "items": lambda: Items(IMAGES, LABELS),
    "items of pictures": lambda: Items(PICTURES, LABELS.tolist()),
    "items with a transform": lambda: Items(IMAGES, LABELS, lambda image: torch.from_numpy(image)[None].float() / 255),
    "one-hot items": lambda: Items(IMAGES, np.eye(10)[LABELS]),
    "a subset": lambda: Subset(Items(np.tile(IMAGES, (2, 1, 1)), np.tile(LABELS, 2)), range(40)),
    "a loader": lambda: DataLoader(TensorDataset(SCALED, torch.from_numpy(LABELS)), batch_size=16),
    "a loader that shuffles": lambda: DataLoader(Items(IMAGES, LABELS), batch_size=16, shuffle=True, drop_last=True),
    "a loader of its own making": lambda: DataLoader(
        Items(IMAGES, LABELS), 16, collate_fn=lambda items: tuple(zip(*items, strict=True))
    ),
    "batches": Batches,
    "a list of pairs": lambda: list(zip(IMAGES, LABELS, strict=True)),
}
NEEDS = {"polars": "polars", "Hugging Face": "datasets", "Hugging Face splits": "datasets"}


def made(name):
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    return CONTAINERS[name]()


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_the_same_two_arrays(name):
    images, labels = accept_pair(made(name), "training", lambda line: None)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert images.dtype == np.uint8


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in CONTAINERS
        if name
        not in (
            "arrays",
            "a list of two",
            "four arrays",
            "one-hot",
            "tensors",
            "scaled tensors",
            "pandas columns",
            "a list of pairs",
            "mnist.npz",
            "train and test",
            "Hugging Face splits",
        )
    ],
)
def test_every_container_gives_its_images_alone(name):
    np.testing.assert_array_equal(accept_images(made(name), log=lambda line: None), IMAGES)


def test_what_is_made_of_two_parts_gives_its_test_part_where_that_is_meant():
    for name in ("four arrays", "mnist.npz", "train and test"):
        images, labels = accept_pair(CONTAINERS[name](), "evaluation", part="test")
        np.testing.assert_array_equal(images, OTHERS[0])
        np.testing.assert_array_equal(labels, OTHERS[1])


def test_two_images_with_two_labels_are_no_train_and_test_part():
    images, labels = accept_pair(([IMAGES[0], IMAGES[1]], [3, 4]), "training")
    assert (len(images), labels.tolist()) == (2, [3, 4])


def test_a_loader_with_a_sampler_of_its_own_is_read_as_it_draws():
    sampler = WeightedRandomSampler([0.0] * 39 + [1.0], 12)
    images, labels = accept_pair(DataLoader(Items(IMAGES, LABELS), 5, sampler=sampler), "training")
    assert (images == IMAGES[39]).all()
    assert labels.tolist() == [9] * 12


def test_reading_a_loader_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    accept_pair(CONTAINERS["a loader that shuffles"](), "training")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_transform_that_will_not_be_drawn_anew_is_told():
    whole = CONTAINERS["items with a transform"]()
    for source in (whole, Subset(whole, range(40)), DataLoader(whole, 8), DataLoader(Subset(whole, range(40)), 8)):
        lines = []
        accept_pair(source, "training", lines.append)
        assert "training: 40 items read once into memory" in lines[0]


def test_what_passes_once_is_taken_by_the_code_of_the_message():
    data = ((image, label) for image, label in zip(IMAGES, LABELS, strict=True))
    with pytest.raises(UsageError, match=r"received generator\. If it ends, pass") as caught:
        accept_pair(data, "training")
    images, labels = accept_pair(eval(str(caught.value).partition("pass ")[2].rstrip("."), {"data": data}), "training")
    assert (images == IMAGES).all()
    assert (labels == LABELS).all()


class Endless(IterableDataset):
    def __iter__(self):
        raise AssertionError("must not be read: nobody knows whether it ends")


FOUND = r"Expected images under one of the names .* found a, label"
SHAPES = r"expected items of one shape, received \(9, 28\), \(28, 28\)"
WEIGHED = [(image, label, 1.0) for image, label in zip(IMAGES, LABELS, strict=True)]
REFUSED = {
    "nothing": (lambda: None, UsageError, r"Expected training data as .*, received NoneType"),
    "images alone": (lambda: IMAGES, UsageError, "received ndarray"),
    "three parts": (lambda: (IMAGES, LABELS, LABELS), UsageError, "received tuple"),
    "no end": (Endless, UsageError, "received Endless"),
    "a loader without end": (lambda: DataLoader(Endless(), 4), UsageError, "received DataLoader"),
    "no labels": (lambda: table().iloc[:, 1:], DataError, r"training: .* found no labels"),
    "no images": (lambda: {"a": IMAGES, "label": LABELS}, DataError, FOUND),
    "weights": (lambda: WEIGHED, DataError, r"received items of 3 parts"),
    "other sizes": (lambda: Items([IMAGES[0], IMAGES[1, :9]], [0, 1]), DataError, SHAPES),
    "none": (lambda: (IMAGES[:0], LABELS[:0]), DataError, "expected at least one image"),
    "other counts": (lambda: (IMAGES, LABELS[:3]), DataError, "received 40 images and 3 labels"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_a_sentence(name):
    make, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        accept_pair(make(), "training")


def test_a_dataset_does_not_say_which_of_its_images_are_to_be_answered(toy):
    with pytest.raises(UsageError, match=r"Pass data\.test\.images"):
        accept_images(toy)

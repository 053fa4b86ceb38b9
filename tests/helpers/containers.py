"""What people hold images and labels in, a line each: what is taken as the same two arrays, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

import fittingroom as fr
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

"""Data: datasets in the format of Fashion-MNIST, fetched, verified, and handed out as arrays."""

from __future__ import annotations

from fittingroom.data.cache import cache_folder
from fittingroom.data.catalog import DATASETS, FILE_NAMES, KnownDataset, KnownFile
from fittingroom.data.dataset import Dataset, Split, hold_out
from fittingroom.data.idx import read_idx, write_idx
from fittingroom.data.loading import FileCheck, get, list_datasets, load, load_data, locate, verify
from fittingroom.progress import Log, no_log

class_names = DATASETS["fashion-mnist"].class_names
"""The ten classes of Fashion-MNIST, by label; the files do not hold them."""

__all__ = [
    "DATASETS",
    "FILE_NAMES",
    "Dataset",
    "FileCheck",
    "KnownDataset",
    "KnownFile",
    "Log",
    "Split",
    "cache_folder",
    "class_names",
    "get",
    "hold_out",
    "list_datasets",
    "load",
    "load_data",
    "locate",
    "no_log",
    "read_idx",
    "verify",
    "write_idx",
]

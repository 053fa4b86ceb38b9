from __future__ import annotations

import re

import pytest

from fittingroom.data.catalog import DATASETS, FILE_NAMES, fingerprint, recognise


@pytest.mark.parametrize("known", DATASETS.values(), ids=lambda known: known.name)
def test_every_dataset_has_four_files_with_whole_hashes(known):
    assert tuple(file.name for file in known.files) == FILE_NAMES
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in known.files)
    assert len(known.class_names) == len(set(known.class_names)) == 10


@pytest.mark.parametrize("known", DATASETS.values(), ids=lambda known: known.name)
def test_every_dataset_is_found_under_its_own_name_and_every_mirror_is_an_https_folder(known):
    assert DATASETS[known.name] is known
    assert known.mirrors
    assert all(re.fullmatch("https://.*/", mirror) for mirror in known.mirrors)


def test_no_two_known_files_are_the_same():
    hashes = [file.sha256 for known in DATASETS.values() for file in known.files]
    assert len(set(hashes)) == len(hashes)


def test_the_fingerprints_never_change():
    assert DATASETS["fashion-mnist"].fingerprint == "4d8e31d2057f6f93"
    assert DATASETS["mnist"].fingerprint == "e9914cff2ade526d"


def test_the_fingerprint_depends_on_the_order_of_the_files():
    hashes = [file.sha256 for file in DATASETS["mnist"].files]
    assert fingerprint(hashes) != fingerprint(hashes[::-1])


def test_a_file_is_recognised_by_its_hash_and_nothing_else_is():
    assert recognise(DATASETS["mnist"].files[1].sha256) == "train-labels-idx1-ubyte of MNIST"
    assert recognise("0" * 64) is None


def test_only_clothes_may_be_mirrored():
    assert DATASETS["fashion-mnist"].flips_valid
    assert not DATASETS["mnist"].flips_valid

import numpy as np
import pytest

from fittingroom.arrays import check_images, check_labels, check_same_length
from fittingroom.errors import DataError


def test_uint8_images_pass_as_they_are():
    images = np.zeros((2, 3, 4), np.uint8)
    assert check_images(images) is images


def test_scaled_floats_are_refused_with_the_remedy():
    with pytest.raises(DataError, match=r"received float64 in 0\.\.1\. Pass the pixels as they are in the files"):
        check_images(np.random.default_rng(0).random((1, 2, 2)))


def test_other_dtypes_are_refused_with_the_remedy():
    with pytest.raises(DataError, match=r"received int64\. Convert with"):
        check_images(np.full((1, 2, 2), 7))


def test_another_rank_is_refused():
    with pytest.raises(DataError, match=r"expected shape \(n, height, width\), received \(2, 2\)"):
        check_images(np.zeros((2, 2), np.uint8))


def test_a_label_beyond_the_classes_is_named_with_its_place():
    with pytest.raises(DataError, match=r"expected labels in 0\.\.9, received 10 at index 2"):
        check_labels(np.array([0, 9, 10]), classes=10)


def test_a_negative_label_is_refused():
    with pytest.raises(DataError, match="received -1 at index 0"):
        check_labels(np.array([-1, 0]), classes=10)


def test_float_labels_are_refused():
    with pytest.raises(DataError, match="expected whole numbers"):
        check_labels(np.array([0.0, 1.0]))


def test_counts_that_differ_are_refused():
    with pytest.raises(DataError, match="received 3 images and 2 labels"):
        check_same_length(np.zeros((3, 2, 2)), np.zeros(2))

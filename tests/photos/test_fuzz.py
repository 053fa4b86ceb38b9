"""Damaged pictures: whatever the bytes, an answer or one sentence, in bounded time."""

import io

import numpy as np
import pytest
from PIL import Image

from fittingroom.errors import FittingRoomError
from fittingroom.photos import prepare_photo, whole_photo
from fittingroom.photos.whole_photo import SIZE
from helpers.scenes import photo, shirt_mask

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")


def originals() -> list[bytes]:
    pictures = []
    for name in FORMATS:
        buffer = io.BytesIO()
        Image.fromarray(photo(shirt_mask(120, 90))).save(buffer, name)
        pictures.append(buffer.getvalue())
    return pictures


def mutated(content: bytes, generator: np.random.Generator) -> bytes:
    """Flip bytes, drop a piece, repeat a piece, cut the end off, or set a run of bytes to one value."""
    data = bytearray(content)
    for _ in range(int(generator.integers(1, 6))):
        kind, at = generator.integers(0, 5), int(generator.integers(0, max(1, len(data))))
        length = int(generator.integers(1, 64))
        if kind == 0:
            for place in generator.integers(0, max(1, len(data)), length):
                data[place : place + 1] = bytes([generator.integers(0, 256)])
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length]
        elif kind == 3:
            del data[max(16, at) :]
        else:
            data[at : at + 4] = bytes([int(generator.choice([0, 255, 127]))]) * 4
    return bytes(data)


def survives(folder, number: int, seed: int) -> int:
    """Return how many of so many mutated pictures were answered; the others ended in one sentence."""
    generator, answered, path = np.random.default_rng(seed), 0, folder / "mutated.jpg"
    sources = originals()
    for index in range(number):
        path.write_bytes(mutated(sources[index % len(sources)], generator))
        try:
            assert whole_photo(path).shape == (*SIZE, 3)
            assert prepare_photo(path).image.shape == (28, 28)
            answered += 1
        except FittingRoomError as error:
            told = str(error)
            if "mutated.jpg" not in told or "\n" in told:
                pytest.fail(f"not one sentence that names the file: {told}")
    return answered


@pytest.mark.slow
def test_200_mutated_pictures_end_in_an_answer_or_a_sentence(tmp_path):
    assert 0 < survives(tmp_path, 200, seed=0) < 200


@pytest.mark.soak
def test_2000_mutated_pictures_end_in_an_answer_or_a_sentence(tmp_path):
    assert 0 < survives(tmp_path, 2000, seed=1) < 2000

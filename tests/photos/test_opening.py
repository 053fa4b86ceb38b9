"""Opening photos: every kind becomes upright 8-bit colour; what is no photo is one sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from fittingroom.errors import DataError
from fittingroom.photos import open_photo
from fittingroom.photos.opening import DECODED, SIDE, as_opened


def scene(width=60, height=80) -> Image.Image:
    """Red above, blue below, with a green square in the upper left."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, :, 0] = pixels[height // 2 :, :, 2] = 200
    pixels[:10, :10] = (0, 200, 0)
    return Image.fromarray(pixels)


def saved(path, picture, **options):
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.tif", "a.bmp", "a.ppm"])
def test_every_format_gives_the_same_scene(tmp_path, name):
    pixels = open_photo(saved(tmp_path / name, scene())).pixels
    assert pixels.shape == (80, 60, 3)
    assert pixels[30, 30].argmax() == 0
    assert pixels[60, 30].argmax() == 2
    assert pixels[3, 3].argmax() == 1


def test_heic_opens_where_the_library_is_there(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(scene(64, 80)).save(tmp_path / "a.heic")
    assert open_photo(tmp_path / "a.heic").pixels[60, 30].argmax() == 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_tag_is_followed(tmp_path, orientation):
    upright = scene()
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if back is None else upright.transpose(back)
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_photo(saved(tmp_path / "a.png", stored, exif=exif))
    np.testing.assert_array_equal(opened.pixels, np.asarray(upright))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_eight_bit_colour(tmp_path, mode):
    ramp = np.tile(np.linspace(0, 255, 64), (48, 1))
    if mode in ("I;16", "I"):
        picture = Image.fromarray((ramp * 257).astype(np.uint16 if mode == "I;16" else np.int32))
    elif mode == "F":
        picture = Image.fromarray(ramp.astype(np.float32) / 255)
    else:
        picture = Image.fromarray(ramp.astype(np.uint8)).convert(mode)
    pixels = open_photo(saved(tmp_path / "a.tif", picture)).pixels
    assert pixels.shape == (48, 64, 3)
    assert pixels[:, :8].mean() < 30
    assert pixels[:, -8:].mean() > 225


def test_transparency_is_handed_on(tmp_path):
    picture = scene().convert("RGBA")
    picture.putalpha(Image.fromarray(np.tile(np.uint8([0] * 30 + [255] * 30), (80, 1))))
    alpha = open_photo(saved(tmp_path / "a.png", picture)).alpha
    assert alpha[:, 0].max() == 0
    assert alpha[:, -1].min() == 255
    assert open_photo(saved(tmp_path / "b.png", scene().convert("RGBA"))).alpha is None


def test_a_palette_with_a_transparent_colour_is_transparent_there(tmp_path):
    path = saved(tmp_path / "a.gif", scene().convert("P"), transparency=scene().convert("P").getpixel((3, 3)))
    assert open_photo(path).alpha[3, 3] == 0


def test_an_animation_gives_its_first_frame_and_says_so(tmp_path):
    frames = [scene(), Image.new("RGB", (60, 80), "white")]
    opened = open_photo(saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:]))
    assert opened.pixels[30, 30].argmax() == 0
    assert "animation of 2 frames" in opened.warnings[0]


def test_a_large_photo_is_made_smaller_and_its_size_remembered(tmp_path):
    opened = open_photo(saved(tmp_path / "a.jpg", scene(3000, 2000)))
    assert max(opened.pixels.shape) == SIDE
    assert opened.size == (3000, 2000)


@pytest.mark.parametrize("size", [(2016, 2688), (1600, 1200), (540, 2700)])
def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same(tmp_path, monkeypatch, size):
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    waves = 128 + 60 * np.sin(rows / 90) * np.cos(columns / 70) + np.random.default_rng(0).normal(0, 6, rows.shape)
    path = saved(tmp_path / "a.jpg", Image.fromarray(np.uint8(np.clip(waves, 0, 255))).convert("RGB"), quality=90)
    seen, load = [], JpegImagePlugin.JpegImageFile.load
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", lambda self: (load(self), seen.append(self.size))[0])
    pixels = open_photo(path).pixels
    assert DECODED * SIDE - 1 <= max(seen[0]) < max(size)
    whole = Image.open(path)
    whole.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=None)
    apart = np.abs(pixels.astype(int) - np.asarray(whole))
    assert apart.mean() < 2
    assert apart.max() < 20


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_callers_picture_stays_as_it_is(mode):
    picture = scene(900, 700).convert(mode)
    before = picture.tobytes()
    assert max(as_opened(picture).pixels.shape) == SIDE
    assert (picture.size, picture.mode, picture.tobytes()) == ((900, 700), mode, before)


def bomb(path, width=50_000, height=50_000):
    """A PNG of a few bytes whose header claims 2.5 thousand million pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def truncated(path):
    buffer = io.BytesIO()
    scene(300, 400).save(buffer, "JPEG")
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: None, "found no such file"),
        (lambda path: path.mkdir(), "found a folder"),
        (lambda path: path.write_bytes(b""), "received an empty file"),
        (lambda path: path.write_text("dear diary"), "received a file of another kind"),
        (lambda path: path.write_text("<html>no</html>"), "received a web page"),
        (truncated, "damaged or cut short"),
        (bomb, "expected at most 120,000,000 pixels"),
        (lambda path: bomb(path, 12_000, 11_000), "received 12,000 x 11,000"),
        (lambda path: Image.new("RGB", (1, 1)).save(path, "PNG"), "at least 8 x 8, received 1 x 1"),
        (lambda path: Image.new("RGB", (8, 5000)).save(path, "PNG"), "received a strip of 8 x 5000"),
        (lambda path: Image.new("RGB", (1, 5000)).save(path, "PNG"), "received 1 x 5000"),
    ],
)
def test_what_is_no_photo_is_one_sentence(tmp_path, write, words):
    write(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=words):
        open_photo(tmp_path / "a.jpg")


def test_a_program_in_disguise_is_not_run(tmp_path):
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\nshowpage\n")
    with pytest.raises(DataError, match="a file of another kind"):
        open_photo(tmp_path / "a.jpg")

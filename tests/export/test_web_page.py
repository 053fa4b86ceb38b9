"""The exported web page as files: whole or not at all, everything named in it there, nothing fetched from elsewhere."""

import gzip
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.errors import ModelError, UsageError
from fittingroom.export import web_page
from fittingroom.export.web_page import STATIC, write_web_page
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.photos.opening import opened
from fittingroom.photos.whole_photo import SIZE, whole_photo
from fittingroom.workflows.exporting import export_web_page
from helpers.cases import one_in
from helpers.noise_images import noise_images


@pytest.fixture(scope="module")
def run(toy_folder, tmp_path_factory):
    settings = {"batch_size": 64, "learning_rate": 1e-3}
    return fr.train("walkthrough", toy_folder, epochs=1, settings=settings, out=tmp_path_factory.mktemp("run") / "mine")


@pytest.fixture(scope="module")
def site(run, tmp_path_factory):
    return export_web_page(run, tmp_path_factory.mktemp("page") / "site")


def test_the_model_in_the_page_is_the_runs_own_tempered(site, run, tmp_path):
    told = json.loads((site / "models.json").read_text())["data"]
    (tmp_path / "model.onnx").write_bytes(gzip.decompress((site / "models" / told["file"]).read_bytes()))
    images = noise_images(9, 1)
    assert told["temperature"] == 1
    assert np.abs(open_onnx(tmp_path / "model.onnx").predict(images) - fr.predict(run, images)).max() < 1e-4
    assert told["classes"] == [f"bar {k}" for k in range(10)]
    assert told["size"] == [28, 28]


def test_a_model_of_other_classes_goes_without_the_network_for_photos_and_the_page_says_so(site):
    told = json.loads((site / "models.json").read_text())
    assert told["photo"] is None
    assert "Photos and the camera are left out" in told["leftOut"][0]
    assert not (site / "models" / "photo.onnx.gz").exists()


def test_the_network_for_photos_alone_makes_a_page_too(tmp_path):
    site = export_web_page("fashion-mnist/photo", tmp_path / "site")
    told = json.loads((site / "models.json").read_text())
    assert told["data"] is None
    assert "Drawings are left out" in told["leftOut"][0]
    assert told["photo"]["temperature"] != 1
    assert told["photo"]["none"] == {"file": None, "threshold": 0.2154}


def test_every_file_is_kept_for_when_there_is_no_network_and_the_name_changes_with_any_of_them(site):
    text = (site / "sw.js").read_text()
    files = json.loads(re.search(r"const FILES = (\[.*\]);", text).group(1))
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert set(files) == there - {"sw.js"} | {"./"}
    assert re.search(r'"fittingroom-[0-9a-f]{16}"', text)


def test_nothing_is_loaded_from_elsewhere_and_the_policy_says_so(site):
    page = (site / "index.html").read_text()
    assert "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'" in page
    assert "unsafe-inline" not in page
    assert re.findall(r'(?:src|href)="(https?:)?//', page) == []
    for script in [*(site / "js").glob("*.js"), *(site / "shared").rglob("*.js")]:
        for target in re.findall(r'from "([^"]+)"', script.read_text()):
            assert (script.parent / target).is_file(), f"{script.name}: {target}"


def test_a_folder_that_holds_something_is_left_alone(tmp_path, run):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already, and not empty"):
        export_web_page(run, tmp_path / "site")
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["mine.txt"]


def test_a_runtime_that_was_changed_is_refused_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(web_page, "RUNTIME_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="expected SHA-256 0000"):
        write_web_page(tmp_path / "site", "A page", None, with_photos=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "site").mkdir()
    assert write_web_page(tmp_path / "site", "A page", None, with_photos=True) == tmp_path / "site"


PREPARE = """
import { wholePhoto } from "%s";
import fs from "node:fs";
const [width, height] = process.argv.slice(2).map(Number);
const data = new Uint8Array(fs.readFileSync(0));
process.stdout.write(wholePhoto({ data, width, height }, [%d, %d]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node")
@pytest.mark.parametrize(
    "size",
    one_in(3, [(336, 448), (448, 336), (300, 400), (168, 224), (100, 90), (500, 700), (2700, 3601), (3000, 700)]),
)
@pytest.mark.parametrize("clear", [False, True], ids=["solid", "see-through"])
def test_the_pages_pixels_are_pythons(size, clear, tmp_path):
    generator = np.random.default_rng(sum(size))
    coarse = generator.integers(0, 256, (size[1] // 10 + 2, size[0] // 10 + 2, 3), np.uint8)
    photo = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    if clear:
        photo.putalpha(Image.fromarray(np.repeat([[0, 255]], size[1], 0).astype(np.uint8)).resize(size, 0))
    script = tmp_path / "prepare.mjs"
    script.write_text(PREPARE % (STATIC / "js" / "photo-pixels.js", *SIZE))
    command = ["node", str(script), *map(str, size)]
    done = subprocess.run(command, input=photo.convert("RGBA").tobytes(), capture_output=True, check=True)
    got = np.frombuffer(done.stdout, np.uint8).reshape(*SIZE, 3).astype(int)
    gaps = np.abs(got - whole_photo(opened(photo, "photo")))
    if clear:  # Pillow keeps colours times their opacity on the way: around the edge they differ
        assert np.median(gaps) <= 1
        return
    assert gaps.max() <= 1
    assert gaps.mean() < 0.005

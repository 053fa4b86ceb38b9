"""Share: what a button writes is downloaded by the browser, opened and checked; who may only look sees none."""

import csv
import io
import re
import zipfile

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.inference.onnx_engine import open_onnx
from helpers.page_checks import expect

pytest.importorskip("onnx", reason="no onnx: install the export extra")

RUN = "20260102-good"


@pytest.fixture
def shared(watched, tmp_path):
    """Return a function that presses a button of the run's menu, and gives the file that the browser saved."""
    page = watched.go("runs")
    menu = page.locator("tr", has=page.get_by_role("link", name=RUN)).locator("details.share")
    menu.locator("summary").press("Enter")

    def press(words):
        with page.expect_download() as saved:
            menu.get_by_role("button", name=words).press("Enter")
        expect(menu.get_by_role("status")).to_have_text("Written; the browser saves it.")
        expect(menu.get_by_role("button", name=words)).to_be_focused()
        path = tmp_path / saved.value.suggested_filename
        saved.value.save_as(path)
        return path

    return press


def test_the_files_that_are_downloaded_answer_as_the_run_does(shared, runs, toy):
    expected = fr.predict(runs / RUN, toy.test.images)
    onnx = shared("ONNX file")
    assert onnx.name == f"{RUN}.onnx"
    assert np.abs(open_onnx(onnx).predict(toy.test.images) - expected).max() < 1e-4
    keras = shared("Keras file")
    assert keras.name == f"{RUN}.keras"
    assert np.abs(fr.predict(keras, toy.test.images) - expected).max() < 1e-4


def test_the_table_that_is_downloaded_has_a_row_for_each_test_image(shared, runs, toy):
    table = shared("Predictions (.csv)")
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    own = fr.open_run(runs / RUN).predictions.probabilities.argmax(axis=1)
    assert [int(row["label"]) for row in rows] == toy.test.labels.tolist()
    assert [int(row["predicted"]) for row in rows] == own.tolist()


@pytest.mark.soak
def test_the_web_page_that_is_downloaded_is_whole_and_names_the_run(shared):
    page = shared("Web page (.zip)")
    with zipfile.ZipFile(page) as archive:
        assert archive.testzip() is None
        inside = set(archive.namelist())
        root = f"{RUN}-page"
        assert {f"{root}/index.html", f"{root}/models.json", f"{root}/sw.js"} <= inside
        text = archive.read(f"{root}/index.html").decode()
        for file in re.findall(r'(?:src|href)="(?!data:|https?:|#)([^"]+)"', text):
            assert f"{root}/{file.removeprefix('./')}" in inside, file
        assert RUN in archive.read(f"{root}/models.json").decode()


def test_under_try_it_on_the_model_that_is_chosen_is_shared(watched, tmp_path):
    page = watched.go(f"try?model=run/{RUN}")
    page.locator("details.share summary").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Keras file").click()
    assert saved.value.suggested_filename == f"{RUN}.keras"


def test_who_may_only_look_is_shown_no_share(look, start_studio):
    studio = start_studio(options=["--read-only"])
    watched = look(address=studio.process.stdout.readline().partition(": ")[2].strip())
    watched.page.goto(watched.address)
    page = watched.go("runs")
    expect(page.locator("table.runs")).to_be_visible()
    expect(page.locator("details.share")).to_have_count(0)
    watched.go("try")
    expect(page.locator(".drop")).to_be_visible()
    expect(page.locator("details.share")).to_have_count(0)

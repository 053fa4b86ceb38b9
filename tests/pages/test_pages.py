from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from fittingroom.pages.learning import read_history
from fittingroom.pages.tutorial.page import tutorial_page
from fittingroom.pages.tutorial.values import next_experiments
from helpers.page_reader import Reader, words_of
from helpers.report_samples import make_fitting, make_report


@pytest.fixture(scope="module")
def page() -> str:
    return tutorial_page(*make_report(against=make_fitting("mnist", wrong=30)))


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


def test_every_tag_is_closed_and_every_id_is_unique(reader: Reader) -> None:
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_is_small_and_asks_the_network_for_nothing(page: str, reader: Reader) -> None:
    assert len(page.encode()) < 3_000_000
    assert all(address.startswith(("data:image/", "#")) for address in reader.addresses)
    assert not {"script", "link", "iframe", "object"} & reader.tags
    assert "http" not in page
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_links_inside_the_page_find_their_place(reader: Reader) -> None:
    assert {address[1:] for address in reader.addresses if address.startswith("#")} <= set(reader.ids)


def test_every_picture_has_words_for_those_who_do_not_see_it(reader: Reader) -> None:
    assert len(reader.images) == 30
    assert all(image.get("alt") for image in reader.images)
    assert len(reader.svgs) >= 24
    assert all(svg.get("aria-label") and svg.get("role") == "img" for svg in reader.svgs)


def test_it_has_the_nine_steps_in_order(page: str) -> None:
    headings = re.findall(r'<h2><span class="number">(\d)</span> (\w+)</h2>', page)
    names = ["Load", "Look", "Rescale", "Build", "Compile", "Fit", "Evaluate", "Predict", "Show"]
    assert headings == [(str(number), name) for number, name in enumerate(names, start=1)]


def test_the_page_ends_with_three_experiments_each_one_command_with_what_to_look_for(page: str) -> None:
    end = words_of(page).split("What to try next")[1]
    found = next_experiments(make_report()[0])
    assert len(found) == 3
    assert all(command in end and words in end for command, words in found)


def test_every_number_of_the_report_is_on_the_page(page: str) -> None:
    report, _ = make_report(against=make_fitting("mnist", wrong=30))
    words = words_of(page)
    numbers = [f"{epoch.accuracy:.4f}" for epoch in report.fitting.history]
    numbers += [f"{epoch.loss:.4f}" for epoch in report.fitting.history]
    for fitting in (report.fitting, report.against):
        assert fitting is not None
        score = fitting.score
        numbers += [f"{value:.4f}" for value in (score.accuracy, *score.accuracy_interval)] + [fitting.data.fingerprint]
    numbers += [f"{report.fitting.score.log_loss:.4f}", "0.8958", "1,200", "seed 31", "101,770"]
    numbers += [f"{value:.2f}" for value in report.seconds.values()]
    numbers += [f"{each.recall:.4f}" for each in report.fitting.score.classes]
    numbers += [f"{value:.6f}" for value in report.look[0].probabilities]
    numbers += [str(value) for value in report.environment.values()] + [report.command]
    assert [number for number in numbers if number not in words] == []


def test_the_ten_probabilities_of_test_image_10_are_there_with_their_verdict(page: str) -> None:
    words = words_of(page)
    assert "predictions[10]" in words
    assert "array([0.82, 0.02," in words
    assert "Predicted T-shirt/top, label 0; true label 0, T-shirt/top: ✓ right." in words


def test_a_wrong_answer_is_called_wrong() -> None:
    report, pictures = make_report()
    changed = replace(report, look=(replace(report.look[0], label=3),))
    assert "true label 3, Dress: ✗ wrong." in words_of(tutorial_page(changed, pictures))


def test_the_reference_run_stands_beside_ours(page: str) -> None:
    words = words_of(page)
    assert "0.7989" in words
    assert "both lie within 1 percentage point of the reference" in words
    assert "The reference run reached 0.8683" in words


@pytest.mark.parametrize("changes", [{"fitting": make_fitting("mnist")}, {"optimizer": "adam"}])
def test_nothing_is_compared_with_the_reference_where_it_is_another_run(changes: dict[str, object]) -> None:
    words = words_of(tutorial_page(*make_report(**changes)))
    assert "So they are not shown" in words
    assert "0.8683" not in words
    assert "percentage point of the reference" not in words


def test_the_second_dataset_is_there_only_when_asked_for(page: str) -> None:
    assert "MNIST is the easier dataset" in words_of(page)
    assert "The same network on MNIST" not in words_of(tutorial_page(*make_report()))


def test_a_palette_for_colour_blind_readers_changes_the_words_too() -> None:
    page = tutorial_page(*make_report(palette="colour-blind"))
    assert '<body class="colour-blind">' in page
    assert "blue with a tick where they agree" in words_of(page)


def test_the_report_is_plain_json() -> None:
    assert json.loads(json.dumps(make_report()[0].to_dict()))["fitting"]["train_accuracy"] == 0.8958


def test_names_from_outside_cannot_break_the_page() -> None:
    page = tutorial_page(*make_report(command="fittingroom tutorial --dataset '<script>x</script>'"))
    assert "<script>" not in page
    assert Reader(page).open == []


def test_unknown_keys_of_a_history_are_left_out() -> None:
    line = {"epoch": 1, "seconds": 1.0, "images": 5, "learning_rate": None, "loss": 1.0, "accuracy": 0.5, "later": 1}
    assert read_history([line])[0].val_loss is None

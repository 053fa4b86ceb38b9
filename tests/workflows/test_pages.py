"""The page of a run at each point of its life, on a small dataset."""

import json
import shlex
import shutil
from collections import Counter

import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.data import folder as data_folder
from fittingroom.errors import RunError, UsageError
from fittingroom.inference import predictor
from fittingroom.runs import open_run
from helpers.page_reader import Reader, prose_of, unexplained, words_of

OF_METHOD = {"95", "0", "1", "2", "20", "10000", "15", "0.1"}  # of the words themselves, as in "95 % interval"


def page_of(run, toy_folder):
    return fr.report(run, data_dir=toy_folder).read_text("utf-8")


def twin_of(run):
    return json.loads((run.folder / "verdict.json").read_text("utf-8"))


def test_after_training_it_holds_validation_figures_of_the_images_held_out(make_run, toy, toy_folder):
    run = make_run()
    words, verdict = words_of(page_of(run, toy_folder)), twin_of(run)
    held_out = fr.hold_out(toy.train, 100)[1]
    said = run.predict(held_out.images).argmax(axis=1)
    assert "Validation figures only" in words
    assert (verdict["split"], verdict["n"]) == ("validation", 100)
    assert verdict["accuracy"] == (said == held_out.labels).mean()
    assert f"{verdict['accuracy']:.4f} validation accuracy" in words
    assert run.test_looks == []


def test_without_held_out_images_it_holds_training_curves_only(toy, toy_folder, tmp_path):
    run = fr.train(fr.build("walkthrough"), toy, epochs=1, out=tmp_path / "run")
    words = words_of(page_of(run, toy_folder))
    assert "Training curves only: no images were held out" in words
    assert "accuracy beside" not in words
    assert twin_of(run)["split"] is None
    assert not (run.folder / "predictions.npz").exists()


def test_after_evaluate_it_holds_test_figures_and_counts_each_look(make_run, toy, toy_folder):
    run = make_run()
    verdict = fr.evaluate(run, toy)
    once = words_of(page_of(run, toy_folder))
    assert "this run has 1 test look" in once
    assert f"{verdict.accuracy:.4f} test accuracy" in once
    fr.evaluate(run, toy)
    assert "this run has 2 test looks" in words_of(page_of(run, toy_folder))
    assert len(run.test_looks) == 2
    assert twin_of(run)["accuracy"] == verdict.accuracy


def test_writing_the_page_is_no_look_at_the_test_images(make_run, toy_folder):
    run = make_run()
    page_of(run, toy_folder)
    assert run.test_looks == []
    assert run.predictions.split == "validation"


def test_the_temperature_is_fitted_on_validation_images_and_shown_on_test_images(make_run, toy, toy_folder):
    run = make_run()
    fr.evaluate(run, toy)
    page_of(run, toy_folder)
    tempered = twin_of(run)["page"]["judged"]["temperature"]
    held_out = fr.hold_out(toy.train, 100)[1]
    value = fr.judging.fit_temperature(held_out.labels, run.predict(held_out.images, tempered=False))
    assert tempered["validation"]["temperature"] == pytest.approx(value)
    assert (tempered["validation"]["n"], tempered["test"]["n"]) == (100, 200)


@pytest.mark.parametrize("evaluated", [False, True])
def test_every_number_on_the_page_is_in_verdict_json(make_run, toy, toy_folder, evaluated):
    run = make_run()
    if evaluated:
        fr.evaluate(run, toy)
    page = page_of(run, toy_folder)
    assert unexplained(prose_of(page), twin_of(run), OF_METHOD) == set()


def test_top_losses_have_pictures_and_the_training_images_most_like_them(make_run, toy, toy_folder):
    run = make_run()
    reader = Reader(page_of(run, toy_folder))
    shown = twin_of(run)["page"]["judged"]["top_losses"]
    held_out = set(fr.hold_out(toy.train, 100)[1].indices.tolist())
    near = {each["index"] for mistake in shown for each in mistake["neighbours"]}
    assert {mistake["index"] for mistake in shown} <= held_out
    assert near
    assert not near & held_out
    assert all(len(mistake["neighbours"]) == 3 for mistake in shown)
    assert sum("Training image" in (image["alt"] or "") for image in reader.images) == 3 * len(shown)


def test_top_losses_show_what_each_hangs_on_and_the_page_stays_small(make_run, toy, toy_folder):
    run = make_run()
    page = page_of(run, toy_folder)
    judged, maps = twin_of(run)["page"]["judged"], twin_of(run)["page"]["maps"]
    assert [one["index"] for one in maps] == [each["index"] for each in judged["top_losses"]]
    names, drawn = judged["class_names"], Reader(page).images
    for told, each in zip(maps, judged["top_losses"], strict=True):
        chances = np.array(each["probabilities"])
        other = each["label"] if each["label"] != each["predicted"] else np.argsort(-chances, kind="stable")[1]
        assert (told["of"], told["against"]) == (each["predicted"], other)
        words = f"Where image {told['index']} speaks for {names[told['of']]} and not {names[told['against']]}"
        (picture,) = [one for one in drawn if (one["alt"] or "").startswith(words)]
        assert len(picture["src"]) < 2500
    found = fr.explain(run, toy.train.images[[maps[0]["index"]]])
    values = found.why(maps[0]["of"], maps[0]["against"])[0]
    at_the_strongest = values[maps[0]["row"], maps[0]["column"]]  # the page covers every second place
    assert maps[0]["most"] * at_the_strongest > 0
    assert abs(at_the_strongest) > 0.5 * np.abs(values).max()


def without_its_data(run):
    """The run, as if the folder of its data were gone."""
    run.write_json("environment.json", run.environment | {"data_folder": str(run.folder / "gone")})
    return run


def test_where_the_data_is_gone_the_figures_stay_and_it_says_why_there_are_no_pictures(make_run, toy_folder):
    run = make_run()
    page_of(run, toy_folder)
    before = twin_of(run)["accuracy"]
    words = words_of(fr.report(without_its_data(run)).read_text("utf-8"))
    assert "Without pictures:" in words
    assert "--data-dir FOLDER" in words
    assert twin_of(run)["accuracy"] == before


def test_a_run_whose_validation_images_cannot_be_had_says_so(make_run):
    words = words_of(fr.report(without_its_data(make_run())).read_text("utf-8"))
    assert "Training curves only: its validation images cannot be had here" in words


def test_a_run_trained_on_arrays_says_so(toy, tmp_path):
    arrays = (toy.train.images, toy.train.labels)
    run = fr.train(fr.build("walkthrough"), arrays, epochs=1, validation=100, out=tmp_path / "run")
    words = words_of(fr.report(run).read_text("utf-8"))
    assert "was trained on arrays" in words
    assert "It was trained from Python" in words


def test_validation_images_passed_by_hand_are_not_judged_anew(toy, toy_folder, tmp_path):
    held = (toy.train.images[:50], toy.train.labels[:50])
    run = fr.train(fr.build("walkthrough"), toy, epochs=1, validation=held, out=tmp_path / "run")
    words = words_of(page_of(run, toy_folder))
    assert "passed by hand" in words
    assert "0.0000 of the validation" not in words


def test_a_torch_module_has_a_page_with_curves(toy, toy_folder, tmp_path):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    run = fr.train(module, toy, epochs=1, validation=100, out=tmp_path / "run")
    words = words_of(page_of(run, toy_folder))
    assert "its model cannot be asked again" in words
    assert "It was trained from Python" in words


def test_a_run_evaluated_on_other_data_names_that_data(make_run, toy, toy_folder, tmp_path):
    other = tmp_path / "others"
    shutil.copytree(toy_folder, other)
    labels = other / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    run = make_run()
    fr.evaluate(run, fr.load(other))
    words = words_of(page_of(run, toy_folder))
    assert "Validation figures only: this run has not been tested" in words
    (look,) = twin_of(run)["page"]["looks"]
    assert look["dataset"] == "others"
    assert f"{look['accuracy']:.4f}" in words


@pytest.mark.soak
def test_the_command_on_the_page_makes_the_same_weights_again(make_run, toy_folder, tmp_path, monkeypatch):
    run = make_run()
    page_of(run, toy_folder)
    command = shlex.split(twin_of(run)["page"]["command"])
    assert command[:2] == ["fittingroom", "train"]
    monkeypatch.chdir(tmp_path)
    assert main([*command[1:], "--out", "again", "--quiet", "--no-onnx"]) == 0
    reproduce = open_run(tmp_path / "again").model().get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(run.model().get_weights(), reproduce, strict=True))


def test_a_run_whose_training_has_not_ended_has_its_curves_so_far(make_run, toy_folder):
    run = make_run()
    (run.folder / "model.keras").unlink()
    (run.folder / "checkpoint").mkdir()
    words = words_of(page_of(run, toy_folder))
    assert "Training curves only: its training has not ended." in words


def test_a_run_without_an_epoch_has_nothing_to_report(make_run):
    run = make_run()
    (run.folder / "history.jsonl").unlink()
    with pytest.raises(RunError, match="nothing to report yet"):
        fr.report(run)


def test_a_single_run_has_its_page_in_its_folder(make_run, tmp_path):
    with pytest.raises(UsageError, match=r"is written into its folder.*Leave --out away"):
        fr.report(make_run(), out=tmp_path / "page.html")
    with pytest.raises(UsageError, match="--split is for a comparison"):
        fr.report(tmp_path / "run", split="test")


def test_several_runs_are_compared_on_one_page_beside_the_first(make_run, toy_folder, tmp_path):
    one, other = make_run("one"), make_run("other")
    path = fr.report(one, other, data_dir=toy_folder)
    assert path == tmp_path / "comparison.html"
    words, twin = words_of(path.read_text("utf-8")), json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    assert "one and other cannot be told apart at this size" in words
    assert [each["name"] for each in twin["contenders"]] == ["one", "other"]
    assert twin["split"] == "validation"
    assert unexplained(prose_of(path.read_text("utf-8")), twin, OF_METHOD | {"0.0001"}) == set()


def test_a_comparison_can_be_on_held_out_images_where_one_run_was_tested(make_run, toy, toy_folder):
    one, other = make_run("one"), make_run("other")
    fr.evaluate(one, toy)
    with pytest.raises(RunError, match="or --split validation"):
        fr.report(one, other, data_dir=toy_folder)
    words = words_of(fr.report(one, other, split="validation", data_dir=toy_folder).read_text("utf-8"))
    assert "on the same 100 validation images" in words
    assert "test looks1, 0" in words


def test_a_comparison_goes_where_it_is_asked_to(make_run, toy_folder, tmp_path):
    runs = [make_run("one"), make_run("other")]
    path = fr.report(*runs, out=tmp_path / "deep" / "page.html", data_dir=toy_folder)
    assert path.is_file()
    assert path.with_suffix(".json").is_file()
    with pytest.raises(UsageError, match=r"ends in \.html"):
        fr.report(*runs, out=tmp_path / "page.txt", data_dir=toy_folder)


@pytest.fixture
def opened(monkeypatch):
    """Count how often a model's file is opened and a file of the data is hashed."""
    counts: Counter[str] = Counter()

    def counting(module, name: str, what) -> None:
        real = getattr(module, name)

        def wrapped(*arguments, **options):
            counts[what(*arguments)] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, wrapped)

    counting(predictor, "load_model", lambda *_: "model")
    counting(data_folder, "sha256_of", lambda *_: "data")
    predictor._opened.cache_clear()
    return counts


def test_a_runs_page_reads_the_model_once_and_checks_the_data_once(make_run, toy, toy_folder, opened):
    run = make_run()
    fr.evaluate(run, toy)
    predictor._opened.cache_clear()
    opened.clear()
    fr.report(run, data_dir=toy_folder)
    assert opened == {"model": 1, "data": 4}


def test_a_comparison_checks_the_data_once_for_all_runs(make_run, toy_folder, opened):
    runs = [make_run("one"), make_run("other"), make_run("third")]
    opened.clear()
    fr.report(*runs, data_dir=toy_folder)
    assert opened["data"] == 4
    assert opened["model"] <= len(runs)

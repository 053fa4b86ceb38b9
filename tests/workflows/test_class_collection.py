"""A class's runs: judged anew, without names, and whatever is handed in is a row."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import UsageError
from fittingroom.pages.answers import Pictures
from fittingroom.pages.class_page import best_sentence, class_page, headline
from fittingroom.runs import Predictions, Run
from fittingroom.workflows.class_collection import MARKS, collect_class

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = ("anna", "lab-pc-7", "/home/anna")


def answers(data, right: int, seed: int = 0) -> np.ndarray:
    """Probabilities that are right on so many test images, drawn by the seed, and wrong on the rest."""
    generator = np.random.default_rng(seed)
    said = (data.test.labels.astype(int) + 1) % 10
    chosen = generator.permutation(len(said))[:right]
    said[chosen] = data.test.labels[chosen]
    probabilities = generator.uniform(0.0, 0.01, (len(said), 10))
    probabilities[np.arange(len(said)), said] += 1
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def hand_in(folder: Path, data, probabilities=None, *, seed: int = 0, split="test", **changes) -> Path:
    """A run folder as training and evaluating leave it, with what a test changes about it."""
    folder.mkdir(parents=True)
    run = Run(folder)
    facts = {
        "seed": seed,
        "model": "walkthrough",
        "dataset": data.name,
        "fingerprint": data.fingerprint,
        "train_images": 540,
        "validation_images": 100,
        "held_out": 100,
        "host": "lab-pc-7",
        "user": "anna",
        "data_dir": "/home/anna/data",
    }
    run.write_json("environment.json", facts | changes.pop("facts", {}))
    line = {"epoch": 1, "seconds": 1.5, "images": 540, "learning_rate": 0.001, "loss": 0.4, "accuracy": 0.88}
    run.append_line("history.jsonl", line | {"val_loss": 0.4, "val_accuracy": 0.87} | changes.pop("history", {}))
    if probabilities is None:
        return folder
    source = data.test if split == "test" else data.train
    indices = changes.pop("indices", source.indices[: len(probabilities)])
    labels = changes.pop("labels", source.labels[: len(probabilities)].astype(np.int64))
    fingerprint = changes.pop("fingerprint", data.fingerprint)
    run.write_predictions(Predictions(probabilities, labels, indices, split, data.class_names, fingerprint))
    accuracy = changes.pop("claims", float((probabilities.argmax(axis=1) == labels).mean()))
    run.write_json("verdict.json", {"split": split, "fingerprint": fingerprint, "accuracy": accuracy, "n": len(labels)})
    for _ in range(changes.pop("looks", 1)):
        look = {"time": "t", "asked_by": "evaluate", "accuracy": accuracy, "fingerprint": data.fingerprint}
        run.append_line("test_looks.jsonl", look)
    assert not changes
    return folder


@pytest.fixture
def handed_in(tmp_path, toy) -> Path:
    """Five pupils with honest runs, each in a folder of a name."""
    for seed, name in enumerate(("anna", "ben", "cleo", "dan", "eva")):
        hand_in(
            tmp_path / name / "runs" / f"20260101-walkthrough-s{seed}", toy, answers(toy, 170 + seed, seed), seed=seed
        )
    return tmp_path


def only_row(root: Path, data, at: int = -1):
    rows = collect_class(root, data=data).runs
    assert len(rows) == 1
    return rows[0]


def kinds(row) -> set[str]:
    return {kind for kind, _ in row.marks}


def test_scores_are_judged_anew_and_the_spread_is_that_of_the_rows(handed_in, toy):
    found = collect_class(handed_in, data=toy)
    scores = [0.85, 0.855, 0.86, 0.865, 0.87]
    assert sorted(row.accuracy for row in found.runs) == pytest.approx(scores)
    assert found.test.mean == pytest.approx(np.mean(scores))
    assert found.test.sd == pytest.approx(np.std(scores, ddof=1))
    assert all(row.counts and not row.marks for row in found.runs)
    assert found.by_model[0][0] == "walkthrough"
    assert headline(found) == "5 runs, all count."
    best = max(found.runs, key=lambda row: row.accuracy)
    assert found.best == best.code
    assert set(found.like_best) == {row.code for row in found.runs} - {best.code}  # 200 images tell nothing so small
    assert "4 of the other 4 cannot be told apart from it" in best_sentence(found)


def test_what_all_get_wrong_is_counted_over_the_runs(handed_in, toy):
    found = collect_class(handed_in, data=toy)
    wrong = sum(200 - 170 - seed for seed in range(5))
    assert sum(each for *_, each in found.confused) <= wrong / 5
    assert all(predicted == (true + 1) % 10 for true, predicted, _ in found.confused)
    index, label, said, count = found.hardest[0]
    assert label == toy.test.labels[index]
    assert said == (label + 1) % 10
    told = [row.predicted[index] != label for row in found.runs]
    assert count == sum(told) == max(np.sum([row.predicted != toy.test.labels for row in found.runs], axis=0))


def test_no_name_host_user_or_path_is_told_unless_names_are_asked_for(handed_in, toy):
    broken = handed_in / "frank" / "run"
    broken.mkdir(parents=True)
    (broken / "environment.json").write_text("{")
    found = collect_class(handed_in, data=toy)
    told = json.dumps(found.to_dict()) + class_page(found, Pictures())
    assert not [word for word in (*SECRETS, "frank", "20260101", str(handed_in)) if word in told]
    with_names = collect_class(handed_in, data=toy, names=True)
    assert with_names.runs[0].name == "anna/runs/20260101-walkthrough-s0"
    assert "/home/anna" not in json.dumps(with_names.to_dict())
    assert [row.name for row in with_names.runs] == sorted(row.name for row in with_names.runs)


def test_rows_stand_in_no_order_of_their_scores(handed_in, toy):
    rows = collect_class(handed_in, data=toy).runs
    assert [row.code for row in rows] == sorted(row.code for row in rows)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("other data", {"fingerprint": "0" * 16}),
        ("other data", {"facts": {"fingerprint": "0" * 16}}),
        ("too many images", {"facts": {"train_images": 840}}),
        ("other score", {"claims": 0.99}),
        ("looks", {"looks": 3}),
        ("looks", {"looks": 0}),
        ("nothing held out", {"facts": {"validation_images": 0, "held_out": None}}),
        ("overfitting", {"history": {"accuracy": 0.99}}),
    ],
)
def test_what_is_doubtful_about_a_run_is_a_mark(tmp_path, toy, kind, changes):
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 170), **changes)
    row = only_row(tmp_path, toy)
    assert kind in kinds(row), row.marks
    assert kind in MARKS
    assert not row.error


@pytest.mark.parametrize("rewrites_verdict", [False, True])
def test_answers_that_were_bettered_afterwards_are_told_by_what_was_written_before(tmp_path, toy, rewrites_verdict):
    run = Run(hand_in(tmp_path / "a" / "run", toy, answers(toy, 160)))
    kept, better = run.predictions, answers(toy, 180)
    run.write_predictions(replace(kept, probabilities=better))
    if rewrites_verdict:
        run.write_json("verdict.json", {**run.verdict, "accuracy": 0.9})
    row = only_row(tmp_path, toy)
    assert (row.accuracy, kinds(row) & {"other score"}) == (0.9, {"other score"})
    assert "it claims 0.8000, and its answers give 0.9000" in dict(row.marks)["other score"]


def test_folders_of_any_name_are_told_of(tmp_path, toy, toy_folder, capsys):
    names = ["Jörg Müller (2. Versuch)", "  spaces  ", "emoji 🧥", "new\nline", "-rf", "a,b;c", "<b>x</b>"]
    for seed, name in enumerate(names):
        hand_in(tmp_path / name / "my run", toy, answers(toy, 160 + seed, seed), seed=seed)
    odd = os.fsencode(tmp_path) + b"/caf\xe9"  # no UTF-8
    os.mkdir(odd)  # noqa: PTH102
    (tmp_path / os.fsdecode(b"caf\xe9") / "empty.txt").write_text("x")
    command = ["class", "collect", str(tmp_path), "--dataset", str(toy_folder), "--names", "--out"]
    assert main([*command, str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out
    for name in ("Jörg Müller", "emoji", "caf?", "new?line", "a,b;c"):
        assert name in said
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert len(collect_class(tmp_path, data=toy).runs) == len(names) + 1


def test_labels_that_are_not_the_datasets_do_not_raise_a_score(tmp_path, toy):
    said = answers(toy, 100)
    hand_in(tmp_path / "a" / "run", toy, said, labels=said.argmax(axis=1))
    row = only_row(tmp_path, toy)
    assert row.accuracy == 0.5
    assert {"other labels", "other score"} <= kinds(row)
    assert not row.counts


def test_answers_in_another_order_are_judged_by_their_indices(tmp_path, toy):
    said, order = answers(toy, 170), np.random.default_rng(0).permutation(200)
    labels = toy.test.labels[order].astype(np.int64)
    hand_in(tmp_path / "a" / "run", toy, said[order], indices=toy.test.indices[order], labels=labels)
    row = only_row(tmp_path, toy)
    assert row.accuracy == 0.85
    np.testing.assert_array_equal(row.predicted, said.argmax(axis=1))


def test_a_part_of_the_test_images_is_no_score_of_the_class(tmp_path, toy):
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 200)[:50])
    row = only_row(tmp_path, toy)
    assert ("part", "it answered about 50 of 200 test images") in row.marks
    assert not row.counts


def test_each_image_counts_once(tmp_path, toy):
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 170), indices=np.zeros(200, np.int64))
    assert "expected each image once" in only_row(tmp_path, toy).error


def test_columns_in_another_order_are_no_answers_about_these_classes(tmp_path, toy):
    run = Run(hand_in(tmp_path / "a" / "run", toy, answers(toy, 170)))
    kept = run.predictions
    names = tuple(reversed(kept.class_names))
    run.write_predictions(
        Predictions(kept.probabilities[:, ::-1], kept.labels, kept.indices, "test", names, kept.fingerprint)
    )
    assert "found other names, or another order" in only_row(tmp_path, toy).error


def test_images_that_there_are_not_are_an_error_of_the_row(tmp_path, toy):
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 170), indices=np.arange(100, 300))
    assert "found 100 that it has not" in only_row(tmp_path, toy).error


def test_a_copied_run_is_marked_and_counts_once_even_where_its_numbers_were_shaken(handed_in, toy):
    said = answers(toy, 172, 2) + np.float32(1e-6)
    hand_in(handed_in / "zoe" / "run", toy, said, seed=7)
    found = collect_class(handed_in, data=toy)
    assert sum("copied" in kinds(row) for row in found.runs) == 1
    assert sum("counted once" in kinds(row) for row in found.runs) == 1
    alike = [words for row in found.runs for kind, words in row.marks if kind in ("copied", "counted once")]
    assert alike == 2 * ["every answer is that of 1 other row: a copy, or the same seed and recipe"]
    assert len(found.test.accuracies) == 5
    assert dict(found.common)["copied"] == 1


def test_validation_answers_are_no_test_score(tmp_path, toy):
    said = np.eye(10, dtype=np.float32)[toy.train.labels[:100]]
    hand_in(tmp_path / "a" / "run", toy, said, split="validation", looks=0)
    row = only_row(tmp_path, toy)
    assert kinds(row) == {"not tested"}
    found = collect_class(tmp_path, data=toy)
    assert found.test is None
    assert headline(found) == "1 run, of which none counts: 1 not yet tested."


def test_a_link_is_not_followed(tmp_path, toy):
    outside = hand_in(tmp_path / "outside" / "run", toy, answers(toy, 200))
    root = tmp_path / "class"
    inside = hand_in(root / "a" / "run", toy, answers(toy, 170))
    (root / "b").symlink_to(outside, target_is_directory=True)
    (inside / "predictions.npz").unlink()
    (inside / "predictions.npz").symlink_to(outside / "predictions.npz")
    errors = [row.error for row in collect_class(root, data=toy).runs]
    assert len(errors) == 2
    assert all("links are not followed" in error for error in errors)
    assert not any(str(tmp_path) in error for error in errors)


def test_a_link_in_a_circle_ends(tmp_path, toy):
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 170))
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(collect_class(tmp_path, data=toy).runs) == 2


def bomb(path: Path) -> None:
    """An archive of a few hundred kilobytes that unpacks to more than is read."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (17_000_000,)})
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("probabilities.npy", "w") as file,
    ):
        file.write(header.getvalue())
        for _ in range(136):
            file.write(bytes(1_000_000))


def test_bombs_pipes_and_torn_files_are_rows_and_cost_nothing(tmp_path, toy):
    for name in ("bomb", "torn", "pipe", "deep", "pickle", "nothing", "huge"):
        hand_in(tmp_path / name / "run", toy, answers(toy, 170))
    at = {name: tmp_path / name / "run" / "predictions.npz" for name in ("bomb", "torn", "pipe", "pickle", "huge")}
    bomb(at["bomb"])
    at["torn"].write_bytes(at["torn"].read_bytes()[:300])
    at["pipe"].unlink()
    os.mkfifo(at["pipe"])
    np.savez(at["pickle"], probabilities=np.array([{}], dtype=object))
    with at["huge"].open("r+b") as file:
        file.truncate(1 << 30)  # a hole: it takes no room
    (tmp_path / "deep" / "run" / "environment.json").write_text("[" * 200_000)
    (tmp_path / "nothing" / "run" / "environment.json").write_text("{}")
    rows = collect_class(tmp_path, data=toy, names=True).runs
    assert {row.name: bool(row.error) for row in rows} == {
        f"{name}/run": True for name in sorted(row.name[:-4] for row in rows)
    }
    assert all(len(row.error) <= 200 and "Traceback" not in row.error for row in rows)


def test_texts_of_a_run_are_shown_as_text(tmp_path, toy):
    wild = "<script>alert(1)</script>\x1b[31m\n" + "x" * 500
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 170), facts={"model": wild})
    hand_in(tmp_path / "b" / "run", toy, answers(toy, 171, 1), facts={"model": "/home/anna/mine.py:network"})
    found = collect_class(tmp_path, data=toy)
    assert {len(row.model) <= 40 for row in found.runs} == {True}
    assert "mine.py:network" in {row.model for row in found.runs}
    page = class_page(found, Pictures())
    assert "<script" not in page
    assert "\x1b" not in page


def test_archives_and_empty_folders_are_told_of_and_other_files_counted(tmp_path, toy):
    hand_in(tmp_path / "a" / "run", toy, answers(toy, 170))
    (tmp_path / "ben").mkdir()
    (tmp_path / "cleo.zip").write_bytes(b"PK")
    (tmp_path / "list.txt").write_text("anna")
    (tmp_path / "__MACOSX").mkdir()
    found = collect_class(tmp_path, data=toy)
    assert {row.error for row in found.runs} == {
        "",
        "no run is in this folder, 4 folders deep or less",
        "this is an archive, and nothing is unpacked here: unpack it into a folder first",
    }
    assert found.left_out == 1


def test_a_run_that_changes_is_read_anew(tmp_path, toy):
    folder = hand_in(tmp_path / "a" / "run", toy, answers(toy, 170))
    assert only_row(tmp_path, toy).accuracy == 0.85
    said = answers(toy, 180)
    Run(folder).write_predictions(
        Predictions(said, toy.test.labels.astype(np.int64), toy.test.indices, "test", toy.class_names, toy.fingerprint)
    )
    assert only_row(tmp_path, toy).accuracy == 0.9


@pytest.mark.parametrize("make", [lambda root: None, lambda root: (root / "notes.txt").write_text("x")])
def test_a_folder_without_runs_is_one_sentence(tmp_path, toy, make):
    make(tmp_path)
    with pytest.raises(UsageError, match="expected run folders in it, found none"):
        collect_class(tmp_path, data=toy)


def test_a_run_itself_and_no_folder_are_told_apart(tmp_path, toy):
    folder = hand_in(tmp_path / "a" / "run", toy, answers(toy, 170))
    with pytest.raises(UsageError, match=r"is one run\. Expected the folder that holds the runs of all"):
        collect_class(folder, data=toy)
    with pytest.raises(UsageError, match="found no such file"):
        collect_class(tmp_path / "none", data=toy)


def test_the_command_writes_a_page_and_its_twin_and_prints_the_table(handed_in, toy_folder, tmp_path, capsys):
    page = tmp_path.parent / f"{tmp_path.name}-class.html"
    assert main(["class", "collect", str(handed_in), "--dataset", str(toy_folder), "--out", str(page), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "5 runs, all count." in printed
    assert "anna" not in printed
    assert str(page) in printed
    twin = json.loads(page.with_suffix(".json").read_text())
    assert twin["schema"] == "fittingroom/class/1"
    assert f"{twin['test']['mean']:.4f}" in page.read_text()
    assert "anna" not in page.read_text()


def test_a_page_of_another_ending_is_refused_before_anything_is_written(handed_in, toy_folder, capsys):
    out = handed_in / "class.txt"
    assert main(["class", "collect", str(handed_in), "--dataset", str(toy_folder), "--out", str(out)]) == 2
    assert "Expected the page as a .html file" in capsys.readouterr().err
    assert not out.exists()


def test_the_table_for_a_spreadsheet_has_a_line_a_run(handed_in, toy_folder, tmp_path, capsys):
    page = tmp_path.parent / f"{tmp_path.name}-sheet.html"
    words = ["class", "collect", str(handed_in), "-d", str(toy_folder), "--out", str(page), "--format", "csv", "-q"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("code,name,model,seed")


def test_the_public_name_is_this_function():
    assert fr.collect_class is collect_class

"""The best trials judged again: which are they, what was chosen, how far a score flattered itself, what was gained."""

import pytest

from fittingroom.workflows.sweep_finals import AS_IT_WAS, best_trials, chosen_of, flattery, gain_over, pareto_front


def row(number, accuracy, outcome="done", seconds=1.0, **settings):
    return {
        "trial": f"trial-{number}",
        "number": number,
        "val_accuracy": accuracy,
        "outcome": outcome,
        "seconds": seconds,
        "settings": settings or {"cutout": number},
    }


def judged(name, trial, first, seconds):
    by_seed = {str(seed): {"first": first, "second": value} for seed, value in enumerate(seconds, 1)}
    second = None
    if seconds:
        mean = sum(seconds) / len(seconds)
        second = {"accuracies": seconds, "n": 1000, "mean": mean, "sd": 0.0}
    return {"name": name, "trial_accuracy": trial, "first": first, "by_seed": by_seed, "second": second}


def test_the_best_were_trained_to_their_end_and_have_settings_of_their_own():
    rows = [
        row(0, 0.8),
        row(1, 0.99, "stopped early"),
        row(2, 0.9),
        row(3, 0.9, cutout=2),
        row(4, None, "failed"),
        row(5, 0.7),
    ]
    assert [each["trial"] for each in best_trials(rows, 2)] == ["trial-2", "trial-0"]
    assert [each["trial"] for each in best_trials(rows, 9)] == ["trial-2", "trial-0", "trial-5"]


def test_fresh_seeds_on_the_first_part_choose_and_the_second_part_never_does():
    entrants = [judged("a", 0.95, 0.90, [0.99]), judged("b", 0.94, 0.92, [0.5]), judged(AS_IT_WAS, None, 0.99, [0.99])]
    assert chosen_of(entrants)["name"] == "b"
    assert chosen_of([judged("a", 0.9, None, []), entrants[2]]) is None


def test_a_score_that_was_luck_is_told_with_its_interval():
    told = flattery(judged("a", 0.95, 0.93, [0.92, 0.94]), judged(AS_IT_WAS, None, 0.9, [0.91]), 1000)
    assert told["too_high"] == pytest.approx(0.02)
    assert told["easier"] == pytest.approx(0.01)
    low, high = told["interval"]
    # both parts' sampling errors, by hand: sqrt(0.95*0.05/1000 + 0.93*0.07/1000) * 1.96
    assert (high - low) / 2 == pytest.approx(1.96 * (0.95 * 0.05 / 1000 + 0.93 * 0.07 / 1000) ** 0.5, rel=1e-3)
    assert flattery(judged("a", 0.95, None, []), None, 1000) is None
    assert flattery(judged("a", 0.95, 0.93, [0.92]), judged(AS_IT_WAS, None, None, []), 1000)["easier"] is None


def test_a_gain_is_paired_by_the_seeds_that_both_have():
    ours = {"by_seed": {"1": {"second": 0.93}, "2": {"second": 0.95}, "3": {"second": 0.1}}}
    theirs = {"by_seed": {"1": {"second": 0.92}, "2": {"second": 0.92}}}
    told = gain_over(ours, theirs)
    assert (told["mean"], told["seeds"]) == (pytest.approx(0.02), 2)
    assert told["interval"][0] < 0 < told["interval"][1]
    assert gain_over(ours, {"by_seed": {}}) is None
    assert gain_over(ours, {"by_seed": {"1": {"second": 0.9}}})["interval"] is None


def test_none_on_the_front_is_beaten_in_both():
    rows = [row(0, 0.8, seconds=1.0), row(1, 0.7, seconds=2.0), row(2, 0.9, seconds=3.0), row(3, 0.9, seconds=2.5)]
    rows.append(row(4, 0.99, "stopped early", seconds=0.1))
    assert pareto_front(rows) == ["trial-0", "trial-3"]

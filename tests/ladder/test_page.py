"""The ladder's page: every rung's point has a label of its own that can be read."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fittingroom.ladder.ladder_page import ladder_figure, page, pareto_front
from fittingroom.ladder.ladder_table import Row


def row(rung, mean, cost, target=0.9):
    return Row(
        rung=rung,
        target=target,
        n=1,
        seeds=1,
        accuracies=(mean,),
        mean=mean,
        sd=None,
        interval=(mean - 0.005, mean + 0.005),
        p_value=0.001 if mean > target else 0.4,
        single_run=0.98,
        views_mean=mean,
        seconds=cost,
        yardsticks=None,
        mflop=cost,
        parameters=1000,
        hashes=1,
        machine="a machine",
        fingerprint="0",
    )


@pytest.mark.parametrize("other", [(0.9428, 32.5), (0.9390, 40.0), (0.9414, 30.0)])
def test_two_rungs_that_lie_close_together_have_labels_apart(other):
    rows = [row("90", 0.9083, 1.9), row("94", 0.9414, 32.5), row("small", *other)]
    figure = ladder_figure(rows, "mflop")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert len(boxes) == 3
    assert not any(one.overlaps(two) for i, one in enumerate(boxes) for two in boxes[:i])


def test_a_rung_without_a_cost_is_not_drawn_and_without_any_there_is_no_figure():
    untimed = row("94", 0.9414, None)
    assert len(ladder_figure([row("90", 0.9, 2.0), untimed], "seconds").axes[0].texts) == 1
    assert ladder_figure([untimed], "seconds") is None


def test_the_page_marks_a_mean_below_its_bar():
    shown = page([row("93", 0.9285, 85.0, target=0.93), row("90", 0.9083, 6.0)], "fashion-mnist")
    assert "0.9285 (missed)" in shown
    assert "0.9083 (missed)" not in shown


def test_the_front_holds_what_nothing_beats_and_no_more():
    assert pareto_front([(3.0, 0.93), (1.0, 0.90), (2.0, 0.90), (4.0, 0.92), (5.0, 0.95)]) == [
        (1.0, 0.90),
        (3.0, 0.93),
        (5.0, 0.95),
    ]

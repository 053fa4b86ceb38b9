"""Where a step's seconds go: the rows make the step, and products are counted as they are."""

import pytest

from fittingroom.speed.step_table import BETWEEN, bytes_moved, step_table
from fittingroom.training.recipe import Recipe


@pytest.fixture(scope="module")
def table(toy):
    return step_table(Recipe(model="stem-16-16-32", batch_size=64), toy, steps=5)


def test_the_rows_together_make_the_step_and_none_takes_less_than_nothing(table):
    assert sum(taken for _, taken, _ in table.rows.values()) == pytest.approx(table.seconds)
    assert all(taken >= 0 and least >= 0 for _, taken, least in table.rows.values())


def test_convolutions_are_counted_each_once_with_all_their_operations(table):
    calls, _, least = table.rows["convolutions, forward"]
    assert calls == 5  # the stem and two groups of two
    positions = (
        14 * 14 * 16 * 16,
        14 * 14 * 9 * 16 * 16,
        7 * 7 * 9 * 16 * 16,
        7 * 7 * 9 * 16 * 32,
        3 * 3 * 9 * 32 * 32,
    )
    flop = 64 * 2 * sum(positions)
    assert least >= flop / table.product_rate * 0.999


def test_the_page_names_what_is_slow_first_and_says_how_far_the_step_is_from_its_products(table):
    text = table.markdown("a recipe")
    shown = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][2:]
    assert shown == sorted(table.rows, key=lambda name: -table.rows[name][1])
    assert f"{table.seconds / table.products:.2f} x its convolutions" in text
    assert BETWEEN not in table.rows or table.rows[BETWEEN][0] == 0


def test_what_is_no_tensor_moves_nothing():
    assert bytes_moved([[2, 3], [], [[1], [2]], [3]]) == 4 * (6 + 3 + 6)

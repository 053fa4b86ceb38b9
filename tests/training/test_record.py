"""What an epoch's steps gave, and the lines made of it."""

import pytest
import torch

from fittingroom.progress import Progress, each_epoch
from fittingroom.training.record import Record


def test_loss_is_weighted_by_batch_size_and_accuracy_counts_every_image():
    record = Record(torch.tensor([0, 1, 1]))
    record.add(torch.tensor(1.0), torch.tensor([[0.9, 0.1], [0.2, 0.8]]))
    assert record.accuracy() == 1.0
    record.add(torch.tensor(4.0), torch.tensor([[0.9, 0.1]]))
    assert record.loss() == pytest.approx((1 * 2 + 4 * 1) / 3)
    assert record.accuracy() == pytest.approx(2 / 3)
    assert record.images == 3


def test_a_loss_that_is_not_finite_is_found_where_it_first_was():
    record = Record(torch.zeros(4, dtype=torch.int64))
    for loss in (1.0, float("nan"), 2.0, float("inf")):
        record.add(torch.tensor(loss), torch.zeros(1, 2))
    assert record.first_not_finite(0) == 1
    assert record.first_not_finite(2) == 3
    assert record.first_not_finite(4) is None


def test_state_and_load_bring_back_the_same_numbers():
    record = Record(torch.tensor([0, 1, 1]))
    record.add(torch.tensor(1.0), torch.tensor([[0.9, 0.1], [0.2, 0.8]]))
    again = Record(record.labels)
    again.load(record.state())
    for one in (record, again):
        one.add(torch.tensor(3.0), torch.tensor([[0.9, 0.1]]))
    assert (again.loss(), again.accuracy(), again.images) == (record.loss(), record.accuracy(), record.images)


def test_each_epoch_says_one_line_an_epoch():
    said = []
    on_progress = each_epoch(said.append)
    for done in (False, False, True):
        on_progress(Progress(2, 5, 100, 100, 2.0, 0.5, 0.75, 0.6, 0.7, done=done))
    assert said == [
        "epoch 2/5  loss 0.5000  accuracy 0.7500  val_loss 0.6000  val_accuracy 0.7000  50 images/s  6 s left"
    ]

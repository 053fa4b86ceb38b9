"""Each clean-up alone, on a graph made for it: it does its one thing, and the values stay."""

import math

import pytest
import torch
from torch.func import functionalize

from fittingroom import graphs
from fittingroom.graphs.nodes import aten, graph_of, is_call


def graph(function, *arguments):
    with torch.no_grad():
        return graph_of(functionalize(function, remove="mutations"), arguments)


def targets(module):
    return [node.target for node in module.graph.nodes if node.op == "call_function"]


def applied(clean_up, module):
    clean_up(module)
    module.graph.lint()
    module.recompile()
    return targets(module)


def assert_same(module, function, *arguments, **tolerances):
    for ours, theirs in zip(module.forward(*arguments), function(*arguments), strict=True):
        torch.testing.assert_close(ours, theirs, **tolerances)


torch.manual_seed(0)
X = torch.rand(4, 6)


def test_draw_in_place_draws_the_numbers_of_the_layer_itself_in_the_layout_of_its_input():
    function = lambda x: [torch.nn.functional.dropout(x, 0.4), torch.nn.functional.dropout(x, 0.4)]  # noqa: E731
    pixels = torch.rand(3, 4, 5, 6).to(memory_format=torch.channels_last)
    module = graph(function, pixels)
    found = applied(graphs.draw_in_place, module)
    assert found.count(aten.bernoulli_.float) == 2
    assert aten.bernoulli.p not in found
    assert applied(graphs.merge_repeated, module).count(aten.empty_strided.default) == 2  # two masks, two places
    torch.manual_seed(1)
    traced = module.forward(pixels)
    torch.manual_seed(1)
    eager = function(pixels)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(traced, eager, strict=True))
    assert not torch.equal(*traced)


def test_drop_dead_drops_what_nothing_uses_but_no_random_number():
    def function(x):
        x.exp()
        torch.rand(3)
        return [x + 1]

    module = graph(function, X)
    assert applied(graphs.drop_dead, module) == [aten.rand.default, aten.add.Tensor]


def test_drop_detach_drops_detach():
    module = graph(lambda x: [x.detach() * 2], X)
    assert aten.detach.default in targets(module)
    assert applied(graphs.drop_detach, module) == [aten.mul.Tensor]


def test_fold_constants_computes_ones_and_what_is_made_of_them_once():
    def function(x):
        return [x * (torch.ones_like(x) + torch.full((6,), 2.0)).sum()]

    module = graph(function, X)
    assert applied(graphs.fold_constants, module) == [aten.mul.Tensor]
    assert_same(module, function, X + 1)


def test_fold_constants_leaves_random_numbers_to_be_drawn():
    module = graph(lambda x: [x * torch.rand(6)], X)
    applied(graphs.fold_constants, module)
    first, second = module.forward(X)[0], module.forward(X)[0]
    assert not torch.equal(first, second)


def test_merge_repeated_computes_the_same_thing_once():
    def function(x):
        return [x.exp() + x.exp(), x.sum(1, keepdim=True) + x.sum(1, keepdim=True)]

    module = graph(function, X)
    assert applied(graphs.merge_repeated, module).count(aten.exp.default) == 1
    assert_same(module, function, X)


def test_merge_repeated_keeps_apart_what_differs_in_type_alone_and_random_draws():
    def function(x):
        return [x.sum(0, keepdim=True), x.sum(0, keepdim=False), torch.rand(2) - torch.rand(2)]

    module = graph(function, X)
    before = len(targets(module))
    assert len(applied(graphs.merge_repeated, module)) == before


def test_cancel_permutes_merges_two_into_none():
    def function(x):
        return [x.permute(1, 2, 0).permute(2, 0, 1) + 1, x.permute(1, 2, 0).permute(1, 2, 0)]

    images = torch.rand(2, 3, 4)
    module = graph(function, images)
    assert applied(graphs.cancel_permutes, module) == [aten.add.Tensor, aten.permute.default]
    assert_same(module, function, images)


def test_squeeze_sums_drops_the_view_after_a_sum():
    def function(x):
        return [x.sum(0, keepdim=True).view(6), x.sum(0, keepdim=True).view(2, 3)]

    module = graph(function, X)
    assert applied(graphs.squeeze_sums, module).count(aten.view.default) == 1
    assert_same(module, function, X)


def test_free_layout_drops_copies_of_the_memory_layout_and_views_still_work():
    def function(x):
        pooled = torch.max_pool2d(x.permute(0, 3, 1, 2).contiguous(), 2)
        return [pooled.reshape(len(x), -1)]

    images = torch.rand(2, 4, 4, 3)
    module = graph(function, images)
    assert aten.clone.default in targets(module)
    assert aten.clone.default not in applied(graphs.free_layout, module)
    assert_same(module, function, images)


def test_fuse_bias_writes_product_and_sum_as_one():
    def function(x, weight, bias):
        return [x @ weight + bias]

    arguments = (X, torch.rand(6, 3), torch.rand(3))
    module = graph(function, *arguments)
    assert applied(graphs.fuse_bias, module) == [aten.addmm.default]
    assert_same(module, function, *arguments)


@pytest.mark.parametrize("bias", [torch.rand(4, 3), torch.rand(1), torch.rand(3, dtype=torch.float64)])
def test_fuse_bias_leaves_what_is_no_bias(bias):
    module = graph(lambda x, weight, bias: [x @ weight + bias], X, torch.rand(6, 3), bias)
    assert aten.addmm.default not in applied(graphs.fuse_bias, module)


def keras_loss(x):
    p = torch.softmax(x, dim=-1)
    return [(p / p.sum(dim=1, keepdim=True)).clamp(1e-7, 1 - 1e-7).log()]


def test_fuse_log_softmax_writes_the_clipped_logarithm_of_a_softmax_as_one():
    module = graph(keras_loss, X)
    graphs.fuse_log_softmax(module)
    assert applied(graphs.drop_dead, module) == [aten._log_softmax.default, aten.clamp.default]
    assert_same(module, keras_loss, X)


def test_fuse_log_softmax_keeps_the_clip_where_a_probability_is_next_to_nothing():
    far = X * 100
    module = graph(keras_loss, X)
    graphs.fuse_log_softmax(module)
    (logs,) = module.forward(far)
    assert logs.min().item() == pytest.approx(math.log(1e-7))
    assert_same(module, keras_loss, far)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: [torch.softmax(x, dim=0).log()],
        lambda x: [(torch.softmax(x, dim=1) / x.sum(dim=1, keepdim=True)).log()],
        lambda x: [x.log()],
    ],
)
def test_fuse_log_softmax_leaves_other_logarithms(function):
    module = graph(function, X)
    assert aten._log_softmax.default not in applied(graphs.fuse_log_softmax, module)


def test_rank_by_logarithm_returns_the_logarithm_where_only_the_order_counts():
    def function(x):
        return [torch.log_softmax(x, dim=1).sum(), torch.softmax(x, dim=1)]

    module = graph(function, X)
    graphs.rank_by_logarithm(module)
    assert aten._softmax.default not in applied(graphs.drop_dead, module)
    loss, ranked = module.forward(X)
    assert torch.equal(ranked.argsort(1), X.argsort(1))
    torch.testing.assert_close(loss, function(X)[0])


def keras_batch_norm(x, scale, offset, axes=(0, 1, 2)):
    mean = x.mean(axes, keepdim=True)
    variance = x.square().mean(axes, keepdim=True) - mean.square()
    mean, variance = mean.squeeze(axes), variance.squeeze(axes)
    shape = [1] * (x.ndim - 1) + [-1]
    inverse = variance.reshape(shape).add(1e-3).rsqrt_().mul(scale.reshape(shape))
    return [x.subtract(mean.reshape(shape)).mul_(inverse).add_(offset.reshape(shape)), mean * 1, variance * 1]


@pytest.mark.parametrize("shape", [(5, 4, 4, 3), (7, 3)])
def test_fuse_batch_norm_writes_it_as_one_and_keeps_its_moments(shape):
    arguments = (torch.rand(shape, dtype=torch.float64), torch.rand(3).double(), torch.rand(3).double())

    def function(x, scale, offset):
        return keras_batch_norm(x, scale, offset, tuple(range(len(shape) - 1)))

    module = graph(function, *arguments)
    graphs.fuse_batch_norm(module)
    left = applied(graphs.drop_dead, module)
    assert left.count(aten.native_batch_norm.default) == 1
    assert aten.rsqrt.default not in left
    assert_same(module, function, *arguments, rtol=1e-10, atol=1e-12)


def test_fuse_batch_norm_leaves_a_normalisation_by_other_moments():
    def function(x, mean, scale, offset):
        return [(x - mean).mul_((scale + 1e-3).rsqrt_().mul(scale)).add_(offset)]

    module = graph(function, torch.rand(5, 3), *torch.rand(3, 3).unbind())
    assert aten.native_batch_norm.default not in applied(graphs.fuse_batch_norm, module)


def test_reuse_memory_lets_relu_overwrite_only_what_nothing_else_reads():
    def function(x):
        once, twice = x + 1, x + 2
        return [torch.relu(once), torch.relu(twice), twice * 1, torch.relu(x)]

    module = graph(function, X)
    before = X.clone()
    left = applied(graphs.reuse_memory, module)
    assert (left.count(aten.relu_.default), left.count(aten.relu.default)) == (1, 2)
    assert_same(module, function, X)
    assert torch.equal(X, before)


def test_write_in_place_puts_gradients_and_buffers_where_they_belong():
    def function(weight, buffer, x):
        return [x.sum(), x, buffer + 1, x.t() @ x, weight * 2]

    weight, buffer = torch.rand(6, 6), torch.zeros(2)
    module = graph(function, weight, buffer, X)
    graphs.write_in_place(module, (1, 1))
    module.recompile()
    places = torch.zeros(6, 6), torch.zeros(6, 6)
    loss, outputs = module.forward(weight, buffer, X, *places)
    torch.testing.assert_close(loss, X.sum())
    assert outputs is X
    assert buffer.tolist() == [1, 1]
    torch.testing.assert_close(places, (X.t() @ X, weight * 2))
    assert sum(is_call(node, aten.mm.out) for node in module.graph.nodes) == 1


def test_direct_calls_change_the_function_and_not_the_value():
    def function(x, weight):
        return [torch.relu(x @ weight), x * 2]

    weight = torch.rand(6, 3)
    module = graph(function, X, weight)
    assert torch.mm in applied(graphs.direct_calls, module)
    assert_same(module, function, X, weight)

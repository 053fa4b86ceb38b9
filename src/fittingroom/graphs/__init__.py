"""Graph clean-ups: each takes a module, changes its graph in place, and says in one sentence what it does.

``FORWARD`` passes see the forward pass alone, free of in-place operations; they recognise what Keras composes and put
a fused operation there. ``JOINT`` passes see forward and backward together and take away what is not needed.
``INFERENCE`` passes see a forward pass that needs no gradients.
"""

from __future__ import annotations

from fittingroom.graphs.batch_norm import fuse_batch_norm
from fittingroom.graphs.log_loss import fuse_log_softmax, rank_by_logarithm
from fittingroom.graphs.memory import direct_calls, free_layout, fuse_bias, reuse_memory, write_in_place
from fittingroom.graphs.random import draw_in_place
from fittingroom.graphs.simplify import (
    cancel_permutes,
    drop_dead,
    drop_detach,
    fold_constants,
    merge_repeated,
    squeeze_sums,
)

FORWARD = (
    draw_in_place,
    drop_dead,
    fuse_batch_norm,
    fuse_log_softmax,
    fuse_bias,
    free_layout,
    cancel_permutes,
    drop_dead,
)
JOINT = (
    drop_detach,
    fold_constants,
    squeeze_sums,
    cancel_permutes,
    merge_repeated,
    drop_dead,
    reuse_memory,
)

INFERENCE = (
    drop_dead,
    fuse_bias,
    free_layout,
    fold_constants,
    cancel_permutes,
    merge_repeated,
    drop_dead,
    direct_calls,
)

__all__ = [
    "FORWARD",
    "INFERENCE",
    "JOINT",
    "cancel_permutes",
    "direct_calls",
    "draw_in_place",
    "drop_dead",
    "drop_detach",
    "fold_constants",
    "free_layout",
    "fuse_batch_norm",
    "fuse_bias",
    "fuse_log_softmax",
    "merge_repeated",
    "rank_by_logarithm",
    "reuse_memory",
    "squeeze_sums",
    "write_in_place",
]

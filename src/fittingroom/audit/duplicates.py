"""Near-duplicates among pictures: all pairs, in pixels and as a network sees them, without missing any.

In pixels two pictures are compared where they overlap, also mirrored and moved by a pixel, each scaled to length 1, so
that a brighter copy is the same picture: the distance is that of two points on a sphere, 0 for equal ones and 1.41 for
two without a common pixel. In features, what a network makes of them, those pictures are near-duplicates that are much
nearer to each other than pictures there usually are: so are found two pictures of one article whose light or contrast
differs. A convolutional network sees a moved or turned copy as another picture: those are the pixels' business.

A lower bound of each distance in a few dimensions rules out nearly all pairs, and the rest are measured exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.progress import Log, no_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fittingroom.arrays import Array, Images

LIMIT = 0.08  # distances up to this are near-duplicates: beyond it, looked at, plain garments of one cut mix in
GREY = 8.0  # grey levels, root mean square: of faint pictures what differs less counts too, as after a JPEG file
WIDEST = 0.15  # distances beyond it never count, however faint the pictures
DIMENSIONS = 24  # of the lower bound, and one more for what they leave over
SAMPLE = 5000  # images whose principal axes these are
ROWS = 2048  # turned into points at a time: bounded memory
TILE = (512, 2048)  # queries and points compared at a time: what stays in a processor's cache
EXACT = 20_000  # pairs measured at a time
SLACK = 1e-5  # of a squared bound, for rounding in float32
LEAST_LENGTH = 64.0  # of a picture's pixels as one vector: below it there is nothing to compare
SHARE = (
    0.3  # of the usual distance to the neighbours, in features: beyond it, looked at, other prints of one cut mix in
)
LEAST_USUAL = 0.05  # of the middle one: no image's usual distance counts as less, or many copies would hide each other
MOST_SAME = 0.25  # of all images, as a share: a network that sees more of them as the same tells nothing
MOVES = {  # of a picture against another one, as it stands and mirrored: of two opposite ones one is enough
    False: ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1)),
    True: ((0, 0), (0, 1), (0, -1), (1, -1), (1, 0), (1, 1)),
}


@dataclass(frozen=True)
class NearPair:
    """Two pictures that are nearly the same.

    Attributes:
        first: position of one, the smaller.
        second: position of the other.
        distance: in pixels, of the two as points on a sphere, at the move that suits best; in features, as a share of
            the usual distance to the neighbours there.
        mirrored: whether one is the other in a mirror.
        moved: rows and columns that one is moved by.
    """

    first: int
    second: int
    distance: float
    mirrored: bool = False
    moved: tuple[int, int] = (0, 0)


def near_pairs(
    images: Images, limit: float = LIMIT, *, mirrored: bool = True, moved: bool = True, log: Log = no_log
) -> list[NearPair]:
    """Return all pairs of pictures whose distance is at most a limit, the nearest first.

    Of faint pictures a few grey levels are a large distance: there a pair counts too that differs by `GREY` levels at
    most, at the brightness of the brighter one, up to the distance `WIDEST`. Pictures that are black, or nearly so,
    are left out: they are told of otherwise. Of pictures that are equal to the last pixel each is a pair with the
    first of them, and what is near to them is a pair with that one alone: a thousand copies are no million pairs.

    Args:
        images: uint8 ``(n, h, w)``.
        limit: the largest distance of pictures that are not faint.
        mirrored: whether to look at mirrored pictures too.
        moved: whether to look at pictures moved by a pixel too, in all eight directions.
        log: told how far the search is.
    """
    if len(images) < 2:
        return []
    unlike, equal = _equal_ones(images.reshape(len(images), -1))
    if equal:
        bright = has_pixels(images)
        among = near_pairs(images[unlike], limit, mirrored=mirrored, moved=moved, log=log)
        found = [NearPair(first, second, 0.0) for first, second in equal if bright[first]]
        return _by_distance([*found, *(_renumbered(pair, unlike) for pair in among)])
    axes, limits = _principal_axes(images), limits_of(images, limit)
    faint = np.flatnonzero(limits > limit)
    best: dict[tuple[int, int], NearPair] = {}
    for is_mirrored in (False, True) if mirrored else (False,):
        for move in MOVES[is_mirrored] if moved else MOVES[is_mirrored][:1]:
            if abs(move[0]) >= images.shape[1] or abs(move[1]) >= images.shape[2]:
                continue  # nothing of the two overlaps
            log(f"Near-duplicates{', mirrored' if is_mirrored else ''}, moved by (rows, columns) {move}.")
            found = list(_pairs_at(images, axes, limit, is_mirrored, move))
            for pair in _pairs_at(images[faint], axes, max(limit, WIDEST), is_mirrored, move) if len(faint) > 1 else ():
                own = _renumbered(pair, faint)
                if pair.distance <= min(limits[own.first], limits[own.second]):
                    found.append(own)
            for pair in found:
                key = pair.first, pair.second
                if key not in best or pair.distance < best[key].distance:
                    best[key] = pair
    return _by_distance(best.values())


def near_in_features(features: Array, usual: Array, *, share: float = SHARE) -> list[NearPair] | None:
    """Return all pairs of pictures that a network sees as nearly the same, the nearest first.

    The distance of a pair is Euclidean, as a share of the usual distance of that one of the two whose neighbours are
    nearer: where a network sees all pictures of a class as much alike, they have to be more alike still.

    Args:
        features: ``(n, d)``, what a network makes of each picture.
        usual: how far the neighbours of each usually are, ``(n,)``, as `odd_ones.neighbour_distances` has it.
        share: the largest distance.

    Returns:
        None where the network sees too many pictures as the same, or all, for this to tell anything. Of pictures with
        equal features each is a pair with the first of them.
    """
    if len(features) < 2:
        return []
    unlike, equal = _equal_ones(features)
    most, middle = MOST_SAME * len(features), float(np.median(usual))
    if middle <= 0 or len(equal) > most:
        return None
    points = np.ascontiguousarray(features[unlike], np.float32)
    points -= points.mean(axis=0, dtype=np.float64).astype(np.float32)
    scales = np.maximum(usual, LEAST_USUAL * middle)[unlike]
    limits = (share * scales).astype(np.float32)
    shadows = _shadow(points, _widest_axes(points[_spread(len(points))]))
    found = [NearPair(first, second, 0.0) for first, second in equal]
    for first, second in _candidates(shadows, shadows, limits):
        first, second = first[first < second], second[first < second]
        shares = _distances(points, points, first, second) / np.minimum(scales[first], scales[second])
        found += [
            NearPair(int(unlike[first[place]]), int(unlike[second[place]]), float(shares[place]))
            for place in np.flatnonzero(shares <= share)
        ]
        if len(found) > most:
            return None
    return _by_distance(found)


def _equal_ones(rows: Array) -> tuple[Array, list[tuple[int, int]]]:
    """Return the positions of rows that are unlike all before them, and of each other one the pair with its first."""
    plain = np.ascontiguousarray(rows).reshape(len(rows), -1)
    whole = plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    own = first[inverse.ravel()]
    later = np.flatnonzero(own != np.arange(len(rows)))
    return np.sort(first), [(int(own[place]), int(place)) for place in later]


def _renumbered(pair: NearPair, positions: Array) -> NearPair:
    """Return a pair found among some pictures, which are in their order, with their positions among all."""
    return replace(pair, first=int(positions[pair.first]), second=int(positions[pair.second]))


def _by_distance(pairs: Iterable[NearPair]) -> list[NearPair]:
    return sorted(pairs, key=lambda pair: (pair.distance, pair.first, pair.second))


def has_pixels(images: Images) -> Array:
    """Say of pictures whether there is something to compare: those that are black, or nearly so, have nothing.

    Args:
        images: uint8 ``(n, h, w)``.

    Returns:
        bool ``(n,)``.
    """
    return np.asarray(np.einsum("nhw,nhw->n", images, images, dtype=np.float64) > LEAST_LENGTH**2)


def limits_of(images: Images, limit: float) -> Array:
    """Return up to which distance a picture may be from one that is at least as faint, ``(n,)``.

    Args:
        images: uint8 ``(n, h, w)``.
        limit: of those that are not faint.
    """
    squares = np.einsum("nhw,nhw->n", images, images, dtype=np.float64)
    brightness = np.sqrt(squares / max(1, images[0].size))
    return np.asarray(np.clip(GREY / np.maximum(brightness, 1e-9), limit, max(limit, WIDEST)))


def overlaps(images: Images, is_mirrored: bool, move: tuple[int, int]) -> tuple[Images, Images]:
    """Return pictures moved, and the same ones at rest, each cut to where a moved and a resting one overlap.

    Args:
        images: ``(n, h, w)``.
        is_mirrored: whether the moved ones are mirrored first.
        move: rows down and columns to the right.

    Example:
        >>> moved, rest = overlaps(np.arange(6).reshape(1, 2, 3), False, (1, 1))
        >>> moved.tolist(), rest.tolist()
        ([[[0, 1]]], [[[4, 5]]])
    """
    height, width = images.shape[1:]
    rows, columns = move
    source = images[:, :, ::-1] if is_mirrored else images
    return (
        source[:, max(0, -rows) : height - max(0, rows), max(0, -columns) : width - max(0, columns)],
        images[:, max(0, rows) : height - max(0, -rows), max(0, columns) : width - max(0, -columns)],
    )


def _principal_axes(images: Images) -> Array:
    """Return orthonormal axes ``(h, w, k)`` along which a sample of pictures of length 1 differs most."""
    height, width = images.shape[1:]
    return _widest_axes(_on_sphere(images[_spread(len(images))])).reshape(height, width, -1)


def _spread(count: int) -> Array:
    """Return the positions of a sample, evenly through all."""
    return np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(np.int64))


def _widest_axes(points: Array) -> Array:
    """Return orthonormal axes ``(d, k)`` along which points ``(n, d)`` differ most."""
    _, axes = np.linalg.eigh(points.T @ points)
    return np.ascontiguousarray(axes[:, ::-1][:, :DIMENSIONS], np.float32)


def _on_sphere(images: Images) -> Array:
    """Return pictures as float32 ``(n, h * w)`` of length 1; of length 0 where they are nearly black."""
    points = images.reshape(len(images), -1).astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", points, points))
    points *= np.where(lengths > LEAST_LENGTH, 1 / np.maximum(lengths, 1e-9), 0)[:, None]
    return points


def _shadows(images: Images, axes: Array) -> Array:
    """Return what the lower bound of the distances of pictures is computed from."""
    parts = [_shadow(_on_sphere(images[start : start + ROWS]), axes) for start in range(0, len(images), ROWS)]
    return np.concatenate(parts)


def _shadow(points: Array, axes: Array) -> Array:
    """Return what a distance's lower bound is computed from: coordinates, and the length of what they leave over.

    Two points differ at least as much as their coordinates along orthonormal axes and the lengths of the rests do.
    """
    made = np.empty((len(points), axes.shape[1] + 1), np.float32)
    made[:, :-1] = points @ axes
    rest = np.einsum("ij,ij->i", points, points) - np.einsum("ij,ij->i", made[:, :-1], made[:, :-1])
    made[:, -1] = np.sqrt(np.maximum(rest, 0))
    return made


def _pairs_at(
    images: Images, axes: Array, limit: float, is_mirrored: bool, move: tuple[int, int]
) -> Iterator[NearPair]:
    moved, rest = overlaps(images, is_mirrored, move)
    height, width = rest.shape[1:]
    chosen, _ = np.linalg.qr(axes[:height, :width].reshape(height * width, -1))  # orthonormal on what is left, too
    queries, points = _shadows(moved, chosen), _shadows(rest, chosen)
    symmetric = move == (0, 0)
    for first, second in _candidates(queries, points, np.full(len(queries), limit, np.float32)):
        keep = first < second if symmetric else first != second
        keep &= (queries[first].any(axis=1)) & (points[second].any(axis=1))
        first, second = first[keep], second[keep]
        distances = _distances(moved, rest, first, second)
        for place in np.flatnonzero(distances <= limit):
            one, other = int(first[place]), int(second[place])
            back = one > other
            way = (-move[0], move[1] if is_mirrored else -move[1]) if back else move
            yield NearPair(min(one, other), max(one, other), float(distances[place]), is_mirrored, way)


def _candidates(queries: Array, points: Array, limits: Array) -> Iterator[tuple[Array, Array]]:
    """Yield positions of queries and of points whose lower bound is within the query's limit.

    Both are sorted by their widest coordinate: what lies further apart in it than the limit is never multiplied.
    """
    widest = int(points[:, :-1].var(axis=0).argmax())
    of_queries, of_points = queries[:, widest].argsort(), points[:, widest].argsort()
    along = points[of_points, widest]
    left, right = _as_product(queries[of_queries], points[of_points])
    lengths = np.sqrt(np.einsum("ij,ij->i", queries, queries))
    most = limits**2 + SLACK * (lengths + limits) ** 2
    for start in range(0, len(queries), TILE[0]):
        rows = of_queries[start : start + TILE[0]]
        reach, own = np.sqrt(most[rows]), queries[rows, widest]
        begin, end = np.searchsorted(along, [(own - reach).min(), (own + reach).max()])
        for first in range(int(begin), int(end), TILE[1]):
            last = min(first + TILE[1], int(end))
            squared = left[start : start + TILE[0]] @ right[:, first:last]
            hits = np.flatnonzero(squared <= most[rows, None])
            if len(hits):
                row, column = np.divmod(hits, last - first)
                yield rows[row], of_points[first + column]


def _as_product(queries: Array, points: Array) -> tuple[Array, Array]:
    """Return two matrices whose product is the squared distance of each query to each point."""
    ones = np.ones((len(queries), 1), np.float32), np.ones((len(points), 1), np.float32)
    squares = [np.einsum("ij,ij->i", rows, rows)[:, None] for rows in (queries, points)]
    left = np.hstack([-2 * queries, squares[0], ones[0]])
    return left, np.ascontiguousarray(np.hstack([points, ones[1], squares[1]]).T)


def _distances(some: Array, others: Array, first: Array, second: Array) -> Array:
    """Return the distances of pairs of points ``(n, d)``, or of pictures ``(n, h, w)`` as points on a sphere."""
    found = np.empty(len(first), np.float64)
    for start in range(0, len(first), EXACT):
        part = slice(start, start + EXACT)
        one, other = some[first[part]], others[second[part]]
        difference = one - other if some.ndim == 2 else _on_sphere(one) - _on_sphere(other)
        found[part] = np.sqrt(np.einsum("ij,ij->i", difference, difference, dtype=np.float64))
    return found


def groups_of(pairs: list[NearPair]) -> list[tuple[int, ...]]:
    """Return the groups that pairs hang together in, each in order, the largest first.

    Example:
        >>> groups_of([NearPair(0, 1, 0.0), NearPair(4, 5, 0.0), NearPair(1, 7, 0.0)])
        [(0, 1, 7), (4, 5)]
    """
    root: dict[int, int] = {}

    def find(one: int) -> int:
        while root.setdefault(one, one) != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for pair in pairs:
        root[max(find(pair.first), find(pair.second))] = min(find(pair.first), find(pair.second))
    groups: dict[int, list[int]] = {}
    for one in sorted(root):
        groups.setdefault(find(one), []).append(one)
    return sorted((tuple(group) for group in groups.values()), key=lambda group: (-len(group), group))

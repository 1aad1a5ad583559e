"""Where to write the names of points so that none hides another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

HEIGHT = 11.0  # of a line of text, in points
MARK = 6.0  # half the width of a point's mark
MOST_HIDDEN = 4  # dots hidden beyond which one more makes no difference


class Box(NamedTuple):
    """A rectangle in points."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def within(self, other: Box) -> bool:
        across = self.left >= other.left and self.right <= other.right
        return across and self.bottom >= other.bottom and self.top <= other.top

    def count(self, dots: np.ndarray) -> int:
        """How many of these dots, an array of shape (n, 2), lie within."""
        x, y = dots.T
        return int(((x > self.left) & (x < self.right) & (y > self.bottom) & (y < self.top)).sum())


def label_offsets(
    spots: np.ndarray, widths: Sequence[float], dots: np.ndarray, frame: Box
) -> list[tuple[float, float] | None]:
    """Return where each label's left middle goes, relative to its spot; None where there is no room for it.

    spots: (n, 2) places in points, the most important first. widths: of the n labels. dots: (m, 2) places better not
    hidden. Labels stay within the frame and never touch one another or a spot.
    """
    taken = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in spots]
    offsets: list[tuple[float, float] | None] = []
    for (x, y), width in zip(spots, widths, strict=True):
        free: list[tuple[float, float, float, Box]] = []
        for rank, (dx, dy) in enumerate(_tried(width)):
            box = Box(x + dx, y + dy - HEIGHT / 2, x + dx + width, y + dy + HEIGHT / 2)
            if box.within(frame) and not any(box.meets(other) for other in taken):
                free.append((0.5 * rank + min(box.count(dots), MOST_HIDDEN), dx, dy, box))
        if not free:
            offsets.append(None)
            continue
        _, dx, dy, box = min(free)
        taken.append(box)
        offsets.append((dx, dy))
    return offsets


def _tried(width: float) -> Iterator[tuple[float, float]]:
    """Yield places for a label of this width, the best first: beside, above and below its spot, then further off."""
    for reach in (1.0, 2.2, 3.6, 5.2):
        yield 10, -11 * reach
        if reach == 1.0:
            yield 11, 0
        yield 10, 11 * reach
        yield -width / 2, -15 * reach
        yield -width / 2, 15 * reach
        yield -width - 10, 11 * reach
        yield -width - 10, -11 * reach

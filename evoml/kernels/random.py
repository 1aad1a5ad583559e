"""Random numbers without state: each is a hash of what it is for (seed, fold, tree, node, column), in any order.

The hash is the finaliser of splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
"""

import numpy as np

from evoml.kernels.compiling import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)
_BY_27, _BY_30, _BY_31, _BY_11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)


@kernel
def mix(key: np.uint64, number: int) -> np.uint64:
    """uint64 key of the ``number``-th child of ``key``: chain it, as in mix(mix(seed, tree), node)."""
    z = np.uint64(key) + (np.uint64(number) + _ONE) * _GOLDEN
    z = (z ^ (z >> _BY_30)) * _FIRST
    z = (z ^ (z >> _BY_27)) * _SECOND
    return z ^ (z >> _BY_31)


@kernel
def uniform(key: np.uint64) -> float:
    """float64 in [0, 1) of a key that mix returned."""
    return np.float64(np.uint64(key) >> _BY_11) * 1.1102230246251565e-16

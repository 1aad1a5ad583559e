"""Formulas on even grids, as some of the literature wants them; those drawn at random need nothing but the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

FUNCTIONS = {name: getattr(np, name) for name in ("sin", "cos", "exp", "log", "sqrt")}


def grid(
    seed: int,
    expression: str,
    ranges: Mapping[str, Sequence[float]],
    step: float,
    test_ranges: Mapping[str, Sequence[float]],
    test_step: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return all points of a grid, and all points of another one to test on; ``seed`` changes nothing."""
    X, X_test = _points(ranges, step), _points(test_ranges, test_step)
    return X, _values(expression, ranges, X), X_test, _values(expression, ranges, X_test)


def harmonic(seed: int, terms: int, test_terms: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the harmonic numbers up to ``terms``, and those up to ``test_terms`` (Keijzer 2003, his sixth problem)."""
    x = np.arange(1.0, test_terms + 1)
    y = np.cumsum(1 / x)
    return x[:terms, None], y[:terms], x[:, None], y


def _points(ranges: Mapping[str, Sequence[float]], step: float) -> np.ndarray:
    axes = [np.arange(round((high - low) / step) + 1) * step + low for low, high in ranges.values()]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def _values(expression: str, ranges: Mapping[str, Sequence[float]], X: np.ndarray) -> np.ndarray:
    columns = dict(zip(ranges, X.T, strict=True))
    return np.broadcast_to(eval(expression, {"__builtins__": {}, **FUNCTIONS}, columns), len(X)).astype(float)

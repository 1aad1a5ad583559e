"""What users may write for a parameter, turned into what the run needs; each mistake is one clear error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from evoml.core.budget import Budget, check_positive
from evoml.core.errors import BudgetError, SettingError
from evoml.core.random import fresh_seed

if TYPE_CHECKING:
    from evoml.run import Limits

DEFAULT_MINUTES = 5.0
DEFAULT_SECONDS = 60.0  # of searches for formulas and programs
MOST_ROWS = 10_000  # that a search for formulas looks at, unless more is asked for
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def budget(generations: Any, max_evaluations: Any, max_time_mins: Any, max_cpu_mins: Any = None) -> Budget:
    """Return the budget; five minutes where none is set."""
    check_positive(generations, "number of generations", whole=True)
    check_positive(max_evaluations, "number of max_evaluations", whole=True)
    check_positive(max_time_mins, "number of max_time_mins")
    check_positive(max_cpu_mins, "number of max_cpu_mins")
    if generations is None and max_evaluations is None and max_time_mins is None and max_cpu_mins is None:
        max_time_mins = DEFAULT_MINUTES
    return Budget(max_evaluations, generations, _seconds(max_time_mins), _seconds(max_cpu_mins))


def bounds(estimator: Any) -> Budget:
    """Return the budget that ``evaluations``, ``generations``, ``seconds`` and ``cpu_seconds`` of an estimator set; a minute
    where none is set."""
    given = (estimator.evaluations, estimator.generations, estimator.seconds, estimator.cpu_seconds)
    return Budget(seconds=DEFAULT_SECONDS) if all(bound is None for bound in given) else Budget(*given)


def check_whole(estimator: Any, *names: str) -> None:
    """Raise BudgetError for a parameter of an estimator that is no positive whole number."""
    for name in names:
        check_positive(getattr(estimator, name), name, whole=True, optional=False)


def callbacks(given: Any) -> list[Any]:
    """Return callbacks as a list, also a single one. Raises SettingError for what is none."""
    from evoml.run.callbacks import hears

    try:
        found = [given] if hears(given) else list(given or [])
    except TypeError:
        found = [given]
    if wrong := [one for one in found if not hears(one)]:
        raise SettingError(f"callbacks are functions, or objects with methods of RunCallback, got {wrong[0]!r}")
    return found


def _seconds(minutes: Any) -> float | None:
    return None if minutes is None else 60.0 * float(minutes)


def seed(random_state: Any) -> int:
    """Return the seed that ``random_state`` means: an int itself, a generator one draw, None fresh entropy."""
    if random_state is None:
        return fresh_seed()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, bool) or not hasattr(random_state, "__index__") or int(random_state) < 0:
        raise ValueError(
            f"random_state must be None, a whole number from 0 on, or a random generator, got {random_state!r}"
        )
    return int(random_state)


def row_weights(sample_weight: Any, X: np.ndarray) -> np.ndarray | None:
    """Return the weights of rows as (n_rows,) float64, None for none. Raises ValueError for negative ones, or none above 0."""
    if sample_weight is None:
        return None
    weights: np.ndarray = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError(
            "sample_weight must be positive for some row, but all are 0; leave it out, or give other weights"
        )
    return weights


def weighted_rows(sample_weight: Any, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return rows and targets that have a weight above 0, and these weights, None for none. Raises as :func:`row_weights`."""
    weights = row_weights(sample_weight, X)
    if weights is None:
        return X, y, None
    kept = weights > 0
    return X[kept], y[kept], weights[kept]


def pipelines(initial_pipelines: Any) -> list[Any]:
    """Return the initial pipelines as a list, also a single one."""
    if isinstance(initial_pipelines, str) or hasattr(initial_pipelines, "fit"):
        return [initial_pipelines]
    return list(initial_pipelines or [])


def limits(ensemble_size: Any, max_predict_ms_per_1k: Any, max_model_mb: Any) -> Limits:
    """Return the limits of the final model."""
    from evoml.run import Limits  # not before a fit

    if ensemble_size is None:
        raise BudgetError("ensemble_size must be a positive whole number, got None; 1 is the single best pipeline")
    check_positive(ensemble_size, "ensemble_size", whole=True)
    check_positive(max_predict_ms_per_1k, "max_predict_ms_per_1k")
    check_positive(max_model_mb, "max_model_mb")
    return Limits(int(ensemble_size), max_predict_ms_per_1k, max_model_mb)


def conformal(wanted: Any) -> bool:
    """Return whether conformal prediction is wanted. Raises SettingError where its package is missing."""
    if wanted:
        from evoml.evaluation.conformal import check_installed

        check_installed()
    return bool(wanted)


def worker_memory(memory_limit: Any, n_workers: int) -> int:
    """Return the bytes each worker may allocate: as given (``"4GB"``, a number), else an even share of the machine's memory."""
    from evoml.evaluation import memory_bytes  # not before a fit: it brings everything that evaluates

    if memory_limit is None:
        return max(int(0.8 * memory_bytes() / n_workers), 2**30)
    if isinstance(memory_limit, str):
        found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([kmgt]?)(i?b)?\s*", memory_limit.lower())
        if not found:
            raise BudgetError(f"memory_limit must be a number of bytes or a text such as '4GB', got {memory_limit!r}")
        memory_limit = float(found[1]) * _UNITS[found[2]]
    check_positive(memory_limit, "memory_limit in bytes")
    return int(memory_limit)


def number(value: Any, name: str, advice: str = "") -> float:
    """Return a finite number. Raises SettingError for anything else, with some advice."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise SettingError(f"{name} must be a finite number, got {value!r}{advice}")
    return float(value)


def texts(given: Any, name: str, example: str) -> list[str]:
    """Return texts as a list, also a single one. Raises SettingError for what is no text."""
    found = [given] if isinstance(given, str) or not hasattr(given or (), "__iter__") else list(given or ())
    if wrong := [one for one in found if not isinstance(one, str)]:
        raise SettingError(f"{name} must be texts, such as {example!r}, got {wrong[0]!r}")
    return found


def local_search(wanted: Any) -> tuple[int, float]:
    """Return the steps of local search, and the share of offspring that gets them."""
    steps, share = wanted if isinstance(wanted, (tuple, list)) and len(wanted) == 2 else (wanted, 1.0)
    try:
        fits = not isinstance(steps, bool) and int(steps) == steps >= 0 and 0 <= share <= 1
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise SettingError(
            f"local_search must be a number of steps from 0 on, or (steps, share of offspring), got {wanted!r}"
        )
    return int(steps), float(share)


def pair(wanted: Any, name: str) -> tuple[float, float]:
    """Return two numbers, the lesser one first."""
    try:
        low, high = map(float, wanted)
        fits = np.isfinite([low, high]).all() and low <= high and (name != "init_length" or low >= 1)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise SettingError(f"{name} must be two numbers, the lesser one first, got {wanted!r}")
    return low, high


def search_rows(wanted: Any, n_rows: int) -> int:
    """Return how many rows a search for formulas looks at."""
    if wanted is None:
        return MOST_ROWS
    if isinstance(wanted, (float, np.floating)) and 0 < wanted <= 1:
        return max(2, round(wanted * n_rows))
    check_positive(wanted, "number of max_samples", whole=True)
    return int(wanted)

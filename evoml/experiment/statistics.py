"""Statistics of experiments: intervals, tests, effect sizes, ranks, and what so many seeds can show at all.

Tests and bootstrap are scipy's; Nemenyi's test is that of scikit-posthocs. Sources are named where they are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import SettingError

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 9999
POWER = 0.8
MOST_SEEDS = 10_000
SMALL = 8  # values in the smaller of two samples up to which p is exact, as in scipy without ties


@dataclass(frozen=True)
class Interval:
    """A value and the interval it is in."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two samples compared.

    Attributes
    ----------
    test : str
        ``"Wilcoxon signed-rank"`` or ``"Mann-Whitney"``.
    n : int
        Pairs that are not equal, or the size of the smaller sample.
    difference : Interval
        Median difference (of the medians, where samples are not paired), first minus second, with its bootstrap interval.
    effect : float
        Vargha and Delaney's A: how often a run of the first surpasses one of the second; ties count half.
    p : float
        Two-sided; 1 where nothing differs.
    least_p : float
        The least that so many runs could give, whatever they measured.
    """

    test: str
    n: int
    difference: Interval
    effect: float
    p: float
    least_p: float


@np.errstate(invalid="ignore")
def median_interval(values: Sequence[float], confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the median and its bootstrap percentile interval (Efron 1979); the values' own range for fewer than three.

    An end of the interval that lies between infinite values is nan.
    """
    from scipy.stats import bootstrap

    sample = np.asarray(values, dtype=float)
    if len(sample) < 3 or sample.min() == sample.max():
        return Interval(float(np.median(sample)), float(sample.min()), float(sample.max()))
    found = bootstrap(
        (sample,), np.median, confidence_level=confidence, n_resamples=RESAMPLES, method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(float(np.median(sample)), float(found.low), float(found.high))


@np.errstate(invalid="ignore")
def compare(first: Sequence[float], second: Sequence[float], paired: bool, alpha: float = 0.05) -> Comparison:
    """Compare two samples: by Wilcoxon's signed-rank test where they are pairs, else by Mann and Whitney's."""
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    effect = vargha_delaney(a, b)
    if not paired:
        n = min(len(a), len(b))
        p = _mann_whitney(a, b)
        return Comparison("Mann-Whitney", n, _unpaired(a, b, 1 - alpha), effect, p, least_p(len(a), len(b)))
    from scipy.stats import wilcoxon

    gaps = _gaps(a, b)
    n = int(np.count_nonzero(gaps))
    p = float(wilcoxon(gaps[gaps != 0]).pvalue) if n else 1.0
    return Comparison("Wilcoxon signed-rank", n, median_interval(gaps, 1 - alpha), effect, p, least_p(n))


def _gaps(a: Any, b: Any) -> Any:
    """Return differences; equal infinities, such as the scores of runs that failed, are no difference."""
    return np.where(a == b, 0.0, a - b)


def _mann_whitney(a: np.ndarray, b: np.ndarray) -> float:
    """Return the two-sided p; exact where a sample is small, also with ties, for which scipy alone would approximate it."""
    from scipy.stats import mannwhitneyu, rankdata

    ranks = rankdata(np.concatenate([a, b]))
    different = len(np.unique(ranks))
    if different == len(ranks) or min(len(a), len(b)) > SMALL:
        return float(mannwhitneyu(a, b).pvalue) if different > 1 else 1.0
    doubled = np.rint(2 * ranks).astype(int)  # whole numbers also where they are shared
    ways = np.zeros((len(a) + 1, doubled.sum() + 1))  # to take so many of the values, with such a sum of ranks
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    sums, found = ways[-1] / ways[-1].sum(), doubled[: len(a)].sum()
    return min(1.0, 2 * float(min(sums[: found + 1].sum(), sums[found:].sum())))


def _unpaired(a: np.ndarray, b: np.ndarray, confidence: float) -> Interval:
    from scipy.stats import bootstrap

    value = float(_gaps(np.median(a), np.median(b)))
    if min(len(a), len(b)) < 3 or (a.min() == a.max() and b.min() == b.max()):
        return Interval(value, float(_gaps(a.min(), b.max())), float(_gaps(a.max(), b.min())))

    def gap(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return _gaps(np.median(x, axis=axis), np.median(y, axis=axis))  # type: ignore[no-any-return]

    rng = np.random.default_rng(0)
    found = bootstrap(
        (a, b), gap, confidence_level=confidence, n_resamples=RESAMPLES, method="percentile", vectorized=True, rng=rng
    ).confidence_interval
    return Interval(value, float(found.low), float(found.high))


def vargha_delaney(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """Return the probability that a value of the first sample is greater than one of the second (Vargha and Delaney 2000)."""
    a, b = np.asarray(first, dtype=float)[:, None], np.asarray(second, dtype=float)[None, :]
    return float(((a > b) + 0.5 * (a == b)).mean())


def effect_in_words(effect: float) -> str:
    """Return the size of an effect A in the words of Vargha and Delaney (2000)."""
    distance = abs(effect - 0.5)
    names = ((0.06, "negligible"), (0.14, "small"), (0.21, "medium"))
    return next((name for bound, name in names if distance < bound - 1e-12), "large")


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


# -- what can be shown ------------------------------------------------------------------------------------------------


def least_p(n: int, other: int | None = None) -> float:
    """Return the least two-sided p of Wilcoxon's test on ``n`` pairs, or of Mann and Whitney's on two samples."""
    orders = 2**n if other is None else math.comb(n + other, n)
    return min(1.0, 2.0 / orders)


def seeds_needed(comparisons: int, paired: bool, alpha: float = 0.05) -> int:
    """Return the fewest seeds with which one of so many comparisons could be significant after Holm's correction."""
    return next(n for n in range(1, MOST_SEEDS) if comparisons * least_p(n, None if paired else n) <= alpha)


def detectable_effect(n: int, comparisons: int, alpha: float = 0.05) -> float:
    """Return the effect A that n runs of each find in eight of ten cases, about (Noether 1987, for Mann-Whitney).

    It is for the strictest of so many comparisons; at most 1.
    """
    from scipy.stats import norm

    z = norm.isf(alpha / comparisons / 2) + norm.ppf(POWER)
    return float(min(1.0, 0.5 + z / math.sqrt(6 * n)))


# -- ranks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranking:
    """Variants ranked in each block (Demšar 2006).

    Attributes
    ----------
    ranks : mapping of variant to its average rank
        1 is best; best first.
    blocks : int
        Rows in which all variants were ranked.
    p : float or None
        Of Friedman's test; None for two variants, where Nemenyi's test is the same one.
    critical_difference : float
        Average ranks that differ by more are significantly different (Nemenyi 1963).
    pairs : pandas.DataFrame
        p of Nemenyi's test for each pair.
    alpha : float
    """

    ranks: dict[str, float]
    blocks: int
    p: float | None
    critical_difference: float
    pairs: pd.DataFrame
    alpha: float

    @property
    def attainable(self) -> bool:
        """Whether so few blocks could show any difference at all.

        The tests are approximations for many blocks. Exactly, the clearest outcome there can be, the same order in all blocks,
        has one chance in k! for each block after the first.
        """
        exactly = math.factorial(len(self.ranks)) ** (1.0 - self.blocks)
        return self.critical_difference < len(self.ranks) - 1 and exactly <= self.alpha


def ranking(scores: pd.DataFrame, greater_is_better: bool = True, alpha: float = 0.05) -> Ranking:
    """Rank variants, the columns, in blocks, the rows; rows with a gap are left out.

    Raises SettingError without scikit-posthocs, and for fewer than two variants or blocks.
    """
    from scipy.stats import friedmanchisquare, studentized_range

    posthocs = _posthocs()
    whole = scores.dropna()
    n, k = whole.shape
    if k < 2 or n < 2:
        raise SettingError(f"ranks need at least two variants and two blocks, got {k} and {n}")
    ranks = whole.rank(axis=1, ascending=not greater_is_better)
    different = bool((whole.nunique(axis=1) > 1).any())
    p = float(friedmanchisquare(*whole.to_numpy().T).pvalue) if k > 2 and different else 1.0
    width = studentized_range.ppf(1 - alpha, k, np.inf) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))
    average = ranks.mean().sort_values(kind="stable")
    pairs = posthocs.posthoc_nemenyi_friedman(ranks)
    named = {str(name): float(rank) for name, rank in average.items()}
    return Ranking(named, n, p if k > 2 else None, float(width), pairs, alpha)


def _posthocs() -> Any:
    try:
        import scikit_posthocs
    except ImportError:
        raise SettingError(
            "ranks and their diagram need the package scikit-posthocs: run `pip install 'evoml[experiment]'`"
        ) from None
    return scikit_posthocs


# -- time ------------------------------------------------------------------------------------------------------------


def success_rate(successes: int, runs: int, confidence: float = 0.95) -> Interval:
    """Return the share of successes with its interval (Wilson 1927)."""
    from scipy.stats import binomtest

    found = binomtest(successes, runs).proportion_ci(confidence, method="wilson")
    return Interval(successes / runs, float(found.low), float(found.high))


def expected_running_time(costs: Sequence[float], successes: int) -> float:
    """Return what a success costs if runs are repeated until there is one (Auger and Hansen 2005); inf without any.

    costs: what each run spent until its success, or until its end.
    """
    return float(np.sum(costs)) / successes if successes else math.inf

"""Statistics against worked examples, scipy, statsmodels and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evoml.experiment import statistics
from evoml.experiment.curves import after, area, band, successes


def test_holm_by_hand_and_against_statsmodels():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(0).uniform(size=20) ** 3
    assert statistics.holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_vargha_and_delaneys_effect_counts_pairs(first, second):
    wins = sum((a > b) + 0.5 * (a == b) for a, b in itertools.product(first, second))
    assert statistics.vargha_delaney(first, second) == pytest.approx(wins / (len(first) * len(second)))


def test_sizes_of_effects_have_the_names_of_their_authors():
    words = [statistics.effect_in_words(effect) for effect in (0.5, 0.56, 0.64, 0.71, 0.29, 0.45)]
    assert words == ["negligible", "small", "medium", "large", "large", "negligible"]


def test_pairs_are_compared_by_wilcoxons_test_and_equal_ones_are_left_out():
    first, second = np.array([1.0, 2, 3, 4, 5, 6, 7]), np.array([0.5, 1.4, 2.8, 3.1, 4.4, 5.7, 7])
    found = statistics.compare(first, second, paired=True)
    assert (found.test, found.n) == ("Wilcoxon signed-rank", 6)
    assert found.p == pytest.approx(2 / 2**6)  # all of six pairs on one side
    assert found.least_p == found.p
    assert found.difference.value == pytest.approx(0.5)
    assert found.difference.low <= 0.5 <= found.difference.high


def test_samples_that_are_no_pairs_are_compared_by_mann_and_whitney():
    first, second = [5.0, 6, 7, 8], [1.0, 2, 3, 4]
    found = statistics.compare(first, second, paired=False)
    assert (found.test, found.effect) == ("Mann-Whitney", 1.0)
    assert found.p == pytest.approx(2 / math.comb(8, 4))
    assert found.p == found.least_p == stats.mannwhitneyu(first, second).pvalue
    assert found.difference.value == 4.0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_small_samples_with_ties_are_compared_exactly(first, second):
    """Against all ways to share the values out, by brute force."""
    ranks = stats.rankdata([*first, *second])
    sums = [sum(some) for some in itertools.combinations(ranks.tolist(), len(first))]
    low, high = (np.mean([sign * one <= sign * sums[0] for one in sums]) for sign in (1, -1))
    found = statistics.compare(first, second, paired=False)
    assert found.p == pytest.approx(min(1.0, 2 * min(low, high)))
    assert found.p >= found.least_p - 1e-12


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("value", [1.0, -math.inf])
def test_equal_samples_show_nothing(paired, value):
    found = statistics.compare([value] * 5, [value] * 5, paired)
    assert (found.p, found.effect, found.difference.value) == (1.0, 0.5, 0.0)


@pytest.mark.parametrize("paired", [True, False])
def test_equal_infinities_are_no_gap(paired):
    lost = [-math.inf] * 3
    found = statistics.compare([*lost, 4.0, 5.0, 6.0], [*lost, 1.0, 3.0, 2.0], paired)
    assert 0.05 < found.p <= 1
    assert found.n == (3 if paired else 6)


def test_intervals_of_medians_cover_the_median_about_as_often_as_they_say():
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(200, 15))
    found = [statistics.median_interval(sample, seed=at) for at, sample in enumerate(samples)]
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.88 <= covered <= 1.0
    assert [one.value for one in found] == np.median(samples, axis=1).tolist()


@pytest.mark.parametrize(
    ("comparisons", "paired", "needed"), [(1, True, 6), (3, True, 7), (1, False, 4), (30, True, 11)]
)
def test_seeds_needed_are_the_fewest_that_can_show_anything(comparisons, paired, needed):
    assert statistics.seeds_needed(comparisons, paired) == needed
    clearest = [
        statistics.compare(np.arange(n) + 100.0 + np.arange(n) / 9, np.arange(n), paired).p
        for n in (needed - 1, needed)
    ]
    assert clearest[0] * comparisons > 0.05 >= clearest[1] * comparisons


def test_the_effect_that_so_many_runs_find_is_found_in_eight_of_ten_cases():
    effect = statistics.detectable_effect(30, 1)
    shift = math.sqrt(2) * stats.norm.ppf(effect)  # A of two normal samples that are shifted against each other
    rng = np.random.default_rng(0)
    found = [stats.mannwhitneyu(rng.normal(shift, 1, 30), rng.normal(0, 1, 30)).pvalue < 0.05 for _ in range(400)]
    assert 0.72 <= np.mean(found) <= 0.88


def test_ranks_of_demsars_example():
    """Ranks and Friedman's statistic by hand; the critical difference by Demšar's table 5 (q = 2.343 for three)."""
    pytest.importorskip("scikit_posthocs")
    scores = pd.DataFrame({"a": [9, 8, 7, 9, 8, 9.5], "b": [7, 9, 6, 8, 7, 8], "c": [5, 5, 6.5, 7, 6, 9]})
    found = statistics.ranking(scores)
    assert found.ranks == {"a": pytest.approx(7 / 6), "b": pytest.approx(13 / 6), "c": pytest.approx(16 / 6)}
    assert found.p == pytest.approx(stats.chi2.sf(12 * 6 / 12 * (49 + 169 + 256) / 36 - 3 * 6 * 4, 2))
    assert found.critical_difference == pytest.approx(2.343 * math.sqrt(3 * 4 / (6 * 6)), abs=1e-3)
    assert list(statistics.ranking(scores, greater_is_better=False).ranks) == ["c", "b", "a"]
    assert (found.pairs.loc["a", "c"] < 0.05) == (found.critical_difference < 16 / 6 - 7 / 6)


def test_two_variants_in_three_blocks_cannot_be_told_apart():
    pytest.importorskip("scikit_posthocs")
    found = statistics.ranking(pd.DataFrame({"a": [2, 2, 2], "b": [1, 1, 1]}))
    blocks = [statistics.ranking(pd.DataFrame({"a": [2] * n, "b": [1] * n})).attainable for n in (4, 5, 6)]
    assert blocks == [False, False, True]  # as of the sign test: 2 / 2 ** 6 < 0.05
    assert found.ranks == {"a": 1.0, "b": 2.0}
    assert found.critical_difference == pytest.approx(1.960 * math.sqrt(2 * 3 / 18), abs=1e-3)
    assert not found.attainable
    assert found.pairs.loc["a", "b"] > 0.05


def test_expected_running_time_and_success_rate():
    curves = [
        [(1, 0.1, 0.2), (5, 0.5, 0.9), (10, 1.0, 0.95)],
        [(1, 0.1, 0.3), (10, 1.0, 0.5)],
        [(2, 0.2, 0.92), (10, 1, 0.92)],
    ]
    found = successes(curves, "evaluations", 0.9)
    assert (found.successes, found.runs, found.expected) == (2, 3, (5 + 10 + 2) / 2)
    assert successes(curves, "seconds", 0.96).expected == math.inf
    rate = statistics.success_rate(2, 3)
    assert (rate.low, rate.high) == (pytest.approx(0.2077, abs=1e-4), pytest.approx(0.9385, abs=1e-4))


def test_curves_are_steps():
    curve = [(2, 0.2, 0.5), (6, 0.6, 0.7), (10, 1.0, 0.7)]
    assert after(curve, "evaluations", np.array([1.0, 2, 5.9, 6, 99])).tolist() == pytest.approx(
        [math.nan, 0.5, 0.5, 0.7, 0.7], nan_ok=True
    )
    assert area(curve, "evaluations", 2, 10) == pytest.approx((4 * 0.5 + 4 * 0.7) / 8)
    assert area(curve, "evaluations", 0, 4) == pytest.approx(0.5)
    found = band([curve, [(2, 0.2, 0.1), (8, 0.8, 0.9)]], "evaluations")
    assert (found.at[0], found.at[-1]) == (2, 8)
    assert found.middle[0] == pytest.approx(0.3)
    assert found.middle[-1] == pytest.approx(0.8)

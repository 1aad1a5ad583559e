"""Constants fitted by Levenberg-Marquardt: scipy's is the judge, the true constants are found, none is left worse."""

from concurrent.futures import ThreadPoolExecutor

import kernels.formula_cases as cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares, minimize

from evoml.kernels.expression_codes import CONSTANT
from evoml.kernels.expression_least_squares import fit_constants


def fitted(
    texts, features, target, weights=None, iterations=50, logistic=False, scaled=False, sample_rows=0, first=0, last=None
):  # fmt: skip
    """constants (n, L), errors (n,), scales (n, 2) and information (n, L) of formulas first..last."""
    read = [cases.encoded(text) for text in texts]
    codes, constants = np.array([found[0] for found in read]), np.array([found[1] for found in read])
    lengths, n = np.array([found[2] for found in read], np.int32), len(texts)
    weights = np.ones(len(target)) if weights is None else weights
    iterations = np.broadcast_to(np.asarray(iterations, np.int32), n).copy()
    errors, scales, information = np.full(n, np.nan), np.full((n, 2), np.nan), np.full((n, cases.ROOM), np.nan)
    fit_constants(
        codes, constants, lengths, features, target, weights, iterations, logistic, scaled, sample_rows, first,
        n if last is None else last, errors, scales, information,
    )  # fmt: skip
    return constants, errors, scales, information


def of_one(text, features, target, **settings):
    """The same of one formula: only its constants."""
    constants, errors, scales, information = fitted([text], features, target, **settings)
    at = np.flatnonzero(cases.encoded(text)[0] == CONSTANT)
    return constants[0, at], errors[0], scales[0], information[0, at]


def output_of(text, features, values=None):
    codes, constants, _ = cases.encoded(text)
    if values is not None:
        constants[codes == CONSTANT] = values
    return cases.evaluated(codes, constants, features)


def table(n_rows=200, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, (3, n_rows))


def mean_square(target, output, weights=None, scaled=False):
    """The obvious way, with the line by numpy."""
    weights = np.ones(len(target)) if weights is None else weights
    if scaled:
        design = np.column_stack([np.ones(len(target)), output]) * np.sqrt(weights)[:, None]
        line = np.linalg.lstsq(design, target * np.sqrt(weights), rcond=None)[0]
        output = line[0] + line[1] * output
    return float(np.average((target - output) ** 2, weights=weights))


# -- what is found --------------------------------------------------------------------------------------------------------

TRUTHS = [
    ("add mul 1.0 x0 exp mul 0.1 x1", "add mul 1.5 x0 exp mul 0.3 x1"),
    ("mul 1.0 sin add mul 1.2 x0 0.1", "mul 2.5 sin add mul 1.5 x0 0.4"),
    ("div 1.0 add 2.0 square x0", "div 3.0 add 1.2 square x0"),
    ("tanh sub mul 0.5 x0 mul 0.5 x2", "tanh sub mul 1.1 x0 mul 0.8 x2"),
    ("mul 1.0 pow abs x0 1.0", "mul 0.7 pow abs x0 2.3"),
    ("mul 1.0 log add 3.0 x1", "mul -2.0 log add 2.4 x1"),
]


@pytest.mark.parametrize("sample_rows", [0, 64])
@pytest.mark.parametrize(("start", "truth"), TRUTHS)
def test_true_constants_are_found(start, truth, sample_rows):
    features = table()
    target = output_of(truth, features)
    codes, constants, _ = cases.encoded(truth)
    found, error, scales, _ = of_one(start, features, target, sample_rows=sample_rows)
    assert error < 1e-16 * target.var()
    np.testing.assert_allclose(np.abs(found), np.abs(constants[codes == CONSTANT]), rtol=1e-6)
    assert scales.tolist() == [0.0, 1.0]


def test_scaled_needs_constants_inside_only():
    features = table()
    target = 40.0 - 3.0 * output_of("sin mul 1.4 x0", features)
    found, error, scales, _ = of_one("sin mul 1.0 x0", features, target, scaled=True)
    assert found[0] == pytest.approx(1.4, rel=1e-7)
    assert scales == pytest.approx([40.0, -3.0], rel=1e-7)
    assert error < 1e-14


def test_redundant_constants_do_no_harm():
    features = table()
    target = 5.0 * np.exp(0.5 * features[0]) + 1.0
    for text in (
        "mul 1.0 mul 2.0 exp mul 1.0 mul 1.0 x0",
        "add 1.0 add 1.0 mul mul 1.0 1.0 exp mul add 0.1 0.2 x0",
        "sub mul 1.0 exp mul 0.2 x0 div 1.0 1.0",
    ):
        for scaled in (False, True):
            constants, error, _, _ = of_one(text, features, target, scaled=scaled)
            assert np.isfinite(constants).all()
            assert np.abs(constants).max() < 100.0
            assert error < (1e-14 if scaled or "add" in text or "sub" in text else 2.0)


def test_of_two_hundred_problems_few_end_worse_than_with_scipy():
    rng = np.random.default_rng(5)
    logarithms = []
    while len(logarithms) < 200:
        text = cases.grown(rng, int(rng.integers(4, 9)), int(rng.integers(1, 5)))
        features = rng.uniform(-2.0, 2.0, (3, 60))
        codes, truth, _ = cases.encoded(text)
        at = codes == CONSTANT
        target = cases.evaluated(codes, truth, features) + 0.05 * rng.normal(size=60)
        start = truth[at] * (1.0 + 0.4 * rng.normal(size=at.sum()))
        if not 0.1 < target.std() < 1e4:
            continue

        def residuals(values, codes=codes, truth=truth, at=at, features=features, target=target):
            constants = truth.copy()
            constants[at] = values
            return cases.evaluated(codes, constants, features) - target

        judge = least_squares(residuals, start, method="lm", max_nfev=2000)
        moved = text.split()
        for i, value in zip(np.flatnonzero(at), start, strict=True):
            moved[i] = repr(float(value))
        _, error, _, _ = of_one(" ".join(moved), features, target, iterations=100)
        logarithms.append(np.log(error / (2.0 * judge.cost / 60)))
    # Both find local optima only, sometimes one the better, sometimes the other.
    assert np.mean(np.array(logarithms) > np.log(1.01)) <= 0.03
    assert abs(np.median(logarithms)) < 1e-5
    assert np.mean(logarithms) < 0.02


# -- what is minimised ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    text=cases.formulas(), seed=st.integers(0, 9), scaled=st.booleans(), weighted=st.booleans(),
    sample_rows=st.sampled_from([0, 8]), iterations=st.sampled_from([-1, 1, 2, 9]),
)  # fmt: skip
def test_none_is_left_worse_and_errors_are_those_of_the_constants(
    text, seed, scaled, weighted, sample_rows, iterations
):
    rng = np.random.default_rng(seed)
    features, target = table(40, seed), rng.normal(size=40)
    weights = rng.integers(0, 3, 40).astype(float) if weighted else np.ones(40)
    kept = weights > 0.0
    found, error, scales, _ = of_one(
        text, features, target, weights=weights, iterations=iterations, scaled=scaled, sample_rows=sample_rows
    )
    came = output_of(text, features)
    left = output_of(text, features, found)
    if not np.isfinite(came[kept]).all():
        assert error == np.inf
        assert output_of(text, features, found).tobytes() == came.tobytes()
        return
    if np.abs(came[kept]).max() > 1e100 or np.abs(left[kept]).max() > 1e100:
        return  # squares may or may not overflow
    line = scales[0] + scales[1] * np.where(kept, left, 0.0)
    assert error == pytest.approx(mean_square(target, line, weights), rel=1e-6, abs=1e-12)
    if scaled:
        spread = np.ptp(came[kept])
        if 1e-6 * np.abs(came[kept]).max() < spread:
            assert error <= mean_square(target, came[kept] if kept.all() else line, weights, scaled=kept.all()) * (
                1 + 1e-6
            )
        assert error <= np.average((target - np.average(target, weights=weights)) ** 2, weights=weights) * (1 + 1e-9)
    else:
        assert error <= mean_square(target, np.where(kept, came, 0.0), weights) * (1 + 1e-12)


def test_weights_are_repetitions():
    rng = np.random.default_rng(2)
    features, weights = table(80), rng.integers(1, 4, 80)
    target = output_of("add 0.5 mul 1.3 sin mul 1.2 x0", features) + 0.3 * rng.normal(size=80)
    repeated = np.repeat(np.arange(80), weights)
    text = "add 0.0 mul 1.0 sin mul 1.0 x0"
    one = of_one(text, features, target, weights=weights.astype(float))
    other = of_one(text, np.ascontiguousarray(features[:, repeated]), target[repeated])
    np.testing.assert_allclose(one[0], other[0], rtol=1e-5)
    assert one[1] == pytest.approx(other[1], rel=1e-9)
    np.testing.assert_allclose(one[3], other[3], rtol=1e-5)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("n_rows", [60, 3000])
def test_rows_without_weight_count_nothing_whatever_they_hold(n_rows, scaled):
    features = table(n_rows)
    target = output_of("add 0.3 log add 2.5 x0", features)
    weights = np.ones(n_rows)
    weights[::3] = 0.0
    features[0, ::6], features[0, 3::6], target[::3] = -100.0, np.nan, 1e6
    found, error, _, _ = of_one("add 0.0 log add 3.0 x0", features, target, weights=weights, scaled=scaled)
    assert error < 1e-15
    assert found[1] == pytest.approx(2.5, rel=1e-6)


def test_log_loss_is_that_of_logistic_regression():
    rng = np.random.default_rng(3)
    features = table(400)
    chance = 1.0 / (1.0 + np.exp(-(0.5 + 2.0 * features[0] - features[1])))
    target = (rng.random(400) < chance).astype(float)

    def loss(values):
        logit = values[0] + values[1] * features[0] + values[2] * features[1]
        return np.mean(np.logaddexp(0.0, logit) - target * logit)

    judge = minimize(loss, np.zeros(3))
    found, error, scales, information = of_one(
        "add 0.0 add mul 0.1 x0 mul 0.1 x1", features, target, logistic=True, scaled=True
    )
    assert error == pytest.approx(judge.fun, rel=1e-7)
    np.testing.assert_allclose(found, judge.x, atol=1e-3)
    assert scales.tolist() == [0.0, 1.0]
    hessian = 1.0 / (1.0 + np.exp(-(found @ np.array([np.ones(400), *features[:2]]))))
    hessian = hessian * (1.0 - hessian)
    expected = [hessian.sum(), hessian @ features[0] ** 2, hessian @ features[1] ** 2]
    np.testing.assert_allclose(information, expected, rtol=1e-9)


def test_classes_that_can_be_told_apart_end_with_a_finite_logit():
    features = table(100)
    target = (features[0] > 0.1).astype(float)
    found, error, _, _ = of_one("mul 1.0 add 0.0 x0", features, target, logistic=True, iterations=100)
    assert np.isfinite(found).all()
    assert 0.0 <= error < 0.05


@pytest.mark.parametrize("scaled", [False, True])
def test_information_is_the_sum_of_squared_derivatives(scaled):
    rng = np.random.default_rng(4)
    features = table(3000)
    weights = rng.uniform(0.5, 2.0, 3000)
    target = 3.0 + 2.0 * output_of("mul 1.3 exp mul 0.4 x0", features) + 0.1 * rng.normal(size=3000)
    text = "mul 1.0 exp mul 0.3 x0"
    found, _, scales, information = of_one(text, features, target, weights=weights, scaled=scaled)
    inner = np.exp(found[1] * features[0])
    columns = scales[1] * np.array([inner, found[0] * features[0] * inner])
    np.testing.assert_allclose(information, columns**2 @ weights, rtol=1e-9)


# -- where derivatives or values fail -------------------------------------------------------------------------------------


def test_a_step_into_an_invalid_region_is_taken_back():
    features = table(100, low=0.0, high=1.0)
    target = np.log(features[0] + 1e-3)
    _, error, _, _ = of_one("log add x0 1.0", features, target)
    assert error < 1e-12


def test_a_row_without_a_derivative_does_not_stop_the_others():
    features = table(100, low=0.0, high=3.0)
    features[0, 7] = 0.0  # sqrt(c x) and x**c have no quotient of values there
    for text, truth in (("sqrt mul 1.0 x0", "sqrt mul 4.0 x0"), ("pow x0 1.0", "pow x0 1.7")):
        target = output_of(truth, features)
        _, error, _, _ = of_one(text, features, target)
        assert error < 1e-14


def test_what_is_not_finite_is_left_alone():
    features = table(50)
    for text in ("log mul 1.0 x0", "div 1.0 0.0", "exp exp exp exp add 5.0 x0"):
        constants, error, _, information = of_one(text, features, np.zeros(50))
        assert error == np.inf
        assert constants.tolist() == [float(word) for word in text.split() if word[0].isdigit()]
        assert (information == 0.0).all()


def test_an_output_of_one_value_is_scaled_to_the_mean():
    features, target = table(30), np.random.default_rng(0).normal(7.0, 2.0, 30)
    for text in ("1.0", "add 1.0 2.0", "sub x0 x0", "mul 0.0 x1", "add 1e9 mul 0.0 x1"):
        _, error, scales, _ = of_one(text, features, target, scaled=True)
        assert error == pytest.approx(target.var())
        assert scales == pytest.approx([target.mean(), 0.0])
    constants, error, _, _ = of_one("add 1.0 2.0", features, target)
    assert constants.sum() == pytest.approx(target.mean(), rel=1e-3)


def test_one_row_and_a_constant_target():
    features = table(1)
    _, error, _, _ = of_one("add mul 1.0 x0 2.0", features, np.array([5.0]))
    assert error < 1e-20
    _, error, scales, _ = of_one("mul 1.0 x0", table(20), np.full(20, 3.0), scaled=True)
    assert error < 1e-28
    assert scales == pytest.approx([3.0, 0.0], abs=1e-12)


# -- many at once ---------------------------------------------------------------------------------------------------------


def several(rng, n):
    return [cases.grown(rng, int(rng.integers(6, 12)), int(rng.integers(1, 4))) for _ in range(n)]


@pytest.mark.parametrize("n_rows", [100, 2500])
@pytest.mark.parametrize("scaled", [False, True])
def test_slices_give_the_bits_of_the_whole(n_rows, scaled):
    rng = np.random.default_rng(8)
    texts, features = several(rng, 12), table(n_rows)
    target = rng.normal(size=n_rows)
    settings = {"iterations": 4, "scaled": scaled, "sample_rows": 64}
    whole = fitted(texts, features, target, **settings)
    for first, last in ((0, 5), (5, 6), (6, 12), (3, 3)):
        part = fitted(texts, features, target, first=first, last=last, **settings)
        for ours, theirs in zip(part[1:], whole[1:], strict=True):
            assert ours[first:last].tobytes() == theirs[first:last].tobytes()
            assert np.isnan(np.delete(ours, slice(first, last), axis=0)).all()
        assert part[0][first:last].tobytes() == whole[0][first:last].tobytes()


def test_threads_give_the_bits_of_one():
    rng = np.random.default_rng(11)
    texts, features, target = several(rng, 16), table(600), rng.normal(size=600)
    whole = fitted(texts, features, target, iterations=6, scaled=True)
    with ThreadPoolExecutor(4) as pool:
        parts = list(
            pool.map(
                lambda k: fitted(texts, features, target, iterations=6, scaled=True, first=4 * k, last=4 * k + 4),
                range(4),
            )
        )
    for ours, *theirs in zip(whole, *parts, strict=True):
        assert ours.tobytes() == np.concatenate([part[4 * k : 4 * k + 4] for k, part in enumerate(theirs)]).tobytes()


def test_no_iterations_leave_a_formula_alone_and_fewer_only_measure_it():
    texts, features = ["mul 1.0 x0"] * 3, table(50)
    target = 2.0 * features[0]
    constants, errors, scales, information = fitted(texts, features, target, iterations=[0, -1, 9])
    assert constants[:, 1].tolist() == pytest.approx([1.0, 1.0, 2.0])
    assert np.isnan(errors[0])
    assert np.isnan(scales[0]).all()
    assert np.isnan(information[0]).all()
    assert errors[1] == pytest.approx(np.mean(features[0] ** 2))
    assert information[1, 1] == pytest.approx(np.sum(features[0] ** 2))
    assert errors[2] < 1e-25


def test_a_sample_costs_little_of_the_quality():
    rng = np.random.default_rng(9)
    features = table(4000)
    for start, truth in TRUTHS:
        target = output_of(truth, features) + 0.1 * rng.normal(size=4000)
        whole = of_one(start, features, target, iterations=20)[1]
        assert of_one(start, features, target, iterations=20, sample_rows=256)[1] < 1.001 * whole


def test_more_constants_than_are_fitted():
    n = 40
    text = " ".join(["add"] * n + [f"mul {k}.0 x{k % 3}" for k in range(n)] + ["1.0"])
    read = cases.encoded(text, 200)
    codes, constants, lengths = read[0][None], read[1][None].copy(), np.array([read[2]], np.int32)
    features, errors, scales = table(100), np.zeros(1), np.zeros((1, 2))
    fit_constants(
        codes, constants, lengths, features, features[0] + features[1], np.ones(100), np.full(1, 20, np.int32), False, False,
        0, 0, 1, errors, scales, np.zeros((0, 200)),
    )  # fmt: skip
    changed = constants[0][codes[0] == CONSTANT] != read[1][codes[0] == CONSTANT]
    assert changed[:32].all()
    assert not changed[32:].any()
    assert errors[0] < 1.01 * mean_square(features[0] + features[1], np.ones(100))

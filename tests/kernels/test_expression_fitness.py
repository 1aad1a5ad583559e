"""Errors, lines and hashes of populations against naive ones, and what must hold for any."""

import naive_expressions_machine as naive
import numpy as np
import pytest
from kernels.formula_cases import grown
from kernels.test_expression_evaluate import population, some_texts

from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_fitness import CORRELATION, LOG_LOSS, MAE, MSE, R2, score

SETTINGS = [
    (MSE, False),
    (MSE, True),
    (MAE, False),
    (MAE, True),
    (R2, False),
    (R2, True),
    (LOG_LOSS, False),
    (LOG_LOSS, True),
]
SETTINGS += [(CORRELATION, False), (CORRELATION, True)]


def scored(formulas, features, target, weights=None, loss=MSE, scaled=False, first=0, last=None):
    n = len(formulas[2])
    errors, scales, hashes = np.full(n, -1.0), np.full((n, 2), -1.0), np.full(n, 9, np.uint64)
    weights = np.ones_like(target) if weights is None else weights
    last = n if last is None else last
    score(*formulas, features, target, weights, loss, scaled, first, last, errors, scales, hashes)
    return errors, scales, hashes


def table(n_rows, dtype=np.float64, seed=0, n_features=3):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_features, n_rows)).astype(dtype)
    return features, (features[0] * features[1] + 0.1 * rng.normal(size=n_rows) + 3.0).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("loss", "scaled"), SETTINGS)
@pytest.mark.parametrize("kind", ["equal", "weighted", "zeros"])
def test_errors_and_lines_are_those_of_naive_ones(loss, scaled, kind, dtype):
    texts = [*some_texts(25, names=("add", "sub", "mul", "sin", "exp", "log")), "x0", "1.5", "log -1.0", "mul x0 x1"]
    formulas = population(texts)
    for n_rows in (5, 300, 1201):
        features, target = table(n_rows, dtype)
        if loss == LOG_LOSS:
            target = (target > 3.0).astype(dtype)
        rng = np.random.default_rng(1)
        weights = {
            "equal": np.ones(n_rows),
            "weighted": rng.uniform(0.5, 2, n_rows),
            "zeros": rng.integers(0, 3, n_rows) * 0.7,
        }
        weights = weights[kind].astype(dtype)
        values = np.empty((len(texts), n_rows), dtype)
        evaluate(*formulas, features, 0, len(texts), values)
        errors, scales, hashes = scored(formulas, features, target, weights, loss, scaled)
        for i, text in enumerate(texts):
            error, *line = naive.score(values[i], target, weights, loss, scaled)
            if loss == CORRELATION and np.ptp(values[i][weights > 0]) == 0:
                error = 1.0
            tolerance = 2e-6 if loss == LOG_LOSS and dtype == np.float32 else 1e-8
            assert errors[i] == pytest.approx(error, rel=tolerance, abs=1e-11), text
            assert scales[i] == pytest.approx(line, rel=1e-7, abs=1e-9), text
            assert (hashes[i] == 0) == np.isinf(error)


def test_rows_without_weight_count_nothing_whatever_they_hold():
    formulas = population(["div 1.0 x0", "log x1", "add x0 x1"])
    features, target = np.abs(table(700, n_features=2)[0]) + 0.1, table(700)[1]
    kept = np.random.default_rng(0).random(700) < 0.6
    features[:, ~kept] = [[0.0], [-1.0]]
    target[~kept] = np.nan
    found = scored(formulas, features, target, kept.astype(float), R2, True)
    expected = scored(formulas, np.ascontiguousarray(features[:, kept]), target[kept], None, R2, True)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    nothing = scored(formulas, features, target, np.zeros(700), R2, True)
    assert np.isinf(nothing[0]).all()


def test_tiny_shares_of_variance_are_told_apart():
    """Far from zero, on many rows, with a line to be fitted."""
    rng = np.random.default_rng(0)
    n_rows = 20000
    x = rng.normal(size=n_rows)
    formulas = population(["x0", "x1", "x2", "add 1000.0 x1"])
    noise = rng.normal(size=n_rows)
    features = np.stack([x, x + 1e-6 * noise, x + 1e-5 * noise])
    errors, scales, _ = scored(formulas, features, 1e3 + 5.0 * x, None, R2, True)
    assert errors[0] < 1e-14
    assert errors[1] == pytest.approx(1e-12, rel=0.05)
    assert errors[2] == pytest.approx(1e-10, rel=0.05)
    assert errors[3] == pytest.approx(1e-12, rel=0.05)
    assert scales[0] == pytest.approx([1e3, 5.0], rel=1e-12)


@pytest.mark.parametrize("n_rows", [40, 5000])
def test_one_invalid_row_is_enough(n_rows):
    features, target = table(n_rows)
    features[0, n_rows - 2] = 0.0
    formulas = population(["div 1.0 x0", "x0", "log mul x0 x0", "mul 0.0 div 1.0 x0", "atan div 1.0 x0"])
    for loss, scaled in SETTINGS:
        errors, scales, hashes = scored(formulas, features, target, None, loss, scaled)
        assert np.isfinite(errors).tolist() == [False, True, False, False, True]
        assert (hashes != 0).tolist() == [False, True, False, False, True]
        assert scales[0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_formulas_and_targets(dtype):
    features, target = table(100, dtype)
    formulas = population(["2.5", "x0", "sub x0 x0", "add 1000.0 mul 0.0 x1"])
    for loss in (R2, CORRELATION):
        errors, scales, _ = scored(formulas, features, target, None, loss, True)
        assert errors[[0, 2, 3]].tolist() == [1.0, 1.0, 1.0]
        assert scales[0] == pytest.approx([target.mean(dtype=float), 0.0])
    flat = np.full(100, 0.1, dtype)
    errors, scales, _ = scored(formulas, features, flat, None, R2, True)
    assert errors.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert scales[1] == pytest.approx([flat[0], 0.0])
    assert (scored(formulas, features, flat, None, CORRELATION, True)[0] == 1.0).all()
    assert scored(population(["x0"]), features, flat, None, R2, False)[0][0] == 1.0
    assert (scored(population(["0.1"]), features, flat, None, MSE, False)[0] == 0.0).all()


def test_slices_and_threads_have_the_same_bits():
    from concurrent.futures import ThreadPoolExecutor

    formulas = population(some_texts(60, names=("add", "mul", "sin", "log", "div")))
    features, target = table(1300, np.float32)
    expected = scored(formulas, features, target, None, R2, True)
    found = [np.full_like(array, 9) for array in expected]
    weights = np.ones_like(target)

    def chunk(first):
        score(*formulas, features, target, weights, R2, True, first, min(first + 7, 60), *found)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(chunk, range(0, 60, 7)))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


# -- hashes ---------------------------------------------------------------------------------------------------------------

SAME = [
    ("add add x0 x1 x2", "add x0 add x1 x2"),
    ("mul x0 add x1 x2", "add mul x0 x1 mul x0 x2"),
    ("div x0 mul x1 x2", "div div x0 x1 x2"),
    ("square x0", "mul x0 x0"),
    ("mul 0.5 x0", "div x0 2.0"),
    ("exp add x0 x1", "mul exp x0 exp x1"),
    ("sin add x0 x1", "add mul sin x0 cos x1 mul cos x0 sin x1"),
]
ALIKE = [("x0", "add 3.0 x0"), ("x0", "mul -2.5 x0"), ("exp x0", "exp add 1.0 x0"), ("log x1", "sub 7.0 mul 3.0 log square x1"),
         ("1.0", "2.0")]  # fmt: skip


def hashes_of(texts, scaled, dtype=np.float64, seed=0, n_rows=500):
    features, target = table(n_rows, dtype, seed)
    return scored(population(texts), np.abs(features) + dtype(0.2), target, None, MSE, scaled)[2]


@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 0), (np.float32, 2)])
@pytest.mark.parametrize("scaled", [False, True])
def test_formulas_that_mean_the_same_share_a_hash(scaled, dtype, most):
    """Nearly always: rounding may carry a projection over a boundary."""
    missed = 0
    for seed in range(10):
        for one, other in SAME + ALIKE * scaled:
            first, second = hashes_of([one, other], scaled, dtype, seed)
            missed += first != second
    assert missed <= most


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("n_rows", [10, 64, 1000])
def test_formulas_that_differ_have_different_hashes(scaled, n_rows):
    different = ["x0", "x1", "mul x0 x1", "div x0 x1", "square x0", "cube x0", "exp x0", "log x0", "sqrt x0", "add x0 x1",
                 "sub x0 x1", "add x0 mul 0.001 x1", "add x0 mul 0.0001 sin x0"]  # fmt: skip
    if not scaled:
        different += ["add 0.01 x0", "mul 1.001 x0", "neg x0", "1.0", "1.001", "-1.0", "0.0"]
    assert len(set(hashes_of(different, scaled, n_rows=n_rows).tolist())) == len(different)


def test_hashes_seldom_merge_and_seldom_miss():
    """Of 3,000 random formulas: pairs with one hash have proportional outputs, and the other way round."""
    rng = np.random.default_rng(0)
    texts = [grown(rng, int(rng.integers(1, 5)), 0, ["add", "sub", "mul", "div", "square", "sin"]) for _ in range(3000)]
    formulas = population(texts)
    features, target = table(400)
    errors, _, hashes = scored(formulas, features, target, None, R2, True)
    values = np.empty((3000, 400))
    evaluate(*formulas, features, 0, 3000, values)
    values[~np.isfinite(errors)] = 0.0
    varied = values.std(axis=1) > 1e-9 * np.abs(values).max(axis=1)
    values, hashes = values[varied], hashes[varied]
    values -= values.mean(axis=1, keepdims=True)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    alike = np.abs(values @ values.T) > 1 - 1e-13
    shared = hashes[:, None] == hashes[None, :]
    assert shared.sum() > 1.5 * len(hashes)  # there are duplicates indeed
    assert (shared & ~alike).sum() == 0
    assert (alike & ~shared).sum() <= 0.001 * alike.sum()


def test_a_sorted_table_does_not_hide_what_differs_at_its_end():
    features = np.sort(np.random.default_rng(0).integers(0, 4, (1, 2000)).astype(float))
    first, second = scored(population(["x0", "square x0"]), features, features[0], None, MSE, True)[2]
    assert first != second

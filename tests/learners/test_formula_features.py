"""Formulas as a step of pipelines: found where there are any, none where there are none, and safe on other rows."""

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.core.errors import SettingError
from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES, VARIABLE
from evoml.learners import FormulaColumn, FormulaFeatures
from evoml.learners.formula_column import FORMULA_FUNCTIONS, evaluated, renamed
from evoml.learners.formula_search import Unexplained, gained, score_statistics, written

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 6))


@parametrize_with_checks([FormulaFeatures(2, generations=2, population_size=50), FormulaColumn()])
def test_estimator_checks(estimator, check):
    check(estimator)


# -- formulas as text -----------------------------------------------------------------------------------------------------


def test_every_operation_of_the_machine_is_written_and_read():
    table = np.tanh(np.abs(X[:, :2])) * 0.8 + 0.1
    assert {name for name in NAMES if ARITY[NAMES[name]] == 1} - {"neg"} <= FORMULA_FUNCTIONS.keys()
    for code in NAMES.values():
        operands = [VARIABLE, VARIABLE + 1][: ARITY[code]]
        text = written(np.array([code, *operands]), np.zeros(3), ["x0", "x1"])
        assert np.isfinite(evaluated(text, table)).all(), text


def test_a_formula_is_written_with_its_constants_and_only_the_parentheses_it_needs():
    codes = np.array([NAMES["sub"], VARIABLE, NAMES["mul"], CONSTANT, NAMES["add"], VARIABLE + 1, VARIABLE])
    text = written(codes, np.array([0, 0, 0, -2.5, 0, 0, 0]), ["x0", "x1"])
    assert text == "x0 - -2.5 * (x1 + x0)"
    assert np.allclose(evaluated(text, X), X[:, 0] + 2.5 * (X[:, 1] + X[:, 0]))


@pytest.mark.parametrize(
    "text", ["x0 +", "y0", "__import__('os')", "x0.real", "min(x0)", "min(x0, key=x1)", "True", "'x0'", ""]
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(ValueError, match="a formula m"):
        evaluated(text, X)


def test_columns_beyond_the_last_are_counted_from_the_first_again():
    assert np.array_equal(evaluated("x7", X), X[:, 1])
    assert renamed("x0 * x7", ["a", "b"]) == "a * b"


# -- one formula ----------------------------------------------------------------------------------------------------------


def test_a_column_stays_within_the_range_of_training():
    column = FormulaColumn("log(x0) / x1").fit(np.array([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0], [-1.0, 3.0]]))
    low, mean, high = column.bounds_[0]
    assert (low, mean, high) == pytest.approx((-np.log(2), np.log(2) / 2, 2 * np.log(2)))
    made = column.transform(np.array([[np.e, 0.0], [1e300, 1.0], [-5.0, 1.0], [0.0, 1.0], [3.0, 1.0]]))[:, 2]
    assert made == pytest.approx([high, high, mean, low, np.log(3)])
    assert list(column.get_feature_names_out(["a", "b"])) == ["a", "b", "log(a) / b"]


def test_a_formula_that_is_never_defined_is_nought():
    assert not FormulaColumn("sqrt(-1 - abs(x0))").fit_transform(X)[:, -1].any()


# -- evolved formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_of_noise_nothing_is_made(seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(400, 10))
    heavy = rng.standard_cauchy(size=(400, 10))
    for target in (rng.normal(size=400), rng.standard_t(2, size=400)):
        for columns in (table, heavy):
            assert FormulaFeatures(task="regression", random_state=seed).fit(columns, target).formulas_ == []
    for n_classes in (2, 5):
        made = FormulaFeatures(random_state=seed).fit(table, rng.integers(0, n_classes, 400))
        assert made.formulas_ == []
        assert np.array_equal(made.set_params(passthrough=False).transform(table), table)


@pytest.mark.parametrize("seed", range(3))
def test_a_product_without_marginal_effects_is_found(seed):
    labels = np.where(X[:, 1] * X[:, 4] > 0, "yes", "no")
    model = make_pipeline(FormulaFeatures(random_state=seed), StandardScaler(), LogisticRegression())
    assert cross_val_score(LogisticRegression(), X, labels).mean() < 0.6
    assert cross_val_score(model, X, labels).mean() > 0.9
    assert "x1" in model.fit(X, labels)[0].formulas_[0]


def test_a_quotient_of_columns_far_from_nought_is_found():
    table = X * 5.0 + np.array([100.0, 40.0, 1e5, 0.0, 0.0, 0.0])
    target = 50.0 * table[:, 0] / table[:, 1] + 0.05 * X[:, 5]
    evolved = make_pipeline(FormulaFeatures(random_state=0), Ridge())
    unexplained = [1.0 - cross_val_score(model, table, target).mean() for model in (Ridge(), evolved)]
    assert unexplained[1] < 0.5 * unexplained[0]


def test_several_classes_and_several_targets():
    corners = (X[:, 0] * X[:, 1] > 0).astype(int) + 2 * (X[:, 2] * X[:, 3] > 0)
    assert len(FormulaFeatures(random_state=0).fit(X, corners).formulas_) >= 2
    both = np.column_stack([X[:, 0] * X[:, 1], np.abs(X[:, 2])]) + 0.1 * RNG.normal(size=(600, 2))
    assert len(FormulaFeatures(random_state=0).fit(X, both).formulas_) >= 2


def test_the_same_seed_makes_the_same_formulas_and_global_randomness_is_left_alone():
    target = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + 0.3 * RNG.normal(size=600)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    made = [FormulaFeatures(random_state=seed).fit(X, target) for seed in (1, 1)]
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert made[0].formulas_ == made[1].formulas_ != []
    assert np.array_equal(made[0].transform(X), made[1].transform(X))


def test_made_columns_are_finite_on_any_rows():
    target = np.log(np.abs(X[:, 0]) + 0.01) + X[:, 1] / (X[:, 2] ** 2 + 0.1)
    made = FormulaFeatures(random_state=0).fit(X, target)
    assert made.formulas_
    low, high = made.bounds_[:, 0], made.bounds_[:, 2]
    columns = made.transform(X[:50] * np.array([1e200, 1e-200, 0.0, -1e9, 1.0, 1.0]))[:, 6:]
    assert np.isfinite(columns).all()
    assert (columns >= low).all()
    assert (columns <= high).all()


def test_of_many_rows_only_some_are_searched_on():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(4000, 4))
    made = FormulaFeatures(1, max_rows=300, random_state=0).fit(table, table[:, 0] * table[:, 1] > 0)
    assert {"x0", "x1"} <= set(made.formulas_[0].replace("(", " ").replace(")", " ").replace(",", " ").split())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_formulas": 0}, "n_formulas"),
        ({"function_set": ["mull"]}, "no function 'mull'; did you mean 'mul'"),
        ({"function_set": "mull"}, "no function 'mull'; did you mean 'mul'"),
        ({"function_set": []}, "at least one function"),
        ({"task": "ranking"}, "task must be one of auto"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(SettingError, match=message):
        FormulaFeatures(**settings).fit(X, X[:, 0])


# -- worth ----------------------------------------------------------------------------------------------------------------


def unexplained_of(columns, residuals, gaussian):
    basis = np.linalg.qr(columns - columns.mean(axis=0))[0]
    residuals = residuals - residuals.mean(axis=0)
    return Unexplained(basis, residuals - basis @ (basis.T @ residuals), gaussian)


def test_the_score_statistic_is_that_of_least_squares():
    residuals, column = RNG.normal(size=(600, 1)), np.exp(X[:, 5])
    unexplained = unexplained_of(X[:, :3], residuals, True)
    design = np.column_stack([np.ones(600), X[:, :3]])
    left = np.linalg.lstsq(design, residuals, rcond=None)[1][0]
    less = np.linalg.lstsq(np.column_stack([design, column]), residuals, rcond=None)[1][0]
    assert score_statistics(column[None].copy(), unexplained)[0, 0] == pytest.approx(left - less, rel=1e-6)


def test_a_column_that_the_model_has_already_is_worth_nothing():
    unexplained = unexplained_of(X[:, :3], RNG.normal(size=(600, 2)), False)
    columns = np.stack([X[:, 0] * 2.0 - X[:, 1], np.full(600, 7.0), np.full(600, np.nan), X[:, 0] + 1e30])
    assert (score_statistics(columns, unexplained) < 1e-9).all()
    assert (gained(np.zeros((1, 2)), unexplained) < 0).all()


def test_statistics_of_noise_are_chi_squared():
    unexplained = unexplained_of(X[:, :3], RNG.normal(size=(600, 1)), True)
    found = score_statistics(RNG.normal(size=(2000, 600)), unexplained)[:, 0] / unexplained.residuals.var()
    for share in (0.5, 0.9, 0.99):
        assert (found < chi2.ppf(share, 1)).mean() == pytest.approx(share, abs=0.04)

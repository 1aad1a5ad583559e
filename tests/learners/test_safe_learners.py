"""Learners that must not fail where scikit-learn's own do, and equal them everywhere else."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine, make_regression
from sklearn.decomposition import FactorAnalysis
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier, ExtraTreesClassifier
from sklearn.feature_selection import RFE, SelectFromModel, SelectFwe, SelectPercentile, f_classif
from sklearn.linear_model import HuberRegressor, Lasso
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from evoml.learners import ConstantFallback, EncodedLabels
from evoml.learners.bounded import LIMIT, BoundedPolynomialFeatures
from evoml.learners.capped import CappedFactorAnalysis, CappedFeatureAgglomeration
from evoml.learners.degenerate import (
    SafeAdaBoostClassifier,
    SafeFastICA,
    SafeGaussianNB,
    SafeNearestCentroid,
    SafeNMF,
    SafeSGDClassifier,
)
from evoml.learners.discriminant_projection import DiscriminantProjection
from evoml.learners.regularised_discriminant import RegularisedDiscriminantAnalysis
from evoml.learners.safe_selection import (
    SafeRFE,
    SafeSelectFromModel,
    SafeSelectFwe,
    SafeSelectPercentile,
    VarianceSelector,
)
from evoml.learners.standardised import ScaledKBinsDiscretizer, StandardisedHuberRegressor

X, Y = load_iris(return_X_y=True)
TREES = ExtraTreesClassifier(10, random_state=0)


@pytest.mark.parametrize(
    ("safe", "original"),
    [
        (SafeSelectPercentile(percentile=50), SelectPercentile(percentile=50)),
        (SafeSelectFwe(f_classif), SelectFwe(f_classif)),
        (SafeSelectFromModel(TREES), SelectFromModel(TREES)),
        (SafeRFE(TREES, n_features_to_select=0.5), RFE(TREES, n_features_to_select=0.5)),
        (BoundedPolynomialFeatures(), PolynomialFeatures()),
        (CappedFactorAnalysis(2), FactorAnalysis(2)),
    ],
)
def test_equal_to_the_original_where_that_works(safe, original):
    expected = original.fit_transform(X, Y)
    assert np.array_equal(safe.fit_transform(X, Y), expected)
    frame = pd.DataFrame(X, columns=list("abcd"))
    names = list(original.fit(frame, Y).get_feature_names_out())
    named = safe.set_output(transform="pandas").fit_transform(frame, Y)
    assert [name.lower().removeprefix("capped") for name in named.columns] == [name.lower() for name in names]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_columns", [1, 3])
@pytest.mark.parametrize(
    "selector",
    [
        SafeSelectPercentile(percentile=1),
        SafeSelectFwe(f_classif, alpha=1e-9),
        SafeSelectFromModel(TREES, threshold="10*mean"),
        SafeSelectFromModel(Lasso(alpha=1e6), threshold=1e-5),
        SafeRFE(TREES, n_features_to_select=0.1),
        VarianceSelector(0.9),
    ],
)
def test_selectors_keep_at_least_one_column(selector, n_columns):
    rng = np.random.default_rng(0)
    for table in (np.ones((40, n_columns)), rng.normal(size=(40, n_columns))):
        assert selector.fit_transform(table, np.arange(40) % 2).shape[1] >= 1


def test_the_best_column_is_kept():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(100, 5))
    y = (table[:, 3] > 0).astype(int)
    assert SafeSelectPercentile(percentile=1).fit(table, y).get_support(indices=True) == [3]
    assert SafeSelectFromModel(TREES, threshold="10*mean").fit(table, y).get_support(indices=True) == [3]


def test_feature_agglomeration_of_few_columns():
    assert CappedFeatureAgglomeration(10).fit_transform(X).shape == (150, 4)
    one = CappedFeatureAgglomeration(10).fit(X[:, :1])
    assert np.array_equal(one.transform(X[:, :1]), X[:, :1])
    assert list(one.get_feature_names_out()) == ["cappedfeatureagglomeration0"]


def test_products_are_bounded():
    assert np.abs(BoundedPolynomialFeatures().fit_transform(X * 1e200)).max() == LIMIT


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_tables_without_information(value):
    constant, y = np.full((40, 3), value), np.arange(40) % 2
    assert np.isfinite(SafeGaussianNB().fit(constant, y).predict_proba(constant)).all()
    assert len(SafeNearestCentroid().fit(constant, y).predict(constant)) == 40
    assert np.isfinite(SafeFastICA(2, random_state=0).fit_transform(constant)).all()
    assert np.isfinite(SafeNMF(2, init="random", random_state=0).fit_transform(constant)).all()
    with pytest.raises(ValueError, match="worse than random"):
        AdaBoostClassifier(DecisionTreeClassifier()).fit(constant, y)
    boosted = SafeAdaBoostClassifier(DecisionTreeClassifier()).fit(constant, y)
    assert np.allclose(boosted.predict_proba(constant).sum(axis=1), 1.0)


def test_fallbacks_only_where_nothing_varies():
    constant, y = np.ones((20, 2)), np.arange(20.0)
    assert np.allclose(ConstantFallback(Lasso()).fit(constant, y).predict(constant), 9.5)
    assert np.array_equal(ConstantFallback(Lasso()).fit(X, Y).predict(X), Lasso().fit(X, Y).predict(X))
    encoded = EncodedLabels(DecisionTreeClassifier()).fit(constant, np.repeat(["a", "b"], [15, 5]))
    assert np.allclose(encoded.predict_proba(constant), [0.75, 0.25])


@pytest.mark.filterwarnings("ignore")
def test_probabilities_that_underflow_are_equal():
    model = SafeSGDClassifier(loss="log_loss", random_state=0).fit(X * 1e6, Y)
    far = model.predict_proba(-np.abs(model.coef_).argmax() * np.ones((1, 4)) * 1e9)
    assert np.isfinite(far).all()
    assert np.allclose(model.predict_proba(X * 1e6).sum(axis=1), 1.0)
    assert not hasattr(SafeSGDClassifier(loss="hinge"), "predict_proba")


def test_adaboost_is_the_original_otherwise():
    settings = {"n_estimators": 10, "random_state": 0}
    ours, theirs = SafeAdaBoostClassifier(**settings).fit(X, Y), AdaBoostClassifier(**settings).fit(X, Y)
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    with pytest.raises(ValueError, match="NaN"):
        SafeAdaBoostClassifier().fit(np.where(X > 5, np.nan, X) * np.inf, Y)


def test_huber_agrees_on_standardised_data_and_survives_any_scale():
    table, y = make_regression(100, 3, noise=5, random_state=0)
    table, y = StandardScaler().fit_transform(table), (y - y.mean()) / y.std()
    ours, theirs = StandardisedHuberRegressor().fit(table, y), HuberRegressor().fit(table, y)
    assert np.allclose(ours.coef_, theirs.coef_, atol=1e-4)
    scaled = StandardisedHuberRegressor().fit(table * 1e6 + 1e9, y * 1e3)
    assert np.allclose(scaled.predict(table * 1e6 + 1e9), theirs.predict(table) * 1e3, rtol=1e-2, atol=1.0)
    frame = pd.DataFrame(table, columns=list("abc"))
    assert list(StandardisedHuberRegressor().fit(frame, y).feature_names_in_) == list("abc")


def test_bins_of_a_tiny_scale():
    binned = ScaledKBinsDiscretizer(4, encode="ordinal", strategy="uniform")
    assert np.array_equal(binned.fit_transform(X * 2.0**-40), binned.fit_transform(X))
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert list(binned.set_output(transform="pandas").fit_transform(frame).columns) == list("abcd")


def test_regularised_discriminant_between_linear_and_quadratic():
    table, y = load_wine(return_X_y=True)
    linear = RegularisedDiscriminantAnalysis(pooling=1.0, shrinkage=1e-6).fit(table, y)
    reference = LinearDiscriminantAnalysis().fit(table, y)
    assert np.mean(linear.predict(table) == reference.predict(table)) > 0.99
    assert np.allclose(linear.predict_proba(table), reference.predict_proba(table), atol=0.05)
    assert cross_val_score(RegularisedDiscriminantAnalysis(), table, y).mean() > 0.97
    alone = np.r_[y[:-1], 9]  # a class of one row
    assert np.isfinite(RegularisedDiscriminantAnalysis().fit(table, alone).predict_proba(table)).all()


def test_discriminant_projection_separates():
    projected = DiscriminantProjection().fit_transform(X, Y)
    assert projected.shape == (150, 2)
    reference = LinearDiscriminantAnalysis().fit_transform(X, Y)
    assert abs(np.corrcoef(projected[:, 0], reference[:, 0])[0, 1]) > 0.99
    assert DiscriminantProjection().fit_transform(X[:, :1], Y).shape == (150, 1)


def test_ica_that_breaks_down_keeps_the_whitened_components_it_starts_from():
    X = load_digits().data
    train = next(StratifiedKFold(3, shuffle=True, random_state=0).split(X, load_digits().target))[0]
    ica = SafeFastICA(1, fun="logcosh", whiten="unit-variance", max_iter=100, tol=1e-3, random_state=0)
    found = ica.fit_transform(X[train])
    assert np.isfinite(found).all()
    assert found.std() == pytest.approx(1.0, rel=1e-2)
    assert np.isfinite(ica.transform(X)).all()

"""Encoders of whole tables: what scikit-learn's give in a ColumnTransformer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners.categorical import TableOneHotEncoder, TableOrdinalEncoder


def over_categorical_columns(encoder):
    selector = make_column_selector(dtype_exclude=["number", "bool"])
    return ColumnTransformer(
        [("categorical", encoder, selector)],
        remainder="passthrough",
        sparse_threshold=0,
        verbose_feature_names_out=False,
    )


def one_hot(max_categories):
    settings = {"handle_unknown": "infrequent_if_exist", "sparse_output": False}
    return over_categorical_columns(OneHotEncoder(max_categories=max_categories, **settings))


def ordinal():
    settings = {"handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -1}
    return over_categorical_columns(OrdinalEncoder(**settings))


@st.composite
def tables(draw):
    """Two tables with the same columns, of which the second may hold other categories and missing cells."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    missing = draw(st.sampled_from([0.0, 0.3]))

    def table(n_rows, extra):
        columns = {"first": rng.normal(size=n_rows), "flag": rng.random(n_rows) < 0.5}
        for place, size in enumerate(sizes):
            cells = np.array([f"v{value}" for value in rng.integers(0, size + extra, n_rows)], dtype=object)
            cells[rng.random(n_rows) < missing] = np.nan
            columns[f"c{place}"] = pd.Series(cells, dtype=draw(st.sampled_from([object, "category"])))
        columns["last"] = np.where(rng.random(n_rows) < missing, np.nan, rng.integers(0, 3, n_rows))
        return pd.DataFrame(columns)

    return table(draw(st.integers(1, 30)), 0), table(10, 3)


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@settings(max_examples=80, deadline=None)
@given(tables(), st.integers(1, 8))
def test_one_hot_equals_scikit_learns(pair, max_categories):
    train, test = pair
    expected, found = one_hot(max_categories), TableOneHotEncoder(max_categories)
    assert np.array_equal(found.fit_transform(train), expected.fit_transform(train).astype(float), equal_nan=True)
    assert np.array_equal(found.transform(test), expected.transform(test).astype(float), equal_nan=True)
    assert list(found.get_feature_names_out()) == list(expected.get_feature_names_out())


@settings(max_examples=80, deadline=None)
@given(tables())
def test_ordinal_equals_scikit_learns(pair):
    train, test = pair
    expected, found = ordinal(), TableOrdinalEncoder()
    assert np.array_equal(found.fit_transform(train), expected.fit_transform(train).astype(float), equal_nan=True)
    assert np.array_equal(found.transform(test), expected.transform(test).astype(float), equal_nan=True)
    assert list(found.get_feature_names_out()) == list(expected.get_feature_names_out())


@parametrize_with_checks([TableOneHotEncoder(), TableOrdinalEncoder()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("encoder", [TableOneHotEncoder(), TableOrdinalEncoder()])
def test_a_table_without_categories_passes(encoder):
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [True, False]})
    assert np.array_equal(encoder.fit_transform(frame), [[1.0, 1.0], [np.nan, 0.0]], equal_nan=True)
    assert np.array_equal(encoder.fit_transform(np.eye(2)), np.eye(2))
    assert list(encoder.get_feature_names_out()) == ["x0", "x1"]


@pytest.mark.parametrize("encoder", [TableOneHotEncoder(), TableOrdinalEncoder()])
def test_other_columns_are_refused(encoder):
    encoder.fit(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}))
    with pytest.raises(ValueError, match="give the same columns in the same order"):
        encoder.transform(pd.DataFrame({"b": [1, 2], "a": ["x", "y"]}))

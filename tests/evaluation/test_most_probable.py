"""Parts said to predict the most probable class do so, whatever the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.components import load_catalogue

PARTS = [name for name, part in load_catalogue().items() if part.predicts_most_probable and part.is_model]


def test_there_are_such_parts():
    assert {"RandomForestClassifier", "KNeighborsClassifier"} <= set(PARTS)


@pytest.mark.parametrize("name", PARTS)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 4), grain=st.sampled_from([0, 1]))
def test_predict_is_the_class_of_the_greatest_probability(name, seed, classes, grain):
    """Coarse values make many ties."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(90, 3)) if grain == 0 else rng.integers(0, 3, size=(90, 3)).astype(float)
    y = rng.permutation(np.arange(90) % classes)
    facts = {"n_rows": 60, "n_features": 3, "n_classes": classes, "class_rows": 10}
    part = load_catalogue().limited(task="classification", target="any", **facts)[name]
    values = {hyperparameter.name: hyperparameter.sample(rng) for hyperparameter in part.hyperparameters}
    model = part.build(part.active(values), 0, effort=0.1).fit(X[:60], y[:60])
    expected = model.classes_[np.argmax(model.predict_proba(X), axis=1)]
    np.testing.assert_array_equal(model.predict(X), expected)

"""The target encoder that repeats itself."""

import numpy as np
import pandas as pd
import pytest

from evoml.components import load_catalogue
from evoml.learners.seeded_target_encoder import SeededTargetEncoder

LEVELS = np.array(["a", "b", "c"], dtype=object)[np.arange(90) % 3]
TABLE = pd.DataFrame({"level": LEVELS})


def test_whole_numbers_to_predict_are_not_taken_for_classes():
    counts = (np.arange(90) % 3) * 10 + np.arange(90) % 7
    encoder = load_catalogue()["TargetEncoderRegression"].build({"smooth": 1.0, "cv": 5}, 0)
    codes = np.asarray(encoder.fit(TABLE, counts).transform(TABLE), dtype=float)
    assert codes.shape == (90, 1)
    means = pd.Series(counts).groupby(LEVELS).mean()
    np.testing.assert_allclose(codes[:3, 0], means, rtol=0.2)


def test_many_classes_have_a_column_each():
    codes = SeededTargetEncoder(random_state=0).fit_transform(TABLE, np.arange(90) % 4)
    assert np.shape(codes) == (90, 4)


@pytest.mark.parametrize("y", [np.arange(90) % 2, np.linspace(0, 1, 90)])
def test_the_same_seed_gives_the_same_codes(y):
    first, again, other = (SeededTargetEncoder(random_state=seed).fit_transform(TABLE, y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)

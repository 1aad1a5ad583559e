"""Intervals and sets hold what they promise on rows that were not calibrated on."""

import numpy as np
import pytest

pytest.importorskip("mapie")

from evoml.core.errors import SettingError
from evoml.evaluation.conformal import Calibration

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_intervals_cover(confidence):
    predicted = RNG.normal(size=4000)
    true = predicted + RNG.standard_t(3, size=4000)
    found = Calibration(predicted[:1000, None], true[:1000]).intervals(predicted[1000:], confidence)
    inside = (found[:, 0] <= true[1000:]) & (true[1000:] <= found[:, 1])
    assert inside.mean() == pytest.approx(
        confidence, abs=4 * np.sqrt(confidence * (1 - confidence) * (1 / 1000 + 1 / 3000))
    )


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_sets_cover_and_are_never_empty(confidence, n_classes):
    p = RNG.dirichlet(0.4 * np.ones(n_classes), 4000)
    true = np.array([RNG.choice(n_classes, p=one) for one in p])
    found = Calibration(p[:1000], true[:1000]).sets(p[1000:], confidence)
    assert found.shape == (3000, n_classes)
    assert found.any(axis=1).all()
    assert found[np.arange(3000), true[1000:]].mean() > confidence - 0.04
    assert found.sum(axis=1).mean() < 0.9 * n_classes


def test_rows_that_were_never_predicted_are_left_out():
    predicted, true = RNG.normal(size=200), RNG.normal(size=200)
    holed = predicted[:, None].copy()
    holed[:100] = np.nan
    np.testing.assert_array_equal(
        Calibration(holed, true).intervals(predicted, 0.9),
        Calibration(predicted[100:, None], true[100:]).intervals(predicted, 0.9),
    )


@pytest.mark.parametrize(
    ("confidence", "message"), [(1.0, "between 0 and 1"), (95, "between 0 and 1"), (0.999, "from 50 rows")]
)
def test_what_cannot_be_told_is_refused(confidence, message):
    with pytest.raises(SettingError, match=message):
        Calibration(RNG.normal(size=(50, 1)), RNG.normal(size=50)).intervals(np.zeros(3), confidence)

"""scikit-learn's calibration of probabilities, made safe for classes of few rows."""

import warnings
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold


class SafeCalibratedClassifier(CalibratedClassifierCV):
    """Calibration on out-of-fold predictions that also works where a class has fewer rows than there are folds.

    ``cv`` must be a number of folds; they are shuffled from a fixed seed, so that sorted tables work too. Where a class has
    fewer rows, one calibrated model a fold is kept whatever ``ensemble`` says: the other way needs each class in each fold.
    """

    cv: Any
    ensemble: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Any:
        asked = self.cv, self.ensemble
        counts = np.unique(y, return_counts=True)[1]
        folds = StratifiedKFold(max(2, min(self.cv, counts.max())), shuffle=True, random_state=0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            self.cv = list(folds.split(np.zeros((len(y), 1)), y))
        self.ensemble = self.ensemble or bool(counts.min() < len(self.cv))
        try:
            return super().fit(X, y, sample_weight=sample_weight, **fit_params)
        finally:
            self.cv, self.ensemble = asked

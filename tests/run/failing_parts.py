"""Parts that fail, each in its own way."""

import ctypes
import os
import time

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

WHOLE_TABLE = 60


class Failing(GaussianNB):
    def fit(self, X, y):
        raise RuntimeError("never works")


class FailingOnTheWholeTable(GaussianNB):
    """Can be cross-validated, but not fitted in the end."""

    def fit(self, X, y):
        if len(X) == WHOLE_TABLE:
            raise MemoryError("too many rows")
        return super().fit(X, y)


class Slow(GaussianNB):
    def fit(self, X, y):
        time.sleep(0.3)
        return super().fit(X, y)


class Sleeping(GaussianNB):
    def fit(self, X, y):
        time.sleep(1e6)


class Hungry(GaussianNB):
    """Needs more memory than there is, where the environment says so."""

    def fit(self, X, y):
        if os.environ.get("HUNGRY"):
            raise MemoryError("too many rows")
        return super().fit(X, y)


class EndlessOnTheWholeTable(GaussianNB):
    """Can be cross-validated, but its last fit takes longer than anybody waits."""

    def fit(self, X, y):
        if len(X) == WHOLE_TABLE:
            time.sleep(1e6)
        return super().fit(X, y)


class Leaking(GaussianNB):
    """Loses 60 MiB at each fit."""

    lost = []  # noqa: RUF012

    def fit(self, X, y):
        self.lost.append(np.ones(60 * 2**17))
        return super().fit(X, y)


class Fixed(DummyClassifier):
    """A part without hyperparameters."""

    def __init__(self):
        super().__init__(strategy="prior")


class SegfaultingOnTheWholeTable(GaussianNB):
    def fit(self, X, y):
        if len(X) == WHOLE_TABLE:
            ctypes.string_at(0)
        return super().fit(X, y)


class LeavingOnTheWholeTable(GaussianNB):
    def fit(self, X, y):
        if len(X) == WHOLE_TABLE:
            os._exit(0)
        return super().fit(X, y)

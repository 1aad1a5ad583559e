"""A part whose kernels are compiled when a test says so, in a folder of its own with an empty cache."""

import contextlib
import json
import sys

from evoml.kernels import warmup

TEXT = '''
import json
import os
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from evoml.kernels.compiling import kernel


@kernel
def distances(rows, centre):
    found = np.zeros(rows.shape[0])
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            found[i] += (rows[i, j] - centre[j]) ** 2
    return found


def mode():
    with open(os.environ["TINY_MODE"]) as file:
        return file.read().strip()


def warm_up():
    """Wait while the mode is "wait", go wrong while it is "fail"."""
    began = time.monotonic()
    while os.path.exists(os.environ["TINY_MODE"]) and (found := mode()) != "go":
        if found == "fail":
            raise RuntimeError("no compiler today")
        if found == "slow" and time.monotonic() - began > 2:
            break
        time.sleep(0.02)
    distances(np.zeros((3, 2)), np.zeros(2))
    with open(os.environ["TINY_LOG"], "a") as log:
        log.write(json.dumps({"pid": os.getpid(), "parent": os.getppid()}) + "\\n")


class NearestCentre(ClassifierMixin, BaseEstimator):
    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y):
        X = np.array(X, np.float64, order="C")  # one that may be written to: others are another type to Numba
        self.classes_ = np.unique(y)
        self.centres_ = [X[y == label].mean(axis=0) for label in self.classes_]
        self.n_features_in_ = X.shape[1]
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        X = np.array(X, np.float64, order="C")  # one that may be written to: others are another type to Numba
        near = np.column_stack([1e-9 + distances(X, centre) for centre in self.centres_]) ** -self.power
        return near / near.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
'''
MODULE = "compiled_parts_there"
GROUP = f"{MODULE}:warm_up"
PART = {
    "path": f"{MODULE}.NearestCentre",
    "kind": "classifier",
    "input": "dense",
    "predict_proba": True,
    "compiled": GROUP,
    "hyperparameters": {"power": {"type": "float", "low": 0.25, "high": 4.0, "default": 1.0}},
}
TEXTS = {"compiled": "NearestCentre(features)", "library": "GaussianNB(features)"}


class CompiledParts:
    """Says when the kernels of the part ``NearestCentre`` can be compiled, and who has loaded them."""

    def __init__(self, folder):
        self.folder, self.mode_file, self.log = folder, folder / "mode", folder / "log"
        (folder / f"{MODULE}.py").write_text(TEXT)
        self.mode("go")

    def mode(self, mode):
        self.mode_file.write_text(mode)

    def loaded(self):
        """Return the process, and its parent, of each time that the kernels were loaded or compiled."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@contextlib.contextmanager
def compiled_parts(folder, monkeypatch):
    """Make the part known to this process and those it starts."""
    parts = CompiledParts(folder)
    monkeypatch.setenv("EVOML_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("TINY_LOG", str(parts.log))
    monkeypatch.setenv("TINY_MODE", str(parts.mode_file))
    monkeypatch.setattr(warmup, "_LOADED", set())
    monkeypatch.syspath_prepend(str(folder))
    warmup._text.cache_clear()
    yield parts
    parts.mode_file.unlink()  # whoever still waits goes on
    sys.modules.pop(MODULE, None)
    warmup._text.cache_clear()

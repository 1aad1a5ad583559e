"""Stand-ins for the estimators: they keep the same promises to the command line, and search nothing."""

from __future__ import annotations

import time
from pathlib import Path

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from evoml.core import BudgetError, Candidate, Evaluation, JournalError, Outcome, Progress, SettingError, Status
from evoml.journal import Journal

TEXTS = (
    "LogisticRegression(StandardScaler(features))",
    "ExtraTreesClassifier(features)",
    "RandomForestClassifier(features)",
    "HistGradientBoostingClassifier(features)",
)
INTERRUPTED, TOO_SHORT = 0.25, 0.5  # seconds for an explanation that come to nothing
METRICS = ("accuracy", "balanced_accuracy", "roc_auc", "r2")


class _Fake:
    metric = "accuracy"

    def __init__(self, **parameters):
        self.parameters = parameters

    def fit(self, X, y, sample_weight=None, groups=None):
        metric = self.parameters.get("scoring") or self.metric
        if metric not in METRICS:
            raise SettingError(f"unknown metric {metric!r}; did you mean {METRICS[0]!r}?")
        self.fitted_pipeline_ = self._pipeline().fit(X, y)
        self.best_score_ = 0.9
        self.stopped_by_ = "budget"
        self._search(metric)
        return self

    def _search(self, metric):
        path = Path(self.parameters["journal"])
        if path.exists() and not self.parameters.get("warm_start"):
            raise JournalError(f"{path} exists already")
        settings = {"scoring": metric, "objectives": ["score", "complexity"]}
        with Journal.resume(path) if path.exists() else Journal.create(path, settings) as journal:
            done = len(journal.individuals())
            for one in range(done, self.parameters["max_evaluations"] or 3):
                candidate = Candidate(one, TEXTS[one], f"key{one}")
                journal.asked([candidate], {})
                status = Status.TIMEOUT if one == 1 else Status.OK
                score = 0.5 + 0.1 * one
                outcome = Outcome(
                    candidate, Evaluation(status, {metric: (score,)} if status == "OK" else {}, error="x")
                )
                outcome = Outcome(candidate, outcome.evaluation, (score, -2.0) if status == "OK" else ())
                journal.told([outcome], {})
                for callback in self.parameters["callbacks"]:
                    callback(Progress(time.monotonic() % 1, one + 1, one + 1, 0, score), outcome)
            journal.put("summary", {"best": 0, "stopped_by": "budget", "model": TEXTS[0]})

    def predict(self, X):
        return self.fitted_pipeline_.predict(X)

    def score(self, X, y, sample_weight=None):
        return self.fitted_pipeline_.score(X, y)

    def export(self, path):
        Path(path).write_text("pipeline = ...\n")

    def explain(self, X, y, sample_weight=None, groups=None, seconds=None):
        if seconds == INTERRUPTED:
            raise KeyboardInterrupt
        if seconds == TOO_SHORT:
            raise BudgetError("fitting the model takes too long")
        explanation = {"of": [TEXTS[0], None], "folds": 5, "rows": len(y), "notes": [f"{seconds} seconds were given"]}
        with Journal.resume(self.parameters["journal"]) as journal:
            journal.put("explanation", explanation)

    def _prepared(self, selector):
        columns = ColumnTransformer(
            [
                (
                    "texts",
                    OneHotEncoder(handle_unknown="ignore"),
                    make_column_selector(dtype_exclude=["number", "bool"]),
                ),
                (
                    "numbers",
                    make_pipeline(SimpleImputer(), StandardScaler()),
                    make_column_selector(dtype_include="number"),
                ),
            ]
        )
        return make_pipeline(columns, SelectKBest(selector, k="all"))


class FakeClassifier(_Fake):
    def _pipeline(self):
        return make_pipeline(self._prepared(f_classif), LogisticRegression())

    @property
    def classes_(self):
        return self.fitted_pipeline_.classes_


class FakeRegressor(_Fake):
    metric = "r2"

    def _pipeline(self):
        return make_pipeline(self._prepared(f_regression), Ridge())

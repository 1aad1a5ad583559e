"""Small runs, built through the journal as a run builds them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from evoml.core import Candidate, Cost, Evaluation, Outcome, Status
from evoml.journal import Journal

SETTINGS: dict[str, Any] = {
    "task": "classification",
    "seed": 42,
    "scoring": ["balanced_accuracy", "roc_auc"],
    "objectives": ["score", "complexity"],
    "cv": 5,
    "budget": {"seconds": 60, "evaluations": None},
    "n_rows": 569,
    "n_features": 30,
    "classes": ["benign", "malignant"],
    "feature_names": ["radius", "<script>alert(1)</script>"],
    "target": "diagnosis",
    "versions": {"evoml": "0.1.0", "scikit-learn": "1.9.1"},
    "algorithm": "nsga2",
    "table": "breast_cancer.csv",
}


class Run:
    """A journal that grows by one told candidate at a time."""

    def __init__(self, settings: dict[str, Any] | None = None, path: Any = None) -> None:
        self.journal = Journal.create(path, SETTINGS if settings is None else settings)
        self.outcomes: list[Outcome] = []

    def ask(self, text: str, parents: Sequence[int] = (), operator: str = "initial", generation: int = 0) -> Candidate:
        keys = [outcome.candidate.key for outcome in self.outcomes]
        bars = self.outcomes[parents[0]].scores if parents else ()
        candidate = Candidate(len(keys), text, text, tuple(parents), operator, generation, bars)
        self.journal.asked([candidate], {})
        return candidate

    def scored(self, text: str, score: float, complexity: float | None = 2.0, **born: Any) -> int:
        """Tell a candidate with five folds around ``score``; without a complexity the run has one objective."""
        candidate = self.ask(text, **born)
        folds = {
            "balanced_accuracy": tuple(score + shift for shift in (-0.02, -0.01, 0.0, 0.01, 0.02)),
            "roc_auc": (score + 0.01,) * 5,
        }
        scores = (score,) if complexity is None else (score, -complexity)
        earlier = [one.candidate.id for one in self.outcomes if one.candidate.key == candidate.key]
        evaluation = Evaluation(Status.OK, folds, Cost(wall=1.5, fit=1.25))
        return self._tell(Outcome(candidate, evaluation, scores, earlier[0] if earlier else None))

    def failed(self, text: str, error: str, status: Status = Status.INVALID, **born: Any) -> int:
        return self._tell(Outcome(self.ask(text, **born), Evaluation(status, error=error)))

    def _tell(self, outcome: Outcome) -> int:
        self.outcomes.append(outcome)
        self.journal.told([outcome], {})
        return outcome.candidate.id

    def finish(self, **summary: Any) -> Journal:
        facts = {"stopped_by": "evaluations", "evaluations": len(self.outcomes), "seconds": 12.5, **summary}
        self.journal.put("summary", facts)
        return self.journal


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def new_run() -> Callable[..., Run]:
    return Run


def filled(run: Run) -> Run:
    """A run with everything: two generations, a duplicate, failures of two kinds, adapted operators, an event."""
    first = run.scored("LogisticRegression(features, C=2.5)", 0.90, 2)
    second = run.scored("RandomForestClassifier(StandardScaler(features))", 0.92, 3)
    run.scored("LogisticRegression(features, C=2.5)", 0.90, 2)
    run.failed("SVC(features)", "Traceback\nValueError: column 17 contains NaN")
    third = run.scored(
        "SVC(union(StandardScaler(features), PCA(features, n_components=0.9)), C=10.0)",
        0.95, 5, parents=(second, first), operator="crossover", generation=1,
    )  # fmt: skip
    run.failed("GaussianNB(features)", "ValueError: column 3 contains NaN", parents=(first,), operator="mutate")
    run.failed("KNeighborsClassifier(features)", "ran past 15 s", Status.TIMEOUT, parents=(third,), operator="mutate")
    run.scored("GaussianNB(PCA(features))", 0.88, 2, parents=(third,), operator="mutate", generation=1)
    for generation, chance in ((0, 0.5), (1, 0.75)):
        credit = {
            "crossover": {"tries": 1, "wins": 1, "probability": chance},
            "mutate": {"tries": 3, "wins": 0, "probability": 1 - chance},
        }
        run.journal.progressed(generation, 4 * (generation + 1), 0.95, {"credit": credit})
    run.journal.event("warning", message="one column is <b>constant</b>")
    return run


@pytest.fixture
def fill() -> Callable[[Run], Run]:
    return filled


@pytest.fixture
def full(run: Run) -> Journal:
    return filled(run).finish(
        best=4,
        front=[4, 1, 0],
        holdout={"metric": "balanced_accuracy", "score": 0.9312, "rows": 143},
        baseline={"score": 0.5},
    )


def family(run: Run) -> Run:
    """A run of seven candidates whose descent is easily worked out by hand; the best is 5, of parents 3 and 4."""
    for text, score in (("GaussianNB(features)", 0.50), ("SVC(features)", 0.60), ("SVC(PCA(features))", 0.40)):
        run.scored(text, score, 2)
    run.scored("SVC(features, C=2.0)", 0.65, 2, parents=(0, 1), operator="crossover", generation=1)
    run.scored("SVC(PCA(features), C=3.0)", 0.45, 3, parents=(2,), operator="mutate", generation=1)
    run.scored("SVC(PCA(features), C=2.0)", 0.70, 3, parents=(3, 4), operator="crossover", generation=2)
    run.scored("GaussianNB(PCA(features))", 0.55, 3, parents=(3,), operator="mutate", generation=2)
    for generation, members in ((1, [0, 1, 2]), (2, [1, 3, 4]), (3, [3, 5, 1])):
        best = (0.60, 0.65, 0.70)[generation - 1]
        run.journal.progressed(generation, 2 * generation + 1, best, {"population": members})
    return run


@pytest.fixture
def kin(run: Run) -> Journal:
    return family(run).finish(best=5, baseline={"score": 0.3})

"""Objectives: what a candidate is judged by, each a number to be maximised."""

import pytest

from evoml.core.candidate import Candidate, Cost, Evaluation, Status
from evoml.core.errors import SettingError
from evoml.evaluation import objectives


class Space:
    def complexity(self, genome):
        return len(genome)


CANDIDATE = Candidate(0, "genome", "key")
EVALUATION = Evaluation(Status.OK, {"f1": (0.2, 0.4), "r2": (0.5, 1.0)}, Cost(fit=2.5))


def values(names):
    return [o(CANDIDATE, EVALUATION) for o in objectives(names, ["f1", "r2"], Space()).values()]


def test_each_objective_is_to_be_maximised():
    assert values(["score", "complexity", "fit_time", "r2", "f1"]) == pytest.approx([0.3, -6, -2.5, 0.75, 0.3])


def test_a_single_name_is_enough():
    assert values("r2") == [0.75]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["score", "complexty"],
            r"unknown objective 'complexty'; did you mean 'complexity'\?; there are: score, f1, r2",
        ),
        (
            ["complexity", "score"],
            r"the first objective must be a score, got \['complexity', 'score'\]; put 'score' first",
        ),
        (["fit_time"], "the first objective must be a score"),
        ([], "the first objective must be a score, got none"),
        (["accuracy"], "unknown objective 'accuracy'"),
    ],
)
def test_what_cannot_be_an_objective_is_refused(names, message):
    with pytest.raises(SettingError, match=message):
        values(names)

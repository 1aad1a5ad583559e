"""Who is told what of a run: start, batches, outcomes, improvements and end."""

import numpy as np

from evoml.core import Candidate, Evaluation, Outcome, Status
from evoml.core.budget import Budget, Progress
from evoml.genomes.functions import FunctionSpace
from evoml.run import GenomeSearch, RunCallback, search_genomes
from evoml.run.callbacks import Callbacks


class Notes(RunCallback):
    def __init__(self):
        self.heard = []

    def on_start(self, progress):
        self.heard.append(("start", progress.evaluations))

    def on_batch(self, progress, outcomes):
        self.heard.append(("batch", len(outcomes)))

    def on_outcome(self, progress, outcome):
        self.heard.append(("outcome", outcome.candidate.id))

    def on_improvement(self, progress, outcome):
        self.heard.append(("improvement", outcome.scores[0]))

    def on_end(self, finished):
        self.heard.append(("end", finished.stopped_by))


SPACE = FunctionSpace(lambda rng: tuple(rng.integers(10, size=4).tolist()), {"flip": lambda one, rng: one[::-1]})


def run(*callbacks):
    search_genomes(GenomeSearch(SPACE, lambda one: float(sum(one)), Budget(evaluations=30), callbacks=callbacks))


def test_an_object_hears_of_all_that_happens_in_order():
    notes, plain = Notes(), []
    run(notes, lambda progress, outcome: plain.append((outcome.candidate.id, outcome.scores)))
    kinds = [kind for kind, _ in notes.heard]
    assert notes.heard[0] == ("start", 0)
    assert notes.heard[-1] == ("end", "budget")
    assert [value for kind, value in notes.heard if kind == "outcome"] == [index for index, _ in plain]
    assert sum(value for kind, value in notes.heard if kind == "batch") == kinds.count("outcome") == len(plain)
    scores = [scores[0] for _, scores in plain]
    bests = [score for at, score in enumerate(scores) if score > max([-np.inf, *scores[:at]])]
    assert [value for kind, value in notes.heard if kind == "improvement"] == bests
    assert kinds.index("improvement") == kinds.index("outcome") + 1


def test_an_object_may_have_some_of_the_methods_only():
    class Ends:
        ended = 0

        def on_end(self, finished):
            self.ended += 1

    ends = Ends()
    run(ends)
    assert ends.ended == 1


def test_one_that_is_both_is_called_both_ways():
    heard = []

    class Both(RunCallback):
        def __call__(self, progress, outcome):
            heard.append("call")

        def on_outcome(self, progress, outcome):
            heard.append("method")

    outcome = Outcome(Candidate(0, "g", "k"), Evaluation(Status.OK), (1.0,))
    Callbacks([Both()]).told(Progress(), outcome, improved=False)
    assert heard == ["call", "method"]


def test_generations_of_formulas_are_heard_of_too():
    from evoml import SymbolicRegressor

    notes = Notes()
    notes.on_batch = lambda progress, sight: notes.heard.append(("batch", sight.progress.generation))
    notes.on_improvement = lambda progress, sight: notes.heard.append(("improvement", sight.improved))
    X = np.linspace(-1, 1, 30)[:, None]
    SymbolicRegressor(population_size=50, generations=3, random_state=0, callbacks=[notes], init_length=(1, 5)).fit(
        X, X[:, 0] ** 2 + X[:, 0]
    )
    assert notes.heard[0] == ("start", 0)
    assert [value for kind, value in notes.heard if kind == "batch"] == [1, 2, 3]
    assert ("improvement", True) in notes.heard
    assert notes.heard[-1][0] == "end"

"""A DEAP toolbox as an algorithm: its functions do the work, and the global random states do not notice."""

import ast
import random
from itertools import pairwise

import numpy as np
import pytest
from contracts.algorithm import AlgorithmContract
from contracts.genome_kinds import pipelines, told_pipeline
from deap import base, gp, tools

from evoml.algorithms import DeapSelection, DeapToolbox, Evolution
from evoml.core import Candidate, Evaluation, Outcome, SettingError, Status, stream
from evoml.genomes.deap_toolbox import ToolboxSpace, toolbox_space

ONES = 30


def toolbox(select=tools.selTournament, **settings):
    """Return the toolbox of DEAP's own example: as many ones as there may be."""
    made = base.Toolbox()
    made.register("attribute", random.randint, 0, 1)
    made.register("individual", tools.initRepeat, list, made.attribute, ONES)
    made.register("mate", tools.cxTwoPoint)
    made.register("mutate", tools.mutFlipBit, indpb=0.05)
    made.register("select", select, **settings)
    return made


def count_ones(candidate, *, fails=False):
    if fails:
        return Outcome(candidate, Evaluation(Status.CRASHED))
    return Outcome(candidate, Evaluation(Status.OK), (float(sum(candidate.genome)),))


def count_ones_and_turns(candidate):
    """Return an outcome of two objectives, as DEAP's NSGA-III knows no single one."""
    turns = sum(one != other for one, other in pairwise(candidate.genome))
    return Outcome(candidate, Evaluation(Status.OK), (float(sum(candidate.genome)), -float(turns)))


def run(algorithm, told, evaluations):
    state, outcomes = algorithm.start(), []
    while len(outcomes) < evaluations:
        state, candidates = algorithm.ask(state, 5)
        outcomes += [told(candidate) for candidate in candidates]
        state = algorithm.tell(state, outcomes[len(outcomes) - len(candidates) :])
    return outcomes


def made_from(own, seed=1, chooses="parents"):
    return DeapToolbox(own, chooses)(toolbox_space(own, ast.literal_eval), seed, 20)


@pytest.mark.parametrize(
    ("select", "settings", "chooses"),
    [
        (tools.selTournament, {"tournsize": 3}, "parents"),
        (tools.selRoulette, {}, "parents"),
        (tools.selBest, {}, "survivors"),
        (tools.selNSGA2, {}, "survivors"),
        (tools.selSPEA2, {}, "survivors"),
        (tools.selNSGA3, {"ref_points": tools.uniform_reference_points(2, 6)}, "survivors"),
    ],
)
def test_every_selection_of_deap_runs_and_leaves_global_states_alone(select, settings, chooses):
    own = toolbox(select, **settings)
    told = count_ones_and_turns if select is tools.selNSGA3 else count_ones
    random.seed(5)
    found = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    outcomes = run(made_from(own, chooses=chooses), told, 400)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == found  # noqa: NPY002
    random.seed(6)
    again = run(made_from(own, chooses=chooses), told, 400)
    assert [one.candidate.genome for one in again] == [one.candidate.genome for one in outcomes]
    other = run(made_from(own, 2, chooses), told, 400)
    assert [one.candidate.genome for one in other] != [one.candidate.genome for one in outcomes]
    assert max(one.scores[0] for one in outcomes) > max(one.scores[0] for one in outcomes[:20]) + 2
    assert {one.candidate.operator for one in outcomes} == {"initial", "mate", "mutate"}


def test_parents_stay_as_they_are():
    own = toolbox()
    space = toolbox_space(own, ast.literal_eval)
    first, second = space.sample([0, 1], [stream(1), stream(2)])
    before = list(first), list(second)
    child = space.vary(["mate"], [[first, second]], [stream(3)])[0]
    assert (first, second) == before
    assert child not in before
    assert space.operators == {"mate": 2, "mutate": 1}
    assert space.parse(str(child)) == child


def test_operators_of_a_toolbox_vary_pipelines():
    space = pipelines()
    own = base.Toolbox()
    own.register("mate", gp.cxOnePoint)
    algorithm = DeapToolbox(own)(space, 1, 12)
    assert algorithm.space.operators == {"mate": 2}
    outcomes = run(algorithm, told_pipeline, 72)
    assert {one.candidate.operator for one in outcomes} == {"initial", "mate"}
    first = {str(one.candidate.genome) for one in outcomes if not one.candidate.parents}  # known ones may be larger
    for one in outcomes:
        assert space.within_limits(one.candidate.genome) or str(one.candidate.genome) in first
        assert str(space.parse(str(one.candidate.genome))) == str(one.candidate.genome)
    parents = {index for one in outcomes for index in one.candidate.parents}
    made = {str(one.candidate.genome) for one in outcomes if one.candidate.parents}
    assert made - {str(outcomes[index].candidate.genome) for index in parents}


def test_what_breaks_limits_is_given_up_for_the_parent():
    class Narrow:
        operators = {"grow": 1}  # noqa: RUF012

        def within_limits(self, genome):
            return len(genome) <= 3

    own = base.Toolbox()
    own.register("mutate", lambda genome: ([*genome, 1],))
    space = ToolboxSpace(Narrow(), own)
    assert space.vary(["mutate", "mutate"], [[[1]], [[1, 1, 1]]], [stream(1), stream(2)]) == [[1, 1], [1, 1, 1]]


def test_a_toolbox_without_operators_leaves_the_spaces_own():
    own = base.Toolbox()
    own.register("select", tools.selBest)
    assert DeapToolbox(own)(pipelines(), 1, 12).space.operators == pipelines().operators


def test_what_select_chooses_must_be_known():
    with pytest.raises(SettingError, match="'survivors' or 'parents'"):
        DeapSelection(select=tools.selBest, chooses="everything")


class TestDeapSelectionOfSurvivors(AlgorithmContract):
    def make(self, space, seed, population_size):
        return Evolution(space, seed, population_size, scheme=DeapSelection(select=tools.selNSGA2))


class TestDeapSelectionOfParents(AlgorithmContract):
    def make(self, space, seed, population_size):
        return Evolution(space, seed, population_size, scheme=DeapSelection(select=tools.selRandom, chooses="parents"))


def test_scores_reach_deap_as_they_are():
    seen = []

    def select(individuals, k):
        seen.extend(one.fitness.values for one in individuals)
        return individuals[:k]

    algorithm = Evolution(pipelines(), 1, 2, scheme=DeapSelection(select=select))
    outcomes = [Outcome(Candidate(at, "g", f"k{at}"), Evaluation(Status.OK), (float(at), -2.0)) for at in range(2)]
    algorithm._survivors(algorithm.start(), outcomes)
    assert seen == [(0.0, -2.0), (1.0, -2.0)]

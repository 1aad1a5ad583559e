"""Islands of candidates: who is asked, who sends to whom, and that it depends on nothing but what was told."""

import networkx as nx
import pytest
from contracts.fake_space import DigitSpace, told

from evoml.algorithms import Islands, schemes
from evoml.algorithms.topologies import destinations
from evoml.core import SettingError


def run(algorithm, evaluations, batch=3):
    state, outcomes, states = algorithm.start(), [], []
    while len(outcomes) < evaluations:
        state, candidates = algorithm.ask(state, batch)
        for candidate in candidates:
            outcomes.append(told(candidate))
            state = algorithm.tell(state, outcomes[-1:])
            states.append(state)
    return states, outcomes


def test_topologies_by_name_and_by_graph():
    assert destinations("ring", 3) == ((1,), (2,), (0,))
    assert destinations("complete", 3) == ((1, 2), (0, 2), (0, 1))
    assert destinations("star", 4) == ((1, 2, 3), (0,), (0,), (0,))
    assert destinations("ring", 1) == ((),)
    assert destinations("ring", None) == ((1,), (2,), (3,), (0,))
    assert destinations(nx.DiGraph([("north", "south"), ("east", "south")]), None) == ((1,), (), (1,))
    assert destinations(nx.path_graph(3), 3) == ((1,), (0, 2), (1,))


@pytest.mark.parametrize(
    ("topology", "islands", "message"),
    [("rign", 3, "did you mean 'ring'"), (nx.path_graph(2), 3, "2 nodes for 3"), (7, 3, "NetworkX graph")],
)
def test_a_topology_that_cannot_be_is_named(topology, islands, message):
    with pytest.raises(SettingError, match=message):
        destinations(topology, islands)


def test_every_island_gets_its_share_of_questions():
    algorithm = Islands(DigitSpace(), 1, 24, islands=3)
    states, _ = run(algorithm, 240)
    asked = [8 * own.generation + own.asked for own in states[-1].islands]
    assert max(asked) - min(asked) <= 8
    assert all(len(own.population) == 8 for own in states[-1].islands)


def test_migrants_arrive_where_the_graph_says_and_nowhere_else():
    graph = nx.DiGraph([(0, 1)])
    graph.add_node(2)
    algorithm = Islands(DigitSpace(), 1, 24, topology=graph, every=1, migrants=2)
    state, states, number = algorithm.start(), [], {}
    for _ in range(80):
        state, candidates = algorithm.ask(state, 3)
        number |= dict(state.homes)
        for candidate in candidates:
            state = algorithm.tell(state, [told(candidate)])
            states.append(state)
    crossings = {
        (number[member.candidate.id], at)
        for one in states
        for at, own in enumerate(one.islands)
        for member in own.population
    }
    assert crossings == {(0, 0), (1, 1), (2, 2), (0, 1)}


def test_without_neighbours_an_island_is_alone():
    alone = nx.empty_graph(2, create_using=nx.DiGraph)
    states, outcomes = run(Islands(DigitSpace(), 1, 16, topology=alone, every=1), 160)
    by_id = {one.candidate.id: one.candidate for one in outcomes}
    ancestors = [set(), set()]
    for at, own in enumerate(states[-1].islands):
        line = [one.candidate.id for one in own.population]
        while line:
            index = line.pop()
            if index not in ancestors[at]:
                ancestors[at].add(index)
                line += by_id[index].parents
    assert not ancestors[0] & ancestors[1]


def test_islands_take_any_scheme_by_name_or_as_it_is():
    for scheme in ("regularised", schemes.SPEA2()):
        _, outcomes = run(Islands(DigitSpace(10), 1, 24, islands=3, scheme=scheme), 400)
        assert max(one.scores[0] for one in outcomes[-100:]) > max(one.scores[0] for one in outcomes[:24])
    with pytest.raises(SettingError, match="unknown scheme 'spea'"):
        Islands(DigitSpace(), 1, scheme="spea")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"islands": 10}, "10 islands need a population_size of at least 20, 2 on each, got 8"),
        ({"every": 0}, "every must be a whole number from 1 on, got 0"),
        ({"migrants": 0}, "migrants must be a whole number from 1 on, got 0"),
    ],
)
def test_islands_that_cannot_be_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        Islands(DigitSpace(), 1, 8, **settings)

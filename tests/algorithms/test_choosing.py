"""What ``algorithm=`` may be, and what is said of what it may not be."""

from functools import partial

import networkx as nx
import pytest
from contracts.array_space import DigitRows, measured
from contracts.fake_space import DigitSpace, told
from deap import base

from evoml.algorithms import (
    ALGORITHMS,
    DeapToolbox,
    Evolution,
    Islands,
    RegularisedEvolution,
    SuccessiveHalving,
    array_algorithm,
    candidate_algorithm,
    named,
    schemes,
)
from evoml.algorithms.arrays import ARRAY_ALGORITHMS, ArrayAlgorithm
from evoml.algorithms.choosing import settings_for
from evoml.core import SettingError

OWN = '''
from dataclasses import dataclass
import numpy as np
from evoml.algorithms.schemes import Scheme

@dataclass(frozen=True)
class Truncation(Scheme):
    """The best half survives."""

    def survivors(self, pool, places):
        return np.argsort(pool.objectives[:, 0], kind="stable")[: places // 2]

halved = Truncation(tournament_size=4)
number = 7
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


@pytest.mark.parametrize("name", ["Truncation", "halved"])
def test_an_algorithm_of_ones_own_is_a_few_lines_in_a_file(own, name):
    made = candidate_algorithm(f"{own}:{name}")(DigitSpace(), 1, population_size=8)
    assert isinstance(made, Evolution)
    assert type(made.scheme).__name__ == "Truncation"
    assert made.scheme.tournament_size == (4 if name == "halved" else 2)
    arrays = array_algorithm(f"{own}:{name}")(DigitRows(), 1, 8, 3, 0, None, None)
    assert isinstance(arrays, ArrayAlgorithm)
    assert type(arrays.scheme) is type(made.scheme)


def test_names_schemes_classes_and_callables():
    assert candidate_algorithm("regularised") is RegularisedEvolution
    assert array_algorithm("nsga2") is ARRAY_ALGORITHMS["nsga2"]
    scheme = schemes.SPEA2(tournament_size=3)
    assert candidate_algorithm(scheme)(DigitSpace(), 1, population_size=8).scheme is scheme
    assert array_algorithm(scheme)(DigitRows(), 1, 8).scheme is scheme
    for made in (Islands, partial(Islands, islands=2)):
        assert candidate_algorithm(made) is made


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        ("regularise", "unknown algorithm 'regularise'; did you mean 'regularised'"),
        (7, "must be a name, a scheme or a class, got 7"),
        ("nowhere.py:Mine", "there is no file .*nowhere.py"),
    ],
)
def test_a_mistake_is_named(algorithm, message):
    for choose in (candidate_algorithm, array_algorithm):
        with pytest.raises(SettingError, match=message):
            choose(algorithm)


def test_a_mistake_in_a_file_is_named(own, tmp_path):
    with pytest.raises(SettingError, match="has no 'Truncatoin'; did you mean 'Truncation'"):
        candidate_algorithm(f"{own}:Truncatoin")
    with pytest.raises(SettingError, match="got 7"):
        candidate_algorithm(f"{own}:number")
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(SettingError, match=r"broken.py could not be run: ZeroDivisionError"):
        candidate_algorithm(f"{tmp_path / 'broken.py'}:Mine")


def test_what_is_recorded_is_the_same_in_every_process(own):
    def wide(outcome, space):
        return 1.0

    assert named("nsga2") == "nsga2"
    assert named(schemes.Regularised()) == "Regularised(tournament_size=10, share_of_offspring=0.1)"
    assert named(partial(Islands, islands=2, topology=nx.DiGraph([(0, 1)]))) == "Islands(islands=2, topology=[(0, 1)])"
    text = named(schemes.MapElites(descriptors=("size", wide)))
    assert "wide" in text
    assert "0x" not in text
    assert named(ALGORITHMS["islands"]) == "Islands"


def test_what_drives_candidates_one_by_one_is_refused_for_arrays():
    for algorithm, message in (
        ("islands", "islands are no algorithm of their own here: give islands=4"),
        (Islands, "islands are no algorithm of their own here"),
        (DeapToolbox(base.Toolbox()), r"its selection alone goes, as algorithm=DeapSelection\(select=toolbox.select\)"),
        (ALGORITHMS["spea2"], "SPEA2 drives candidates that come one by one"),
    ):
        with pytest.raises(SettingError, match=message):
            array_algorithm(algorithm)


def test_functions_span_archives_of_candidates_and_are_refused_over_arrays():
    def wide(outcome, space, by):
        return by

    scheme = schemes.MapElites(descriptors=("size", partial(wide, by=2.0)))
    algorithm = candidate_algorithm(scheme)(DigitSpace(), 1, 8)
    state = algorithm.start()
    assert state.descriptors == ("size", "wide")
    state, asked = algorithm.ask(state, 3)
    assert len(algorithm.tell(state, [told(one) for one in asked]).population)
    rows = array_algorithm(scheme)(DigitRows(), 1, 36)
    state = rows.start()
    offspring = rows.ask(state)
    with pytest.raises(
        SettingError, match=r"descriptors of formulas and programs are names, of size, family.* such as wide are"
    ):
        rows.ask(rows.tell(state, offspring, measured(offspring)))


@pytest.mark.parametrize("kind", [SuccessiveHalving, ARRAY_ALGORITHMS["successive_halving"]])
def test_figures_that_make_no_sense_are_refused(kind):
    space = DigitSpace() if kind is SuccessiveHalving else DigitRows()
    for settings, message in (
        ({"rate": 0}, "rate must be a number from 1 on, got 0"),
        ({"generations": 0}, "generations must be a whole number from 1 on, got 0"),
    ):
        with pytest.raises(SettingError, match=message):
            kind(space, 1, 8, **settings)
    with pytest.raises(SettingError, match="tournament_size must be a whole number from 1 on, got 0"):
        schemes.NSGA2(tournament_size=0)


def test_settings_are_offered_to_those_that_have_them():
    assert settings_for(ARRAY_ALGORITHMS["generational"], parsimony=2.0) == {"parsimony": 2.0}
    assert settings_for(ARRAY_ALGORITHMS["nsga2"], parsimony=2.0) == {}
    assert settings_for(partial(ArrayAlgorithm, scheme=schemes.NSGA2()), parsimony=2.0) == {}

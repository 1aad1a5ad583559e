"""How it evolves: pure ask/tell. Nothing here evaluates, or knows which kind of genome it drives.

The papers are in :mod:`evoml.algorithms.schemes`; the classes here run them over candidates that come one by one, those of
:mod:`evoml.algorithms.arrays` over thousands at a time.
"""

from evoml.algorithms import schemes
from evoml.algorithms.base import EvolutionaryAlgorithm, is_improvement, operator_probabilities
from evoml.algorithms.candidates import (
    ALGORITHMS,
    NSGA2,
    NSGA3,
    SPEA2,
    AgeFitness,
    EpsilonLexicase,
    Generational,
    MapElites,
    MuPlusLambda,
    RegularisedEvolution,
)
from evoml.algorithms.choosing import array_algorithm, candidate_algorithm, named
from evoml.algorithms.deap_toolbox import DeapSelection, DeapToolbox
from evoml.algorithms.dominance import pareto_front
from evoml.algorithms.evolution import Evolution
from evoml.algorithms.islands import Islands
from evoml.algorithms.random_search import RandomSearch
from evoml.algorithms.state import Credit, State
from evoml.algorithms.successive_halving import SuccessiveHalving

__all__ = [
    "ALGORITHMS",
    "NSGA2",
    "NSGA3",
    "SPEA2",
    "AgeFitness",
    "Credit",
    "DeapSelection",
    "DeapToolbox",
    "EpsilonLexicase",
    "Evolution",
    "EvolutionaryAlgorithm",
    "Generational",
    "Islands",
    "MapElites",
    "MuPlusLambda",
    "RandomSearch",
    "RegularisedEvolution",
    "State",
    "SuccessiveHalving",
    "array_algorithm",
    "candidate_algorithm",
    "is_improvement",
    "named",
    "operator_probabilities",
    "pareto_front",
    "schemes",
]

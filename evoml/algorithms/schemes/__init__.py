"""The papers: each scheme is one frozen value of settings, with the decisions of one algorithm over arrays."""

from evoml.algorithms.schemes.age_fitness import AgeFitness
from evoml.algorithms.schemes.base import Draws, Pool, Scheme
from evoml.algorithms.schemes.generational import Generational, MuPlusLambda
from evoml.algorithms.schemes.lexicase import EpsilonLexicase
from evoml.algorithms.schemes.map_elites import MapElites
from evoml.algorithms.schemes.nsga2 import NSGA2
from evoml.algorithms.schemes.nsga3 import NSGA3
from evoml.algorithms.schemes.regularised import Random, Regularised
from evoml.algorithms.schemes.spea2 import SPEA2

#: Schemes by name.
SCHEMES: dict[str, type[Scheme]] = {
    "nsga2": NSGA2,
    "regularised": Regularised,
    "random": Random,
    "generational": Generational,
    "mu_plus_lambda": MuPlusLambda,
    "age_fitness": AgeFitness,
    "lexicase": EpsilonLexicase,
    "map_elites": MapElites,
    "spea2": SPEA2,
    "nsga3": NSGA3,
}

__all__ = [
    "NSGA2",
    "NSGA3",
    "SCHEMES",
    "SPEA2",
    "AgeFitness",
    "Draws",
    "EpsilonLexicase",
    "Generational",
    "MapElites",
    "MuPlusLambda",
    "Pool",
    "Random",
    "Regularised",
    "Scheme",
]

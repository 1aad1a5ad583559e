"""The algorithms over candidates that come one by one, by name: schemes under their drivers."""

from __future__ import annotations

from evoml.algorithms import schemes
from evoml.algorithms.evolution import Evolution
from evoml.algorithms.islands import Islands
from evoml.algorithms.random_search import RandomSearch
from evoml.algorithms.successive_halving import SuccessiveHalving


class NSGA2(Evolution):
    """NSGA-II: generations in which parents and offspring compete by front, then crowding."""

    scheme_type, defaults = schemes.NSGA2, {"recrowded": True}


class RegularisedEvolution(Evolution):
    """Regularised (ageing) evolution: no barrier; the oldest individual leaves for each that enters."""

    scheme_type = schemes.Regularised


class Generational(Evolution):
    """Classic genetic programming: offspring replace their parents but for a few elites."""

    scheme_type = schemes.Generational


class MuPlusLambda(Evolution):
    """Classic genetic programming: parents and offspring compete on the first objective."""

    scheme_type = schemes.MuPlusLambda


class AgeFitness(Evolution):
    """Age-fitness Pareto optimisation: age is one more objective, and some of each generation are new."""

    scheme_type = schemes.AgeFitness


class EpsilonLexicase(Evolution):
    """Epsilon-lexicase selection of parents by their errors on cases, and NSGA-II's survival."""

    scheme_type = schemes.EpsilonLexicase


class MapElites(Evolution):
    """MAP-Elites: an archive of the best of each size and family; no barrier."""

    scheme_type = schemes.MapElites


class SPEA2(Evolution):
    """SPEA2: strength Pareto with density."""

    scheme_type = schemes.SPEA2


class NSGA3(Evolution):
    """NSGA-III: the last front survives by evenly spread directions."""

    scheme_type = schemes.NSGA3


#: What ``algorithm="name"`` means.
ALGORITHMS: dict[str, type] = {
    "nsga2": NSGA2,
    "regularised": RegularisedEvolution,
    "random": RandomSearch,
    "generational": Generational,
    "mu_plus_lambda": MuPlusLambda,
    "age_fitness": AgeFitness,
    "lexicase": EpsilonLexicase,
    "map_elites": MapElites,
    "spea2": SPEA2,
    "nsga3": NSGA3,
    "islands": Islands,
    "successive_halving": SuccessiveHalving,
}

"""How populations evolve that are held as arrays, by the thousand: pure ask/tell, a generation at a time.

Nothing here evaluates, or knows which kind of genome it drives; see :mod:`evoml.core.batches` for what both sides offer.
"""

from evoml.algorithms import schemes
from evoml.algorithms.arrays.base import ArrayAlgorithm
from evoml.algorithms.arrays.islands import Islands, IslandsState
from evoml.algorithms.arrays.state import ArrayState
from evoml.algorithms.arrays.successive_halving import ArraySuccessiveHalving

RESOLUTION = 1e-3  # share of itself by which errors must differ to count as different, where fronts decide


class ArrayNSGA2(ArrayAlgorithm):
    """NSGA-II."""

    scheme_type, defaults = schemes.NSGA2, {"resolution": RESOLUTION}


class AgeFitness(ArrayAlgorithm):
    """Age-fitness Pareto optimisation."""

    scheme_type, defaults = schemes.AgeFitness, {"resolution": RESOLUTION}


class EpsilonLexicase(ArrayAlgorithm):
    """Epsilon-lexicase selection of parents, and NSGA-II's survival."""

    scheme_type, defaults = schemes.EpsilonLexicase, {"resolution": RESOLUTION}


class ArraySPEA2(ArrayAlgorithm):
    """SPEA2."""

    scheme_type, defaults = schemes.SPEA2, {"resolution": RESOLUTION}


class ArrayNSGA3(ArrayAlgorithm):
    """NSGA-III."""

    scheme_type, defaults = schemes.NSGA3, {"resolution": RESOLUTION}


class Generational(ArrayAlgorithm):
    """Classic genetic programming: offspring replace their parents but for a few elites."""

    scheme_type = schemes.Generational


class MuPlusLambda(ArrayAlgorithm):
    """Classic genetic programming: parents and offspring compete."""

    scheme_type = schemes.MuPlusLambda


class Regularised(ArrayAlgorithm):
    """Regularised (ageing) evolution, a tenth of the population at a time."""

    scheme_type = schemes.Regularised


class Random(ArrayAlgorithm):
    """Random search."""

    scheme_type = schemes.Random


class ArrayMapElites(ArrayAlgorithm):
    """MAP-Elites."""

    scheme_type = schemes.MapElites


#: What ``algorithm="name"`` means.
ARRAY_ALGORITHMS: dict[str, type[ArrayAlgorithm]] = {
    "nsga2": ArrayNSGA2,
    "age_fitness": AgeFitness,
    "lexicase": EpsilonLexicase,
    "generational": Generational,
    "mu_plus_lambda": MuPlusLambda,
    "regularised": Regularised,
    "random": Random,
    "map_elites": ArrayMapElites,
    "spea2": ArraySPEA2,
    "nsga3": ArrayNSGA3,
    "successive_halving": ArraySuccessiveHalving,
}

__all__ = [
    "ARRAY_ALGORITHMS",
    "AgeFitness",
    "ArrayAlgorithm",
    "ArrayMapElites",
    "ArrayNSGA2",
    "ArrayNSGA3",
    "ArraySPEA2",
    "ArrayState",
    "ArraySuccessiveHalving",
    "EpsilonLexicase",
    "Generational",
    "Islands",
    "IslandsState",
    "MuPlusLambda",
    "Random",
    "Regularised",
]

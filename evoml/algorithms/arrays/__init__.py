"""How populations evolve that are held as arrays, by the thousand: pure ask/tell, a generation at a time.

Nothing here evaluates, or knows which kind of genome it drives; see :mod:`evoml.core.batches` for what both sides offer.
"""

from evoml.algorithms.arrays.age_fitness import AgeFitness
from evoml.algorithms.arrays.base import ArrayAlgorithm
from evoml.algorithms.arrays.generational import Generational, MuPlusLambda
from evoml.algorithms.arrays.islands import Islands, IslandsState
from evoml.algorithms.arrays.lexicase import EpsilonLexicase
from evoml.algorithms.arrays.nsga2 import ArrayNSGA2
from evoml.algorithms.arrays.state import ArrayState

#: What ``algorithm="name"`` means.
ARRAY_ALGORITHMS: dict[str, type[ArrayAlgorithm]] = {
    "nsga2": ArrayNSGA2,
    "age_fitness": AgeFitness,
    "lexicase": EpsilonLexicase,
    "generational": Generational,
    "mu_plus_lambda": MuPlusLambda,
}

__all__ = [
    "ARRAY_ALGORITHMS",
    "AgeFitness",
    "ArrayAlgorithm",
    "ArrayNSGA2",
    "ArrayState",
    "EpsilonLexicase",
    "Generational",
    "Islands",
    "IslandsState",
    "MuPlusLambda",
]

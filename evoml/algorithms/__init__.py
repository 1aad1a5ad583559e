"""How it evolves: pure ask/tell. Nothing here evaluates, or knows which kind of genome it drives."""

from evoml.algorithms.base import EvolutionaryAlgorithm, is_improvement, operator_probabilities
from evoml.algorithms.dominance import pareto_front
from evoml.algorithms.nsga2 import NSGA2
from evoml.algorithms.random_search import RandomSearch
from evoml.algorithms.regularised import RegularisedEvolution
from evoml.algorithms.state import Credit, State

#: What ``algorithm="name"`` means.
ALGORITHMS: dict[str, type[EvolutionaryAlgorithm]] = {
    "nsga2": NSGA2,
    "random": RandomSearch,
    "regularised": RegularisedEvolution,
}

__all__ = [
    "ALGORITHMS",
    "NSGA2",
    "Credit",
    "EvolutionaryAlgorithm",
    "RandomSearch",
    "RegularisedEvolution",
    "State",
    "is_improvement",
    "operator_probabilities",
    "pareto_front",
]

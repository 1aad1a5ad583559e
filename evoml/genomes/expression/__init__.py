"""Formulas: trees of operations on columns and constants, held as arrays by the thousand and as values one by one.

Nothing here imports Numba before formulas are sampled, varied or checked.
"""

from evoml.genomes.expression.population import Formula, Population
from evoml.genomes.expression.space import ExpressionSpace

__all__ = ["ExpressionSpace", "Formula", "Population"]

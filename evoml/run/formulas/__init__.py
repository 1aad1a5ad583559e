"""The search for formulas: populations by the thousand as arrays, a hall of fame, and a front to choose from."""

from evoml.run.formulas.finishing import Front, Shown
from evoml.run.formulas.loop import Sight
from evoml.run.formulas.search import FormulaResult, search_formulas
from evoml.run.formulas.settings import FormulaSearch

__all__ = ["FormulaResult", "FormulaSearch", "Front", "Shown", "Sight", "search_formulas"]

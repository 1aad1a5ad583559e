"""Formulas in pipeline trees: varied by the same operators as other values, exported, and run."""

import numpy as np
import pytest

from evoml.components import load_catalogue
from evoml.core.errors import SearchSpaceError
from evoml.genomes.pipeline_tree.grammar import DataFacts, Grammar
from evoml.genomes.pipeline_tree.term import read_term
from evoml.genomes.pipeline_tree.tuning import tune
from evoml.genomes.pipeline_tree.variation import perturb

GRAMMAR = Grammar(
    load_catalogue({"only": ["FormulaColumn", "StandardScaler", "GaussianNB"]}),
    DataFacts("classification", "dense", 100, 3, n_classes=2, class_rows=50),
)
TEXT = "GaussianNB(FormulaColumn(features, formula='x0 / (x2 + 1.5)'))"


def formula_of(tree):
    return tree.term().inputs[0].values["formula"]


def parent():
    return GRAMMAR.tree(read_term(TEXT))


def test_a_formula_is_read_and_written():
    assert formula_of(parent()) == "x0 / (x2 + 1.5)"
    assert formula_of(GRAMMAR.tree(parent().term())) == "x0 / (x2 + 1.5)"
    with pytest.raises(SearchSpaceError, match=r"a formula of x0 \.\.\. x2 such as 'x0"):
        GRAMMAR.tree(read_term(TEXT.replace("x2", "x3")))
    assert formula_of(GRAMMAR.tree(read_term(TEXT.replace("x2", "x4")), adapt=True)) == "x0 / (x1 + 1.5)"


def test_perturbation_and_tuning_change_formulas():
    rng = np.random.default_rng(0)
    changed = [perturb(GRAMMAR, [parent()], rng) for _ in range(40)]
    changed += [tune(GRAMMAR, parent(), rng, [], lambda tree: True) for _ in range(10)]
    formulas = {formula_of(tree) for tree in changed if tree.term().values == parent().term().values}
    assert len(formulas) > 10
    assert all(GRAMMAR.catalogue["FormulaColumn"].hyperparameter("formula").contains(one) for one in formulas)

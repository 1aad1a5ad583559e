"""Pipelines as strongly typed trees: the genotype is a DEAP tree, the plan a NetworkX graph, the result scikit-learn."""

from evoml.genomes.pipeline_tree.grammar import DataFacts, Grammar
from evoml.genomes.pipeline_tree.plan import Plan
from evoml.genomes.pipeline_tree.space import PipelineSpace
from evoml.genomes.pipeline_tree.term import Term
from evoml.genomes.pipeline_tree.tree import PipelineTree

__all__ = ["DataFacts", "Grammar", "PipelineSpace", "PipelineTree", "Plan", "Term"]

"""How fit a candidate is: folds, metrics, objectives, and the processes that find out."""

from evoml.evaluation.evaluator import Evaluator
from evoml.evaluation.executors import cache_limit, executor, executor_name, memory_bytes, on_cluster, workers
from evoml.evaluation.objectives import objectives
from evoml.evaluation.problem import Problem, evaluate, fit_whole
from evoml.evaluation.scoring import scorers
from evoml.evaluation.splitting import repeated, splits
from evoml.evaluation.surroundings import quiet

__all__ = [
    "Evaluator", "Problem", "cache_limit", "evaluate", "executor", "executor_name", "fit_whole", "memory_bytes", "objectives",
    "on_cluster", "quiet", "repeated", "scorers", "splits", "workers",
]  # fmt: skip

"""The catalogue of parts a pipeline may use: library parts and ours, with typed hyperparameter ranges, as data."""

from evoml.components.calls import Call, Imported
from evoml.components.catalogue import Catalogue, known_pipelines, load_catalogue
from evoml.components.checking import check_part
from evoml.components.expressions import evaluate
from evoml.components.hyperparameters import Choice, Float, Formula, Hyperparameter, Integer, Value
from evoml.components.part import Part

__all__ = [
    "Call",
    "Catalogue",
    "Choice",
    "Float",
    "Formula",
    "Hyperparameter",
    "Imported",
    "Integer",
    "Part",
    "Value",
    "check_part",
    "evaluate",
    "known_pipelines",
    "load_catalogue",
]

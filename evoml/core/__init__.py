"""The ground floor: what every other floor speaks in. Imports nothing else of evoml."""

from evoml.core.budget import Budget, Moment, Progress, StopRule, any_of, early_stopping, spent, stalled_for
from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status, StepTime, Trial
from evoml.core.errors import (
    BudgetError,
    DataError,
    EvomlError,
    FitError,
    JournalError,
    ModelFileError,
    SearchSpaceError,
    SettingError,
)
from evoml.core.random import fresh_seed, stream

__all__ = [
    "Budget",
    "BudgetError",
    "Candidate",
    "Cost",
    "DataError",
    "Evaluation",
    "EvomlError",
    "FitError",
    "JournalError",
    "ModelFileError",
    "Moment",
    "Outcome",
    "Progress",
    "SearchSpaceError",
    "SettingError",
    "Status",
    "StepTime",
    "StopRule",
    "Trial",
    "any_of",
    "early_stopping",
    "fresh_seed",
    "spent",
    "stalled_for",
    "stream",
]

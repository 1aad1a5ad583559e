"""What a finished run's model does with the table: computed once after the search, kept in the journal for its report."""

from evoml.run.explanation.explaining import default_seconds, explain

__all__ = ["default_seconds", "explain"]

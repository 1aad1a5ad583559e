"""The record of a run: append-only, written before acting, and all that reports ever read."""

from evoml.journal.journal import Journal
from evoml.journal.tables import SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION", "Journal"]

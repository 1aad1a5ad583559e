"""The record of a run: append-only, written before acting, and all that reports ever read."""

from evoml.journal.journal import SCHEMA_VERSION, Journal

__all__ = ["SCHEMA_VERSION", "Journal"]

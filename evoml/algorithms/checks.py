"""Figures of algorithms, checked where they are given."""

from __future__ import annotations

from typing import Any

from evoml.core.errors import SettingError


def check_at_least(least: int, *, whole: bool = True, **figures: Any) -> None:
    """Raise SettingError for a figure, given by its name, that is less than ``least`` or no number of its kind."""
    for name, value in figures.items():
        number = hasattr(value, "__index__") or (not whole and hasattr(value, "__float__"))
        if isinstance(value, bool) or not number or not value >= least:
            raise SettingError(f"{name} must be a {'whole ' * whole}number from {least} on, got {value!r}")

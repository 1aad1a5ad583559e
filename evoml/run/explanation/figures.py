"""Numbers on their way into the journal: short, and none that JSON lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

DIGITS = 5


def rounded(values: Any, digits: int = DIGITS) -> Any:
    """Return numbers as (nested lists of) floats of so many significant digits, None where they are not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim:
        return [rounded(value, digits) for value in array]
    return float(f"{array:.{digits}g}") if np.isfinite(array) else None

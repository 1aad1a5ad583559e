"""The table as the Penn Machine Learning Benchmarks have it: tab-separated, the class in ``target``."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pandas as pd

NAME = "Hill_Valley_without_noise.tsv.gz"
SHA256 = "c3fd942d6e092d477236c2fd28f5277030a248ded8b1be1b42f999305dd48be7"


def table(seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return the table in the folder that EVOML_DATA names. Raises ValueError if it is not there, or is another one."""
    path = Path(os.environ.get("EVOML_DATA", ".")) / NAME
    if not path.is_file():
        raise ValueError(f"there is no {path}: set EVOML_DATA to the folder of {NAME}, see README.md")
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{path} is not the file that this study is about: its SHA-256 should be {SHA256}")
    content = pd.read_csv(path, sep="\t")
    return content.drop(columns="target"), content["target"]

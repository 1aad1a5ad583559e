"""Kernels in a folder of their own, small enough to be compiled in every test, and processes that use them."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import evoml

TEXT = """
import json
import os
import time

import numpy as np

from evoml.kernels.compiling import kernel


@kernel
def doubled(value):
    return FACTOR * value


@kernel
def total(values):
    found = 0.0
    for i in range(values.shape[0]):
        found += doubled(values[i])
    return found


def warm_up():
    found = total(np.arange(4.0))
    record = {"pid": os.getpid(), "compiled": sum(total.stats.cache_misses.values()), "found": found}
    with open(os.environ["TINY_LOG"], "a") as log:
        log.write(json.dumps(record) + "\\n")


def fail():
    raise RuntimeError("no compiler today")


def hang():
    time.sleep(600)
"""
GROUP, FAILING, HANGING = "tiny_kernels_there:warm_up", "tiny_kernels_there:fail", "tiny_kernels_there:hang"


class TinyKernels:
    """A folder with a module of kernels, an empty cache, and a log of what was compiled."""

    def __init__(self, folder):
        self.source, self.cache, self.log = folder / "source", folder / "cache", folder / "log"
        self.source.mkdir(parents=True)
        self.write()

    def write(self, factor=2.0):
        (self.source / "tiny_kernels_there.py").write_text(TEXT.replace("FACTOR", str(factor)))

    def environment(self, **changes):
        return {
            **os.environ,
            "EVOML_CACHE_DIR": str(self.cache),
            "TINY_LOG": str(self.log),
            "PYTHONPATH": os.pathsep.join([str(self.source), str(Path(evoml.__file__).parents[1])]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **changes,
        }

    def start(self, code, **environment):
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**environment),
        )

    def run(self, code, **environment):
        """Return what a process that runs ``code`` prints; it must say nothing on stderr."""
        process = self.start(code, **environment)
        out, error = process.communicate(timeout=120)
        assert (process.returncode, error) == (0, "")
        return out.strip()

    def compile(self, group=GROUP, **environment):
        return self.run(f"from evoml.kernels.warmup import compile_group; compile_group({group!r})", **environment)

    def is_ready(self, group=GROUP, **environment):
        return (
            self.run(f"from evoml.kernels.warmup import is_ready; print(is_ready({group!r}))", **environment) == "True"
        )

    def warm_ups(self):
        """Return the record of each time the group was warmed up."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def compiled(self):
        """Return how often the kernel was compiled, rather than loaded."""
        return sum(record["compiled"] for record in self.warm_ups())

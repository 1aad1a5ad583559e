"""What runs on this machine, read from /proc: tests of killing must look at the processes themselves."""

import os
import time
from pathlib import Path


def parents():
    """Return the parent of each living process (zombies are not living)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX":
                found[int(entry.name)] = int(fields[1])
    return found


def descendants(root=None):
    """Return the living processes that descend from ``root`` (this process)."""
    tree, found = parents(), {root or os.getpid()}
    while True:
        more = {pid for pid, parent in tree.items() if parent in found} - found
        if not more:
            return found - {root or os.getpid()}
        found |= more


def alive(pids):
    return set(pids) & set(parents())


def wait_until(condition, seconds=5.0):
    """Return whether ``condition()`` came true within ``seconds``."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True

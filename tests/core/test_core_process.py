"""What a process asks of Linux about itself: memory, and to end with its parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from evoml.core.process import status_bytes, versions

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", '''
import os, sys, time
from evoml.core.process import die_with_parent
die_with_parent(int(sys.argv[1]))
print("ready", os.getpid(), flush=True)
time.sleep(60)
''', str(os.getpid())])
time.sleep(60)
"""


def python(code: str) -> subprocess.Popen:
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )


@linux
def test_a_process_ends_with_its_parent():
    parent = python(PARENT)
    child = int(parent.stdout.readline().split()[1])
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 10
    while status_bytes("VmRSS", child) and time.monotonic() < until:
        time.sleep(0.01)
    assert status_bytes("VmRSS", child) == 0
    parent.stdout.close()


@linux
def test_memory_beyond_the_limit_is_refused_and_the_limit_can_be_lifted():
    code = """
from evoml.core.process import limit_memory
limit_memory(100 * 2**20)
try:
    bytearray(200 * 2**20)
except MemoryError:
    limit_memory(None)
    print(len(bytearray(200 * 2**20)))
"""
    process = python(code)
    assert int(process.communicate()[0]) == 200 * 2**20


def test_versions_are_those_of_what_is_installed():
    import numpy

    found = versions(["numpy", "no-such-library"])
    assert list(found) == ["evoml", "python", "numpy"]
    assert found["numpy"] == numpy.__version__

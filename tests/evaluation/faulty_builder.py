"""A builder whose text chooses how the estimator behaves when it is fitted: well, or as badly as any library can."""

import contextlib
import ctypes
import os
import re
import signal
import sys
import time

import numpy as np

from evoml.core.dataset import read_dataset
from evoml.evaluation import Problem
from evoml.genomes.pipeline_tree.term import FEATURES


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Unpicklable(Exception):
    def __init__(self):
        super().__init__("holds a lambda")
        self.secret = lambda: None

    def __reduce__(self):
        raise TypeError("cannot be pickled")


class Uncaught(BaseException):
    pass


def well():
    pass


def sleep_for_ever():
    time.sleep(1e6)


def sum_in_c():
    sum(range(10**12))


def match_for_ever():
    re.match(r"(a+)+$", "a" * 60 + "b")


def segfault():
    ctypes.string_at(0)


def leave():
    os._exit(3)


def eat_memory():
    np.ones(2**31)  # 16 GiB


def hoard_memory():
    hoard = []
    while True:
        hoard.append(bytearray(2**24))


def print_megabytes():
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.write("x" * 2**22)
        stream.flush()
        os.write(descriptor, b"y" * 2**22)


def raise_(error):
    def behaviour():
        raise error

    return behaviour


def fork(then):
    def behaviour():
        if os.fork() == 0:
            sys.argv[0] = "sleeping child"
            time.sleep(1e6)
            os._exit(0)
        then()

    return behaviour


def kill_own_worker():
    os.kill(os.getpid(), signal.SIGKILL)


def write_everywhere(junk):
    """Write into every open pipe and socket."""
    for descriptor in range(3, 30):
        with contextlib.suppress(OSError):
            os.write(descriptor, junk)


def garble_pipe():
    """Write into every open pipe and socket, as a library that confuses its file descriptors does."""
    write_everywhere(b"\0\0\0\4junk")


def write_text_everywhere():
    """Write plain text into every open pipe and socket, as a library does that was told a wrong descriptor."""
    write_everywhere(b"hello world\n")


def half_an_answer():
    """Write the beginning of an answer into every socket, fork a child that holds them open, and die."""
    write_everywhere(b"evoml\x00\x17\xfe" + (1000).to_bytes(8, "little") + b"half")
    if os.fork() == 0:
        time.sleep(1e6)
    os._exit(0)


def hang_up():
    """Close all descriptors, as what makes a daemon of itself does, and go on for ever."""
    os.closerange(3, 64)
    time.sleep(1e6)


def leave_quietly():
    os._exit(0)


BEHAVIOURS = {
    "well": well,
    "sleep": sleep_for_ever,
    "sum in C": sum_in_c,
    "regex": match_for_ever,
    "segfault": segfault,
    "leave": leave,
    "eat memory": eat_memory,
    "hoard memory": hoard_memory,
    "print": print_megabytes,
    "ValueError": raise_(ValueError("not today")),
    "SystemExit": raise_(SystemExit(7)),
    "KeyboardInterrupt": raise_(KeyboardInterrupt()),
    "Uncaught": raise_(Uncaught("odd")),
    "Unspeakable": raise_(Unspeakable()),
    "Unpicklable": raise_(Unpicklable()),
    "surrogate": raise_(ValueError("half a character: \ud800")),
    "long": raise_(ValueError("x" * 10**6)),
    "recursion": raise_(RecursionError("too deep")),
    "fork and sleep": fork(sleep_for_ever),
    "fork and leave": fork(leave),
    "fork and go on": fork(well),
    "SIGKILL": kill_own_worker,
    "garble": garble_pipe,
    "plain text": write_text_everywhere,
    "half an answer": half_an_answer,
    "leave quietly": leave_quietly,
    "hang up": hang_up,
}


class Behaving:
    """An estimator that behaves as told in ``fit``; the part of a text before ``#`` is the behaviour."""

    def __init__(self, text):
        self.text = text

    def fit(self, X, y):
        BEHAVIOURS[self.text.split("#")[0].strip()]()
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


class OneStep:
    """A plan of a single step."""

    root = "model"

    def __init__(self, text):
        self.text = text

    def part(self, node):
        return FEATURES if node == FEATURES else "Behaving"

    def inputs(self, node):
        return [FEATURES] if node == "model" else []

    def columns_of(self, node):
        return FEATURES

    def make(self, node, random_state, effort=1.0):
        return Behaving(self.text)

    def predicts_most_probable(self, node):
        return False


class FaultyBuilder:
    identity = "faulty"

    def read(self, text):
        return OneStep(text)

    def build(self, text, random_state, **_):
        return Behaving(text)

    def preload(self):
        pass


class BrokenBuilder(FaultyBuilder):
    def preload(self):
        raise ImportError("no such library")


def rows_scored(estimator, X, y):
    """A metric without meaning: half of the number of test rows."""
    return len(y) / 2


def faulty_problem(time_limit=1.0, builder=None):
    dataset = read_dataset(np.arange(12.0).reshape(6, 2), [0, 1] * 3, "classification")
    folds = [(np.arange(3), np.arange(3, 6)), (np.arange(3, 6), np.arange(3))]
    return Problem(dataset, builder or FaultyBuilder(), folds, {"rows": rows_scored}, seed=0, time_limit=time_limit)

"""A search in which some candidates go wrong in every way a library can: chosen by their meaning, in the fit of their model."""

import ctypes
import os
import time
from hashlib import blake2b

import numpy as np

LEAK = []


class Odd(BaseException):
    def __str__(self):
        raise RuntimeError("no text")


def sleep_for_ever():
    time.sleep(1e6)


def spin_in_c():
    sum(range(10**13))


def segfault():
    ctypes.string_at(0)


def leave():
    os._exit(7)


def allocate_too_much():
    np.ones(10**11 // 8)


def hoard():
    hoarded = []
    while True:
        hoarded.append(bytearray(2**24))


def leak():
    LEAK.append(np.ones(50 * 2**17))  # 50 MiB


def print_megabytes():
    for descriptor in (1, 2):
        os.write(descriptor, b"x" * 2**22)


def raise_odd():
    raise Odd


def raise_exit():
    raise SystemExit(0)


def fork_a_child():
    if os.fork() == 0:
        time.sleep(1e6)


def fork_and_leave():
    fork_a_child()
    os._exit(0)


def write_junk():
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, b"junk for all\n")
        except OSError:
            continue


def hang_up_and_sleep():
    os.closerange(3, 64)
    time.sleep(1e6)


def nothing():
    pass


HARMLESS = (leak, print_megabytes, fork_a_child)
FAULTS = (
    *(sleep_for_ever, spin_in_c, segfault, leave, allocate_too_much, hoard, raise_odd, raise_exit, fork_and_leave),
    *(write_junk, hang_up_and_sleep, *HARMLESS),
)
ANSWERS = {"nothing a number": lambda found: np.full(np.shape(found), np.nan), "wrong shape": lambda found: found[:-1]}


def fault_of(key, share=0.2):
    """Return what goes wrong with the candidate of a key: a function, the name of a wrong answer, or None."""
    draw = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
    if draw % 1000 >= 1000 * share:
        return None
    return [*FAULTS, *ANSWERS][draw // 1000 % (len(FAULTS) + len(ANSWERS))]


class OddModel:
    """A model that does what another one does, after what goes wrong."""

    def __init__(self, model, fault):
        self.model, self.fault = model, fault

    def fit(self, X, y):
        if callable(self.fault):
            self.fault()
        self.model.fit(X, y)
        self.classes_ = self.model.classes_
        return self

    def predict(self, X):
        return self._answer(self.model.predict(X))

    def predict_proba(self, X):
        return self._answer(self.model.predict_proba(X))

    def _answer(self, found):
        return found if callable(self.fault) else ANSWERS[self.fault](np.asarray(found, dtype=float))


class OddPlan:
    def __init__(self, plan, spared):
        self.plan, self.spared = plan, spared

    def __getattr__(self, name):
        return getattr(self.plan, name)

    def predicts_most_probable(self, node):
        return fault_of(self.plan.root) is None and self.plan.predicts_most_probable(node)

    def make(self, node, *arguments):
        made, fault = self.plan.make(node, *arguments), fault_of(self.plan.root)
        return made if node != self.root or fault is None or node in self.spared else OddModel(made, fault)


class OddBuilder:
    """A space of pipelines in which a fifth of them go wrong, but for those whose keys are spared."""

    def __init__(self, space, spared=()):
        self.space, self.spared = space, spared

    @property
    def identity(self):
        return self.space.identity

    def read(self, text):
        return OddPlan(self.space.read(text), self.spared)

    def build(self, *arguments, **options):
        return self.space.build(*arguments, **options)

    def preload(self):
        self.space.preload()

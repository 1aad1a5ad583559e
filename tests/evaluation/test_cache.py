"""What is kept between evaluations is worth its place, is never more than it may be, and is what was kept."""

import mmap
import multiprocessing
import os
import sys

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from scipy import sparse

from evoml.evaluation.cache import (
    BYTES_A_SECOND,
    LEAST_SECONDS,
    Keeper,
    Ledger,
    MemoryCache,
    NoCache,
    SharedCache,
    pages,
    pays,
    size,
)

MOST = 100


class LedgerMachine(RuleBasedStateMachine):
    """A ledger and its twin are told the same."""

    names = Bundle("names")

    def __init__(self):
        super().__init__()
        self.ledger, self.twin = Ledger(MOST), naive.GreedyDual(MOST)

    @rule(target=names, name=st.sampled_from("abcdefghij"))
    def name(self, name):
        return name

    @rule(name=names, n_bytes=st.integers(0, 120), seconds=st.sampled_from([0.0, 0.5, 1.0, 7.0]))
    def add(self, name, n_bytes, seconds):
        assert self.ledger.add(name, n_bytes, seconds) == self.twin.add(name, n_bytes, seconds)

    @rule(name=names, times=st.integers(1, 30))
    def used(self, name, times):
        for _ in range(times):
            self.ledger.used(name)
            self.twin.used(name)

    @invariant()
    def holds_the_same(self):
        assert [name for name in "abcdefghij" if name in self.ledger] == sorted(self.twin.entries)
        assert self.ledger.n_bytes == sum(entry["bytes"] for entry in self.twin.entries.values()) <= MOST

    @invariant()
    def heap_is_bounded(self):
        assert len(self.ledger._heap) <= 64 + 4 * len(self.twin.entries)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)


def test_what_saves_more_seconds_a_byte_stays():
    ledger = Ledger(100)
    assert [ledger.add("large", 60, 6.0), ledger.add("small", 30, 6.0)] == [[], []]
    assert ledger.add("new", 50, 20.0) == ["large"]


def test_what_was_often_used_stays():
    ledger = Ledger(100)
    ledger.add("used", 50, 1.0)
    ledger.add("unused", 50, 2.0)
    for _ in range(3):
        ledger.used("used")
    assert ledger.add("new", 50, 3.0) == ["unused"]


def test_old_fame_fades():
    ledger = Ledger(100)
    ledger.add("old", 50, 10.0)
    for number in range(50):
        ledger.add(f"new {number}", 50, 1.0)
    assert "old" not in ledger


def test_what_is_too_large_is_not_kept():
    ledger = Ledger(100)
    ledger.add("good", 40, 1.0)
    assert "large" in ledger.add("large", 101, 1.0)


def test_it_pays_to_keep_what_takes_longer_than_a_copy():
    assert not pays(LEAST_SECONDS, 0)
    assert pays(2 * LEAST_SECONDS, 0)
    assert not pays(1.0, int(2 * BYTES_A_SECOND))
    assert pays(3.0, int(2 * BYTES_A_SECOND))


def test_a_file_takes_whole_pages():
    assert [pages(n_bytes) // mmap.PAGESIZE for n_bytes in (0, 1, mmap.PAGESIZE, mmap.PAGESIZE + 1)] == [0, 1, 1, 2]


def test_sizes():
    matrix = sparse.eye(10, format="csr")
    assert size(np.ones(10)) == 80
    assert size((np.ones(10), {"a": np.ones(5), "b": [np.ones(1)]})) == 80 + 40 + 8
    assert size(matrix) == matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    assert size(pd.DataFrame({"a": ["x" * 1000] * 10})) > 10_000
    assert size(None) > 0


# -- in this process -----------------------------------------------------------------------------------------------------


def test_nothing_is_kept_without_a_cache():
    cache = NoCache()
    cache.keep("a", 1, 9.0)
    assert cache.recall("a") is None


def test_memory_keeps_what_pays_within_its_bounds():
    cache = MemoryCache(1000)
    cache.keep("fast", np.ones(10), 1e-4)
    cache.keep("a", np.ones(60), 1.0)
    cache.keep("b", np.ones(60), 2.0)
    cache.keep("c", np.ones(60), 3.0)
    assert [cache.recall(name) is None for name in ("fast", "a", "b", "c")] == [True, True, False, False]
    assert sum(value.nbytes for value in cache._values.values()) <= 1000


def test_a_value_that_grew_counts_as_large_as_it_is():
    cache = MemoryCache(1000)
    cache.keep("a", np.ones(10), 1.0)
    cache.keep("b", np.ones(10), 1.0)
    cache.keep("a", np.ones(120), 1.0)
    assert sum(value.nbytes for value in cache._values.values()) <= 1000
    assert cache.recall("a") is None or cache.recall("b") is None


# -- shared by processes -------------------------------------------------------------------------------------------------


@pytest.fixture
def keeper(tmp_path):
    return Keeper(tmp_path, 2 * pages(1))


def put(cache, keeper, name, value, seconds=1.0):
    cache.keep(name, {"x": value}, seconds)
    keeper.told(cache.taken())


def test_news_are_what_was_kept_and_recalled_and_are_taken_once(tmp_path):
    cache = SharedCache(tmp_path)
    cache.keep("a", np.ones(10), 2.0)
    cache.keep("fast", np.ones(10), 0.0)
    cache.recall("a")
    cache.recall("missing")
    assert cache.taken() == [("a", pages(1), 2.0), ("a", 0, 0.0)]
    assert cache.taken() == []


def test_evicted_files_vanish_and_those_mapped_stay_valid(tmp_path, keeper):
    cache = SharedCache(tmp_path)
    put(cache, keeper, "old", np.arange(200.0))
    put(cache, keeper, "good", np.ones(20), seconds=9.0)
    held = cache.recall("old")["x"]
    put(cache, keeper, "new", np.ones(200), seconds=9.0)
    assert sorted(os.listdir(tmp_path)) == ["good", "new"]
    assert cache.recall("old") is None
    np.testing.assert_array_equal(held, np.arange(200.0))


def test_use_by_any_worker_counts(tmp_path, keeper):
    first, second = SharedCache(tmp_path), SharedCache(tmp_path)
    put(first, keeper, "a", np.ones(120), 1.0)
    put(first, keeper, "b", np.ones(120), 2.0)
    for _ in range(5):
        second.recall("a")
    keeper.told(second.taken())
    put(first, keeper, "c", np.ones(120), 3.0)
    assert sorted(os.listdir(tmp_path)) == ["a", "c"]


def test_files_that_nobody_told_of_are_removed(tmp_path, keeper):
    put(SharedCache(tmp_path), keeper, "told", np.ones(5))
    SharedCache(tmp_path).keep("untold", np.ones(5), 1.0)
    (tmp_path / "half.1234").write_text("begun")
    keeper.adopt()
    assert os.listdir(tmp_path) == ["told"]


def test_what_was_told_of_but_removed_is_kept_again(tmp_path, keeper):
    first, second = SharedCache(tmp_path), SharedCache(tmp_path)
    first.keep("a", np.ones(5), 1.0)
    keeper.adopt()  # another worker died meanwhile
    keeper.told(first.taken())
    assert second.recall("a") is None
    put(second, keeper, "a", np.ones(5))
    keeper.adopt()
    assert os.listdir(tmp_path) == ["a"]


class Odd:
    """Cannot be pickled, in one way or another."""

    nbytes = 0

    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error


@pytest.mark.parametrize("error", [TypeError("no"), ValueError("no"), RuntimeError("no"), NotImplementedError("no")])
def test_what_cannot_be_pickled_is_not_kept(tmp_path, error):
    cache = SharedCache(tmp_path)
    cache.keep("odd", Odd(error), 1.0)
    assert (cache.taken(), os.listdir(tmp_path)) == ([], [])


def never_read():
    raise RuntimeError("cannot be read again")


class Unreadable:
    nbytes = 0

    def __reduce__(self):
        return never_read, ()


def test_what_cannot_be_read_again_is_not_recalled(tmp_path):
    cache = SharedCache(tmp_path)
    cache.keep("odd", Unreadable(), 1.0)
    assert cache.recall("odd") is None


def test_without_a_folder_nothing_is_kept(tmp_path):
    cache = SharedCache(tmp_path / "gone")
    cache.keep("a", np.ones(3), 1.0)
    assert cache.recall("a") is None
    assert cache.taken() == []


def worker(folder, names, answers):
    """Keep an array under each name that comes; recall it where it begins with a question mark."""
    cache = SharedCache(folder)
    while name := names.get():
        if name.startswith("?"):
            value = cache.recall(name[1:])
            found = None if value is None else (value.tolist(), value.flags.writeable)
        else:
            cache.keep(name, np.arange(4.0) + len(name), 1.0)
            found = None
        answers.put((found, cache.taken()))


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_what_one_process_keeps_the_other_recalls(tmp_path):
    fork, keeper = multiprocessing.get_context("fork"), Keeper(tmp_path, 10**6)
    pipes = [(fork.Queue(), fork.Queue()) for _ in range(2)]
    processes = [fork.Process(target=worker, args=(tmp_path, *pipe)) for pipe in pipes]
    for process in processes:
        process.start()

    def ask(number, name):
        pipes[number][0].put(name)
        found, news = pipes[number][1].get(timeout=20)
        keeper.told(news)
        return found

    try:
        ask(0, "abc")
        assert ask(1, "?abc") == ([3.0, 4.0, 5.0, 6.0], False)
        assert ask(1, "?none") is None
        ask(1, "abc")  # both computed it
        assert ask(0, "?abc") == ([3.0, 4.0, 5.0, 6.0], False)
        assert keeper._ledger.n_bytes == pages((tmp_path / "abc").stat().st_size)
    finally:
        for (names, _), process in zip(pipes, processes, strict=True):
            names.put("")
            process.join(10)

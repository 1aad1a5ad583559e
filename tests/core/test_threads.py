"""Work divided over threads: every chunk is done once, by whomever, and what goes wrong in one is heard of."""

import threading

import pytest

from evoml.core.threads import CHUNK, Threads


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, CHUNK, 3 * CHUNK + 7])
def test_each_chunk_is_done_once_whatever_the_number_of_threads(count, n):
    done = []
    with Threads(count) as threads:
        threads.in_chunks(n, lambda first, last: done.append((first, last)))
    assert sorted(done) == [(first, min(first + CHUNK, n)) for first in range(0, n, CHUNK)]


def test_all_threads_work_at_the_same_time():
    together = threading.Barrier(3, timeout=30)  # who waits alone is an error
    with Threads(3) as threads:
        threads.in_chunks(3, lambda first, last: together.wait(), 1)


@pytest.mark.parametrize("bad", range(6))
def test_what_a_chunk_raises_is_raised_and_the_rest_is_left(bad):
    done, count = [], 2

    def work(first, _):
        if first == bad:
            raise ValueError(f"chunk {first}")
        done.append(first)

    with Threads(count) as threads:
        with pytest.raises(ValueError, match=f"chunk {bad}"):
            threads.in_chunks(6, work, 1)
        assert bad not in done
        threads.in_chunks(2, work if bad > 1 else lambda *_: None, 1)  # they are as good as before


def test_after_a_failure_no_further_chunk_is_begun():
    begun = []

    def work(first, _):
        begun.append(first)
        raise ValueError

    with Threads() as threads, pytest.raises(ValueError):  # noqa: PT011
        threads.in_chunks(6, work, 1)
    assert begun == [0]


def test_work_may_be_divided_within_work():
    done = []
    with Threads(2) as threads:
        threads.in_chunks(4, lambda outer, _: threads.in_chunks(3, lambda inner, _: done.append((outer, inner)), 1), 1)
    assert sorted(done) == [(outer, inner) for outer in range(4) for inner in range(3)]


def test_closed_threads_leave_the_work_to_who_asks():
    threads, workers = Threads(4), set()
    threads.close()
    threads.in_chunks(8, lambda first, last: workers.add(threading.current_thread()), 1)
    assert workers == {threading.current_thread()}

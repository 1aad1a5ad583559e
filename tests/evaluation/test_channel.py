"""Messages over a socket on which anything may be written: what was sent arrives, and nothing else does."""

import pickle
import socket
import struct
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.evaluation.executors.channel import _MARK, MOST_BYTES, Channel


class Pair:
    """A channel and the bare socket at its other end."""

    def __init__(self):
        ours, self.theirs = socket.socketpair()
        self.channel = Channel(ours)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.theirs.close()


def framed(content, size=None):
    return _MARK + struct.pack("<Q", len(content) if size is None else size) + content


def message(value):
    return framed(pickle.dumps(value))


def all_received(channel):
    found = []
    while (value := channel.received()) is not None:
        found.append(value)
    return found


JUNK = object()


def received_or_junk(channel):
    try:
        return channel.received()
    except ValueError:
        return JUNK


VALUES = st.lists(st.integers() | st.text() | st.binary(max_size=300) | st.tuples(st.booleans(), st.floats(-1, 1)))


@settings(deadline=None)
@given(VALUES, st.lists(st.integers(1, 400), max_size=30))
def test_messages_arrive_whole_and_in_order_however_they_are_cut(values, cuts):
    stream, got = b"".join(map(message, values)), []
    with Pair() as pair:
        for size in [*cuts, len(stream)]:
            pair.theirs.sendall(stream[:size])
            stream = stream[size:]
            got += all_received(pair.channel)
        assert got == values
        assert pair.channel.received() is None


@settings(deadline=None)
@given(VALUES, st.binary(min_size=1, max_size=100))
def test_junk_is_refused_and_what_was_sent_before_it_is_not_lost(values, junk):
    """Junk is anything that does not go on as our mark does."""
    if junk[: len(_MARK)] == _MARK[: len(junk)]:
        junk = b"?" + junk
    with Pair() as pair:
        pair.theirs.sendall(b"".join(map(message, values)) + junk)
        assert [received_or_junk(pair.channel) for _ in values] == values
        assert received_or_junk(pair.channel) is JUNK


@settings(deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(1, 60), max_size=10), st.booleans())
def test_whatever_bytes_come_nothing_is_received_that_was_not_sent(junk, cuts, hangs_up):
    with Pair() as pair:
        for size in [*cuts, len(junk)]:
            pair.theirs.sendall(junk[:size])
            junk = junk[size:]
            assert received_or_junk(pair.channel) in (None, JUNK)
        if hangs_up:
            pair.theirs.close()
            assert received_or_junk(pair.channel) in (None, JUNK)


def test_a_mark_with_a_length_that_cannot_be_is_refused():
    with Pair() as pair:
        pair.theirs.sendall(framed(b"", MOST_BYTES + 1))
        with pytest.raises(ValueError, match="no message"):
            pair.channel.received()


@pytest.mark.parametrize("length", [1, 8, 15, 16, 17, 40])
def test_half_a_message_is_none_and_does_not_wait(length):
    whole = message("x" * 100)
    with Pair() as pair:
        pair.theirs.sendall(whole[:length])
        assert pair.channel.received() is None
        assert not pair.channel.ended
        pair.theirs.sendall(whole[length:])
        assert pair.channel.received() == "x" * 100


@pytest.mark.parametrize("left", [b"", b"evo", message("x" * 100)[:50]])
def test_a_closed_end_is_told_from_silence(left):
    with Pair() as pair:
        pair.theirs.sendall(message("last") + left)
        pair.theirs.close()
        assert pair.channel.received() == "last"
        assert pair.channel.received() is None
        assert pair.channel.ended


def test_waiting_at_a_closed_end_raises():
    with Pair() as pair:
        pair.theirs.sendall(message(1)[:20])
        pair.theirs.close()
        with pytest.raises(EOFError):
            pair.channel.receive()


def test_large_messages_both_ways():
    ours, theirs = map(Channel, socket.socketpair())
    value = np.arange(10**6)
    sender = threading.Thread(target=ours.send, args=(value,))
    sender.start()
    np.testing.assert_array_equal(theirs.receive(), value)
    sender.join()
    theirs.send("thanks")
    assert ours.receive() == "thanks"
    for end in (ours, theirs):
        end.close()
    assert ours.fileno() == -1

"""Messages between host and worker over a socket on which a part may write whatever it likes, and stop anywhere.

A part shares its process with us: it may write into any open descriptor, or die in the middle of an answer. So the host never
waits for the rest of a message, and believes no length that does not follow our mark.
"""

from __future__ import annotations

import pickle
import socket
from struct import Struct
from typing import Any

_HEADER = Struct("<8sQ")
_MARK = b"evoml\x00\x17\xfe"
MOST_BYTES = 2**32  # of a message: anything longer is none of ours
CHUNK = 2**20


class Channel:
    """One end of a socket pair.

    Attributes
    ----------
    ended : bool
        Whether the other end was found to be gone.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket, self._read, self.ended = end, bytearray(), False

    def fileno(self) -> int:
        """Return the descriptor, -1 once closed."""
        return self._socket.fileno()

    def send(self, message: Any) -> None:
        content = pickle.dumps(message, protocol=5)
        self._socket.sendall(_HEADER.pack(_MARK, len(content)) + content)

    def receive(self) -> Any:
        """Wait for a whole message. Raises EOFError when the other end is gone, ValueError for what is no message."""
        while (message := self._whole()) is None:
            self._take(self._socket.recv(CHUNK))
        return message

    def received(self) -> Any:
        """Return a message that has arrived as a whole, else None; never waits. Raises ValueError for what is no message."""
        try:
            while (message := self._whole()) is None:
                self._take(self._socket.recv(CHUNK, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return None
        except (EOFError, ConnectionError):
            self.ended = True
            return None
        return message

    def close(self) -> None:
        self._socket.close()

    def _take(self, chunk: bytes) -> None:
        if not chunk:
            raise EOFError
        self._read += chunk

    def _whole(self) -> Any:
        if self._read[: len(_MARK)] != _MARK[: len(self._read)]:
            raise ValueError("no message")
        if len(self._read) < _HEADER.size:
            return None
        size = _HEADER.unpack_from(self._read)[1]
        if size > MOST_BYTES:
            raise ValueError("no message")
        if len(self._read) < _HEADER.size + size:
            return None
        content = bytes(self._read[_HEADER.size : _HEADER.size + size])
        del self._read[: _HEADER.size + size]
        return pickle.loads(content)

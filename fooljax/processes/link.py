"""The line between the processes of one search: process 0 in the middle, a socket to each of the others.

Devices exchange arrays; over this line go the decisions of the hosts. It also tells at once when a process is
gone, for which an operation between devices may wait without end.
"""

import os
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from fooljax.errors import FaultError, InputError, shown

VALUE, FAILED, BYE = b"v", b"f", b"b"
HEADER = struct.Struct(">cQ")
"""What comes before each message: its kind, and how many bytes follow."""
GRACE = 10.0
"""Seconds in which a process can end in good order after another has ended; then it is ended where it is."""
AGAIN = "start all processes again with --resume"
"""What the user is told to do where a process is gone."""


class Lost(FaultError):
    """Another process of the search is gone."""


class Link:
    """What one process hears of the others, and tells them.

    Attributes:
      index: of this process; process 0 is the writer.
      count: of processes.
    """

    def __init__(
        self,
        index: int,
        count: int,
        peers: dict[int, socket.socket],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """Listens to the others.

        Args:
          index: of this process.
          count: of processes.
          peers: the sockets to the others: in process 0 to each, in the others to process 0.
          end: ends this process with an exit status, where it is stuck.
        """
        self.index, self.count = index, count
        self._end = end
        self._peers = peers
        self._sending = threading.Lock()
        self._values: dict[int, deque[bytes]] = {peer: deque() for peer in peers}
        self._news = threading.Condition()
        self._gone: set[int] = set()
        self._failure: tuple[int, Exception] | None = None
        self._ending = threading.Event()
        self._speaking = threading.Lock()
        for peer in peers:
            threading.Thread(target=self._listen, args=(peer,), daemon=True).start()

    def exchange(self, value: bytes) -> list[bytes]:
        """The values of all processes, in their order. Each of them must call this equally often.

        Raises:
          InputError, FaultError: another process ended with this error, or (`Lost`) is gone.
        """
        if self.index:
            self._send(0, VALUE, value)
            return _split(self._receive(0))
        values = [value, *(self._receive(peer) for peer in range(1, self.count))]
        for peer in self._peers:
            self._send(peer, VALUE, _joined(values))
        return values

    def failure(self, seconds: float) -> Exception | None:
        """How another process has ended, if it did; one that has is heard of within some seconds."""
        with self._news:
            self._news.wait_for(lambda: self._failure, seconds)
            return self._failure[1] if self._failure else None

    def fail(self, status: int, message: str) -> bool:
        """Ends the other processes because this one ends.

        Args:
          status: the exit status of all.
          message: what the user is told.
        Returns:
          Whether this process must tell the user; else another one does.
        """
        self._ending.set()
        if self.index == 0:
            self._end_others(status, message)
            return self._speaking.acquire(blocking=False)
        with self._news:
            if self._failure is None:
                self._send(0, FAILED, bytes([status]) + message.encode())
            return not self._news.wait_for(lambda: self._failure, 3 * GRACE)

    def close(self) -> None:
        """Leaves the others, who have ended their search too."""
        for peer in self._peers:
            self._send(peer, BYE, b"")
        with self._news:
            self._news.wait_for(lambda: len(self._gone) == len(self._peers), GRACE)
        for connection in self._peers.values():
            connection.close()

    def _send(self, peer: int, kind: bytes, message: bytes) -> None:
        """Sends a message; that the other is gone is heard by listening."""
        with self._sending, suppress(OSError):
            self._peers[peer].sendall(HEADER.pack(kind, len(message)) + message)

    def _receive(self, peer: int) -> bytes:
        with self._news:
            self._news.wait_for(lambda: self._failure or self._values[peer])
            if self._values[peer]:  # it was sent before
                return self._values[peer].popleft()
            assert self._failure is not None
            self._ending.set()
            raise self._failure[1]

    def _listen(self, peer: int) -> None:
        connection = self._peers[peer]
        while True:
            try:
                kind, length = HEADER.unpack(read(connection, HEADER.size))
                message = read(connection, length)
            except OSError:
                return self._heard(peer, 1, self._lost(peer))
            if kind == FAILED:
                error = InputError if message[0] == 2 else FaultError
                where = f" (process {peer})" if peer else ""
                return self._heard(peer, message[0], error(message[1:].decode() + where))
            with self._news:
                if kind == BYE:
                    self._gone.add(peer)
                else:
                    self._values[peer].append(message)
                self._news.notify_all()
            if kind == BYE:
                return None

    def _lost(self, peer: int) -> Lost:
        what = "" if peer else ", which writes the run,"
        return Lost(f"process {peer} (of 0 to {self.count - 1}){what} is gone")

    def _heard(self, peer: int, status: int, error: Exception) -> None:
        """Notes how another process ended, and sees to it that this one ends too."""
        with self._news:
            self._gone.add(peer)
            first = self._failure is None
            self._failure = self._failure or (status, error)
            self._news.notify_all()
        if not first:
            return
        # Without process 0 JAX ends this process within a millisecond, with a page of its own words.
        alone = peer == 0 and isinstance(error, Lost)
        if not alone and self._ending.wait(GRACE):
            return
        if self.index == 0:
            self._end_others(status, str(error))
        if (alone or self.index == 0) and self._speaking.acquire(blocking=False):
            said = f"{error}; {AGAIN}" if isinstance(error, Lost) else str(error)
            with suppress(OSError):
                os.write(sys.stderr.fileno(), f"error: {shown(said, 4000)}\n".encode())
        self._end(status)

    def _end_others(self, status: int, message: str) -> None:
        """Tells all others to end, and waits for it: JAX would complain in their midst about this one."""
        for peer, connection in self._peers.items():
            self._send(peer, FAILED, bytes([status]) + message.encode())
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        with self._news:
            self._news.wait_for(lambda: len(self._gone) == len(self._peers), GRACE)


def listening(port: int, backlog: int | None = None) -> socket.socket:
    """A socket that waits for connections at a port of every address of this machine; any free one for 0.

    Raises:
      OSError: the port is taken.
    """
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    return socket.create_server(("", port), family=family, dualstack_ipv6=both, backlog=backlog)


def read(connection: socket.socket, length: int) -> bytes:
    """So many bytes from a socket.

    Raises:
      OSError: it was closed before.
    """
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 2**20))
        if not part:
            raise ConnectionError("closed")
        parts += part
    return bytes(parts)


def _joined(values: list[bytes]) -> bytes:
    return b"".join(HEADER.pack(VALUE, len(value)) + value for value in values)


def _split(joined: bytes) -> list[bytes]:
    values = []
    while joined:
        _, length = HEADER.unpack_from(joined)
        end = HEADER.size + length
        values.append(joined[HEADER.size : end])
        joined = joined[end:]
    return values

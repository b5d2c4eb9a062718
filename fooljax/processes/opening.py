"""How the processes of a search find each other: process 0 listens, and JAX tells the others where."""

import json
import secrets
import socket
import struct
import time
from contextlib import suppress

import numpy as np

from fooljax.engine.placement import of_first_process
from fooljax.errors import FaultError
from fooljax.processes.link import Link, listening, read

CONNECTING = 60.0
"""Seconds within which every process must have reached process 0."""
TRY = 5.0
"""Seconds in which one address answers."""
TOKEN = 16
"""Bytes of a random word by which the processes of a search know each other."""
WELCOME = b"w"
CARD = 1024
"""Bytes in which process 0 says where it listens."""
INDEX = struct.Struct(">I")
KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))
"""A machine without power is missed within half a minute, where the system knows these options."""


def open_link(index: int, count: int, coordinator: str | None) -> Link:
    """Connects this process with the others. All of them must call this.

    Args:
      index: of this process.
      count: of processes.
      coordinator: HOST:PORT of JAX's coordinator, where it is known; process 0 listens on the same host.
    Raises:
      FaultError: they cannot reach each other.
    """
    if index:
        return Link(index, count, {0: _reach(json.loads(_told(b"")), index)})
    with listening(0, count) as server:
        token = secrets.token_bytes(TOKEN)
        port = server.getsockname()[1]
        _told(json.dumps({"hosts": _own_names(coordinator), "port": port, "token": token.hex()}).encode())
        return Link(index, count, _accept(server, token, count))


def _told(card: bytes) -> bytes:
    """What process 0 says to all, by way of their devices."""
    row = np.frombuffer(card.ljust(CARD), np.uint8)
    return bytes(np.asarray(of_first_process(row), np.uint8))


def _own_names(coordinator: str | None) -> list[str]:
    names = [coordinator.rpartition(":")[0].strip("[]")] if coordinator else []
    names.append(socket.gethostname())
    with suppress(OSError):
        names += [str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)]
    return list(dict.fromkeys([*names, "127.0.0.1"]))[:12]


def _accept(server: socket.socket, token: bytes, count: int) -> dict[int, socket.socket]:
    found: dict[int, socket.socket] = {}
    end = time.monotonic() + CONNECTING
    while missing := sorted(set(range(1, count)) - set(found)):
        server.settimeout(max(0.1, end - time.monotonic()))
        try:
            connection, _ = server.accept()
        except TimeoutError:
            raise FaultError(
                f"process {missing[0]} did not reach process 0 within {CONNECTING:.0f} s"
            ) from None
        with suppress(OSError):
            connection.settimeout(TRY)
            said = read(connection, TOKEN + INDEX.size)
            (index,) = INDEX.unpack(said[TOKEN:])
            if secrets.compare_digest(said[:TOKEN], token) and index in missing:
                connection.sendall(WELCOME)
                found[index] = _lasting(connection)
                continue
        connection.close()
    return found


def _reach(card: dict[str, object], index: int) -> socket.socket:
    hosts, port, token = list(card["hosts"]), int(str(card["port"])), bytes.fromhex(str(card["token"]))  # type: ignore[call-overload]
    end = time.monotonic() + CONNECTING
    while time.monotonic() < end:
        for host in hosts:
            with suppress(OSError):
                connection = socket.create_connection((host, port), timeout=TRY)
                try:
                    connection.sendall(token + INDEX.pack(index))
                    if read(connection, 1) == WELCOME:
                        return _lasting(connection)
                except OSError:
                    pass
                connection.close()
        time.sleep(0.2)
    raise FaultError(f"process {index} cannot reach process 0, at {', '.join(hosts)}, port {port}")


def _lasting(connection: socket.socket) -> socket.socket:
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection

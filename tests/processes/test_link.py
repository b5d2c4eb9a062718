"""The line between processes, here between threads: values, errors, and what is heard of one that is gone."""

import socket
import threading
import time

import pytest

from fooljax.errors import FaultError, InputError
from fooljax.processes import link as module
from fooljax.processes.link import Link, Lost


class Processes:
    """Some linked processes of which none ends: `ended` has the index and status of those that would have."""

    def __init__(self, count):
        pairs = [socket.socketpair() for _ in range(1, count)]
        first = {index: pair[0] for index, pair in enumerate(pairs, 1)}
        self.peers = [first, *({0: pair[1]} for pair in pairs)]
        self.ended = []

    def link(self, index):
        return Link(
            index, len(self.peers), self.peers[index], lambda status: self.ended.append((index, status))
        )

    def end(self, index):
        """Closes the sockets of a process, as its end does."""
        for connection in self.peers[index].values():
            connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def processes(monkeypatch):
    monkeypatch.setattr(module, "GRACE", 0.5)
    processes = Processes(3)
    yield processes
    for peers in processes.peers:
        for connection in peers.values():
            connection.close()


@pytest.fixture
def three(processes):
    return [processes.link(index) for index in range(3)]


def at_once(*calls):
    """What each call gives or raises, all of them at the same time."""
    found = [None] * len(calls)

    def run(index):
        try:
            found[index] = calls[index]()
        except Exception as error:
            found[index] = error

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return found


def wait_until(is_so):
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_all_get_the_values_of_all_in_order(processes, three):
    for values in ([b"a", b"", b"c" * 3_000_000], [b"1", b"2", b"3"]):
        calls = [lambda pair=pair: pair[0].exchange(pair[1]) for pair in zip(three, values, strict=True)]
        assert at_once(*calls) == [values] * 3
    assert at_once(*(link.close for link in three)) == [None] * 3
    assert processes.ended == []


@pytest.mark.parametrize(("status", "kind"), [(2, InputError), (1, FaultError)])
@pytest.mark.parametrize("who", [0, 2])
def test_an_error_of_one_is_raised_in_all_and_told_by_one(processes, three, who, status, kind):
    def work(link):
        """What a command does: whether it tells the user, and what."""
        try:
            if link.index == who:
                raise kind("key: expected a seed")
            link.exchange(b"")
        except (InputError, FaultError) as error:
            is_teller = link.fail(2 if isinstance(error, InputError) else 1, str(error))
            processes.end(link.index)
            return is_teller, type(error), str(error)

    found = at_once(*(lambda link=link: work(link) for link in three))
    assert [tells for tells, _, _ in found] == [True, False, False]
    assert [type_ for _, type_, _ in found] == [kind] * 3
    where = "" if who == 0 else " (process 2)"
    assert found[0][2] == f"key: expected a seed{where}"
    assert processes.ended == []


def test_what_was_said_before_an_error_counts(processes, three):
    """Of processes that all end for one reason, each does so by itself."""
    found = at_once(
        *(lambda link=link: link.exchange(b"stop") for link in three[1:]), lambda: last_word(three[0])
    )
    assert found == [[b"stop"] * 3] * 2 + [True]


def last_word(link):
    link.exchange(b"stop")
    return link.fail(130, "stopped")


def test_one_that_is_gone_is_named(processes):
    first = processes.link(0)
    processes.end(2)
    (found,) = at_once(lambda: first.exchange(b""))
    assert isinstance(found, Lost)
    assert str(found) == "process 2 (of 0 to 2) is gone"
    assert first.failure(0.0) is found


def test_without_process_0_the_others_end_at_once_and_say_why(processes, capfd):
    _ = processes.link(1), processes.link(2)
    processes.end(0)
    wait_until(lambda: sorted(processes.ended) == [(1, 1), (2, 1)])
    lines = capfd.readouterr().err.splitlines()
    said = f"error: process 0 (of 0 to 2), which writes the run, is gone; {module.AGAIN}"
    assert lines == [said] * 2


def test_a_process_that_is_stuck_is_ended(processes, capfd):
    """As one that waits on a device for another that is gone: the writer tells it, the others are silent."""
    _ = processes.link(0), processes.link(2)
    processes.end(1)
    wait_until(lambda: sorted(processes.ended) == [(0, 1), (2, 1)])
    assert capfd.readouterr().err == f"error: process 1 (of 0 to 2) is gone; {module.AGAIN}\n"

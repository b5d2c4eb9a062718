"""How a process is told where the others are; what is wrong with it is one line."""

import os
import socket
import subprocess
import sys

import loopback
import pytest

from fooljax.cli import evolve
from fooljax.cli.command_line import run_command
from fooljax.errors import FaultError, InputError
from fooljax.processes import waiting
from fooljax.processes.starting import ADDRESS, COUNT, INDEX, start_distributed


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    for name in (ADDRESS, COUNT, INDEX):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("here", 2, 0), "coordinator_address: expected HOST:PORT, with a port up to 65535, got here"),
        (
            ("here:65536", 2, 0),
            "coordinator_address: expected HOST:PORT, with a port up to 65535, got",
        ),
        (("here:port", 2, 0), "coordinator_address: expected HOST:PORT"),
        (("here:1", 0, 0), "num_processes: expected a whole number, 1 or more, got 0"),
        (("here:1", True, 0), "num_processes: expected a whole number, 1 or more, got True"),
        (("here:1", 2, -1), "process_id: expected a whole number, 0 or more, got -1"),
        (("here:1", 2, 2), "process_id: expected 0 to 1, for 2 processes, got 2"),
    ],
)
def test_wrong_arguments(arguments, told):
    with pytest.raises(InputError, match=told):
        start_distributed(*arguments)


def test_a_port_that_is_taken():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            FaultError, match=f"coordinator_address: process 0 cannot listen at port {port}: "
        ):
            start_distributed(f"localhost:{port}", 2, 0)


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (0, "error: not all 2 processes came within 1 s"),
        pytest.param(1, "error: process 0 at localhost:1 does not answer, or not", marks=pytest.mark.slow),
    ],
)
def test_waiting_in_vain_ends_in_a_line(index, told):
    program = (
        "from fooljax.processes import starting\n"
        "starting.WAITING = 1\n"
        f"starting.start_distributed('localhost:{0 if index == 0 else 1}', 2, {index})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(told)


def test_it_is_told_what_is_waited_for(monkeypatch, capsys):
    monkeypatch.setattr(waiting, "SILENCE", 0.0)
    with waiting.patience("the others", "no others came", 60):
        told = ""
        while not told:
            told = capsys.readouterr().err
    assert told == "note: waiting for the others\n"


def test_a_process_without_a_device_ends_at_once_and_the_other_soon():
    """JAX would let each of them wait for the other: one at its end, one for the devices of the first."""
    program = (
        "import sys\n"
        "from fooljax.processes import agreement, starting\n"
        "agreement.DEVICES_WAITING = 5\n"
        "starting.start_distributed(sys.argv[1], 2, int(sys.argv[2]))\n"
        "agreement.connect()\n"
    )
    words, address = [sys.executable, "-c", program], loopback.free_address()
    processes = [
        subprocess.Popen(
            [*words, address, str(index)],
            env={**os.environ, "JAX_PLATFORMS": platform},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index, platform in enumerate(("cpu", "nonsense"))
    ]
    found = loopback.ends(processes)
    assert [status for status, _, _ in found] == [1, 1]
    assert "error: not all processes found their devices within 5 s\n" in found[0][2]
    assert "nonsense" in found[1][2]


def test_a_variable_is_named_where_it_is_wrong(monkeypatch):
    monkeypatch.setenv(ADDRESS, "here:99999")
    with pytest.raises(InputError, match=f"{ADDRESS}: expected HOST:PORT, with a port up to 65535, got here"):
        start_distributed()
    monkeypatch.setenv(ADDRESS, "here:1")
    monkeypatch.setenv(COUNT, "two")
    with pytest.raises(InputError, match=f"{COUNT}: expected a whole number, 1 or more, got 'two'"):
        start_distributed()


def test_flags_need_the_word_distributed(capsys):
    assert evolve.main(["--process-id", "1"]) == 2
    assert capsys.readouterr().err == "error: --process-id: expected --distributed beside it, got none\n"


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("coordinator_address", "--coordinator-address"),
        ("num_processes", "--num-processes"),
        (
            "coordinator_address, num_processes, process_id",
            "--coordinator-address, --num-processes, --process-id",
        ),
        ("seed", "seed"),
        ("process_id, others", "process_id, others"),
    ],
)
def test_what_is_wrong_is_named_as_the_flag(start, told, capsys):
    def refused():
        raise InputError(f"{start}: expected another")

    assert run_command(refused) == 2
    assert capsys.readouterr().err == f"error: {told}: expected another\n"


@pytest.mark.parametrize("text", ["x", "-1", "1.5"])
def test_numbers_of_flags(text, capsys):
    assert evolve.main(["--distributed", "--process-id", text]) == 2
    assert capsys.readouterr().err.startswith("error: --process-id: expected ")

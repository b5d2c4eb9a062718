"""`fooljax evolve --distributed` as the processes of several machines, here on one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NETWORK = """
import os
import jax, toys
from fooljax.storage.trees import digest_tree
def network(seed=0, **facts):
    made = toys.target(seed).replace(image_shape=(6, 6, 1), class_names=tuple("abcd"))
    return made.replace(provenance={"params_sha256": digest_tree(jax.device_get(made.params)), **facts})
target = network()
own = network(int(os.environ.get("JAX_PROCESS_ID", "0")))
own_trained = network(int(os.environ.get("JAX_PROCESS_ID", "0")), recipe="paper")
"""
"""`target` is the same in all processes, the other two are not."""
DYING = """
import os, sys
from fooljax.cli.main import main
from fooljax.evolution.journal import Journal
advance = Journal.advance
def advance_or_die(self, generations):
    if self.generation >= 40:
        os.kill(os.getpid(), 9)
    advance(self, generations)
Journal.advance = advance_or_die
main(sys.argv[1:])
"""
"""A process that ends as by `kill -9` when 40 generations are done."""
SEARCH = ("--target", "network:target", "--encoding", "direct", "--children", "16", "--runs", "2")


def free_address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def begin(folder, count, *flags, dying=None, flags_of=None):
    """Starts `count` processes, each in a folder of its own; gives them.

    Args:
      folder: theirs are in it, named by their index; so is the network.
      count: how many.
      *flags: of `fooljax evolve`.
      dying: index of one that ends by itself, as if it were killed.
      flags_of: flags of single processes, by index.
    """
    (folder / "network.py").write_text(NETWORK)
    environment = {
        **os.environ,
        "JAX_COORDINATOR_ADDRESS": free_address(),
        "JAX_NUM_PROCESSES": str(count),
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), *sys.path]),
        "PYTHONUNBUFFERED": "1",
    }
    processes = []
    for index in range(count):
        own = folder / str(index)
        own.mkdir(exist_ok=True)
        program = ("-c", DYING) if index == dying else ("-m", "fooljax.cli.main")
        own_flags = (flags_of or {}).get(index, ())
        words = [sys.executable, *program, "evolve", "--distributed", *flags, *own_flags]
        processes.append(
            subprocess.Popen(
                words,
                cwd=own,
                env={**environment, "JAX_PROCESS_ID": str(index)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return processes


def ends(processes):
    """Status, output and errors of each."""
    try:
        streams = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *both) for process, both in zip(processes, streams, strict=True)]


def run(*arguments, **more):
    """What `begin` starts, when it has ended."""
    return ends(begin(*arguments, **more))

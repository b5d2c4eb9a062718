"""What a shell completes after `fooljax`: asked of a real bash; zsh and fish read their scripts."""

import shutil
import subprocess
from functools import cache

import pytest

from fooljax.cli import completion
from fooljax.cli.main import COMMANDS, main
from fooljax.strategies.registry import STRATEGIES

BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="bash is not installed")


@cache
def script(shell):
    return completion.script(shell, COMMANDS)


def completed(folder, *words):
    """What bash offers in a folder for the last of the words that follow `fooljax`."""
    asks = "\n".join(
        [
            script("bash"),
            'COMP_WORDS=("$@")',
            "COMP_CWORD=$(($# - 1))",
            "_shtab_fooljax 2> /dev/null",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        ]
    )
    call = [BASH, "-c", asks, "bash", "fooljax", *words]
    return set(subprocess.run(call, cwd=folder, capture_output=True, text=True, check=True).stdout.split())


@needs_bash
def test_bash_completes_commands_flags_names_and_files(tmp_path):
    (tmp_path / "weights.npz").touch()
    (tmp_path / "run").mkdir()
    assert completed(tmp_path, "") >= set(COMMANDS)
    assert completed(tmp_path, "lin") == {"lineage"}
    assert completed(tmp_path, "evolve", "--gen") == {"--generations"}
    assert completed(tmp_path, "evolve", "--max-n") == {"--max-nodes"}  # of CPPNs alone
    assert completed(tmp_path, "evolve", "--target", "squ") == {"squeezenet"}
    assert completed(tmp_path, "evolve", "--target", "lenet", "--strategy", "map") == {"map_elites"}
    assert completed(tmp_path, "evolve", "--weights", "we") == {"weights.npz"}
    assert completed(tmp_path, "report", "") == {"run"}  # folders alone
    assert completed(tmp_path, "strategies", "foc") == {"focused"}
    assert completed(tmp_path, "evolve", "--generations", "w") == set()


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_shell_can_read_its_script(shell):
    assert all(name in script(shell) for name in (*COMMANDS, *STRATEGIES, "--outdir"))
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script(shell), text=True, check=True)


def test_another_shell_is_told_in_one_line(capsys):
    assert main(["--print-completion", "cmd.exe"]) == 2
    error = capsys.readouterr().err
    assert error == "error: --print-completion: expected bash, zsh, fish, got 'cmd.exe'\n"

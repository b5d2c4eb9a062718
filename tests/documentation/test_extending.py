"""The files printed in docs/extending.md run as printed; a strategy from elsewhere needs no registration."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from experiments import mnist_direct
from fooljax.cli import compare as compare_runs
from fooljax.cli import lineage, poster
from fooljax.runs.opened import open_folder
from fooljax.storage.json_files import read_json

ROOT = Path(__file__).parents[2]
FILES = dict(
    re.findall(r"```python\n# (\w+\.py)\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL)
)
SAYS = {
    "my_strategy.py": "line keeps the contract",
    "my_encoding.py": "discs keeps the contract",
    "my_target.py": "log-odds of the ten digits:",
    "my_host_target.py": "log-odds of the three classes:",
    "my_objective.py": "fool_first_only of the three classes:",
    "my_loop.py": "the brightest halves:",
    "my_experiment.py": "table: runs/transfer/table.md",
    "my_dataset.py": "of held-out images",
}
FLAGS = {"my_experiment.py": ["--outdir", "runs/transfer", "--seeds", "1", "--budget", "400"]}


def test_there_is_a_file_for_each_kind():
    assert set(FILES) == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_the_file_runs_as_printed(tmp_path, monkeypatch, capsys, name):
    (tmp_path / name).write_text(FILES[name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", [name, *FLAGS.get(name, [])])
    status = 0
    try:
        runpy.run_path(name, run_name="__main__")
    except SystemExit as ended:
        status = ended.code
    assert status == 0
    assert SAYS[name] in capsys.readouterr().out
    if name == "my_dataset.py":
        assert (tmp_path / "bars.png").stat().st_size > 1000
    if name == "my_experiment.py":
        table = (tmp_path / "runs/transfer/table.md").read_text()
        assert "named alike by another" in table
        assert len(list((tmp_path / "runs/transfer/images").iterdir())) == 2


def test_a_strategy_from_elsewhere_needs_no_registration(tmp_path, monkeypatch, settings, capsys):
    package = tmp_path / "somebodys_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "my_strategy.py").write_text(FILES["my_strategy.py"])
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "somebodys_package.my_strategy:line"
    words = [
        *settings,
        "--generations",
        "5",
        "--strategy",
        name,
        "--set",
        "reach=0.5",
        "--set",
        "spread=0.01",
    ]
    outdir = tmp_path / "run"
    assert mnist_direct.main([*words, "--outdir", str(outdir), "--quiet"]) == 0
    summary = read_json(outdir / "summary.json")
    assert summary["strategy"] == "line"
    assert summary["settings"]["set"] == "reach=0.5 spread=0.01"
    assert "line/cells_improved" in (outdir / "metrics.csv").read_text().splitlines()[0]
    assert f"--strategy {name} --set &#39;reach=0.5 spread=0.01&#39;" in (outdir / "index.html").read_text()
    shown = re.sub(r"<[^>]+>", "", (outdir / "index.html").read_text())
    assert "--strategy random_search" in shown
    assert "random_search --set" not in shown
    for given, message in (
        (
            ["--strategy", "somebodys_package:wave"],
            "--strategy: expected a name in the module somebodys_package",
        ),
        (["--strategy", "nobodys.package:line"], "--strategy: expected a module that can be imported in"),
        (
            ["--strategy", name, "--set", "depth=1"],
            "--set: somebodys_package.my_strategy:line knows spread, reach",
        ),
        (["--strategy", name, "--set", "reach=far"], "--set: expected reach to be a number, got far"),
        (["--strategy", name, "--set", "reach"], "--set: expected NAME=VALUE, got reach"),
        (["--strategy", "refined", "--set", "steps=0"], "--set: steps: expected 1 or more, got 0"),
        (
            ["--strategy", "evosax.SNES", "--children", "31"],
            "--children: expected a multiple of an even number",
        ),
        (["--set", "focus=0.5"], "--set: map_elites knows no settings; got focus"),
    ):
        assert mnist_direct.main([*settings, *given, "--outdir", str(tmp_path / "no")]) == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")
    assert not (tmp_path / "no").exists()
    # The folder may have come from elsewhere: its code runs only where the command line names it.
    sys.modules.pop("somebodys_package.my_strategy")
    assert mnist_direct.main(["--resume", str(outdir), "--quiet"]) == 2
    assert f"uses what is not built in; if you trust it, add --strategy {name}" in capsys.readouterr().err
    assert mnist_direct.main(["--resume", str(outdir), "--strategy", "focused"]) == 2
    assert open_folder(outdir).settings["strategy"] == name
    assert compare_runs.main([str(outdir)]) == 0
    capsys.readouterr()
    assert lineage.main([str(outdir), "--cell", "0"]) == 0
    assert poster.main([str(outdir), "--cell", "0"]) == 2
    flags = ["--generations", "0", "--init-from", str(outdir), "--quiet"]
    assert mnist_direct.main([*settings, *flags, "--outdir", str(tmp_path / "further")]) == 0
    assert "somebodys_package.my_strategy" not in sys.modules
    resume = ["--resume", str(outdir), "--strategy", name, "--generations", "6", "--quiet"]
    assert mnist_direct.main(resume) == 0
    assert "somebodys_package.my_strategy" in sys.modules

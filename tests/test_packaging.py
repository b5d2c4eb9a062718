"""What is built to be installed is whole: the sdist, and the wheel that is made of it.

Built without a network, and installed into an environment of its own; the libraries are those of this one.
"""

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ("fooljax", "pyproject.toml", "README.md", "LICENSE")
TOO_OLD = int(version("setuptools").partition(".")[0]) < 77
BUILD = "from setuptools import build_meta; build_meta.build_{}({!r})"


def call(*words, folder, **variables):
    """Runs a program that knows nothing of this clone; gives what it wrote."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = list(map(str, words))
    done = subprocess.run(words, cwd=folder, env=environment | variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def built(kind, folder, out):
    call(sys.executable, "-c", BUILD.format(kind, str(out)), folder=folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the unpacked sdist, which is built from a copy: no build folder is left here."""
    if TOO_OLD:
        pytest.skip("setuptools of at least 77 is not installed (it is one of the dev packages)")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = call("git", "ls-files", "-co", "--exclude-standard", folder=ROOT).splitlines()
    for name in listed:
        if (ROOT / name).is_file() and name.partition("/")[0] in SOURCE:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    built("sdist", source, out)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(out, filter="data")
    built("wheel", out / sdist.name.removesuffix(".tar.gz"), out)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A fresh environment outside the clone, in which the wheel is installed."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    words = ["install", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--quiet"]
    call(sys.executable, "-m", "pip", "--python", place / "bin/python", *words, wheel, folder=place)
    (packages,) = place.glob("lib/*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("".join(f"{path}\n" for path in libraries))
    return place


def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel):
    listed = call("git", "ls-files", "-co", "--exclude-standard", "fooljax", folder=ROOT).splitlines()
    expected = {name for name in listed if (ROOT / name).is_file()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert held == expected
        for name in held:
            assert archive.read(name) == (ROOT / name).read_bytes(), name
        (licence,) = [name for name in archive.namelist() if name.endswith("LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_the_version_stands_in_one_place(wheel):
    source = (ROOT / "fooljax/__init__.py").read_text(encoding="utf-8")
    (line,) = [line for line in source.splitlines() if line.startswith("__version__")]
    number = line.split('"')[1]
    assert wheel.name == f"fooljax-{number}-py3-none-any.whl"
    assert f'"{number}"' not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_installed_command_says_its_version(wheel, environment):
    written = call(environment / "bin/fooljax", "--version", folder=environment)
    assert wheel.name.split("-")[1] in written


def test_the_package_is_the_command_too(environment):
    command, module = (
        call(environment / "bin" / words[0], *words[1:], folder=environment)
        for words in (("fooljax", "--help"), ("python", "-m", "fooljax", "--help"))
    )
    assert command == module
    assert "evolve" in command


def test_the_installed_package_is_the_one_that_is_used(environment):
    program = "import fooljax, fooljax.targets; print(fooljax.__file__)"
    written = call(environment / "bin/python", "-c", program, folder=environment)
    assert Path(written.strip()).is_relative_to(environment)


def test_the_installed_command_lists_strategies(environment):
    assert "map_elites" in call(environment / "bin/fooljax", "strategies", folder=environment)


def test_the_installed_command_evolves(environment, tmp_path):
    words = "evolve --target lenet --encoding direct --generations 2 --runs 1 --children 8 --outdir run"
    call(environment / "bin/fooljax", *words.split(), folder=tmp_path, FOOLJAX_CACHE=str(tmp_path / "cache"))
    assert (tmp_path / "run/index.html").is_file()
    assert (tmp_path / "run/archive.npz").is_file()


def test_a_clone_that_is_not_installed_knows_its_own_version():
    """Packages that are installed can be asked for theirs; a clone need not be one."""
    files = [path for top in ("fooljax", "experiments", "benchmarks") for path in (ROOT / top).rglob("*.py")]
    asks = re.compile(r"""version\(\s*["']fooljax["']""")
    assert [path.name for path in files if asks.search(path.read_text("utf-8"))] == []

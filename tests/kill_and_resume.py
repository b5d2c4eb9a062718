"""Kills a run at random moments, resumes it, and compares the ends byte for byte.

`python tests/kill_and_resume.py --kills 20` takes some minutes; the tests do two. With `--experiment
imagenet_cppn` it has a hundred of ImageNet's classes and real weights.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMPARED = (
    *("archive.npz", "first.npz", "lineage.npz", "metrics.csv", "gallery.png"),
    *("elites", "elites.csv", "first", "first.csv"),
    *("ascents.npz", "images"),
)
SETTINGS = {
    "mnist_direct": ["--generations", "150", "--lineage"],
    "imagenet_cppn": [
        *["--generations", "60", "--children", "20"],
        *["--classes", "0-990:10", "--fine-share", "0.5"],
    ],
    "mnist_gradient": ["--starts", "2", "--iterations", "20", "--optimiser-iterations", "20"],
    "imagenet_direct": ["--generations", "30", "--children", "20", "--classes", "0-990:10"],
}


def command(experiment: str, *flags: str) -> list[str]:
    module = f"experiments.{experiment}"
    return [sys.executable, "-m", module, "--quiet", "--checkpoint-seconds", "0", *flags]


def content(run: Path) -> dict[str, bytes]:
    """What must be the same at the end: files by name."""
    files = [
        path
        for name in COMPARED
        for path in ([run / name] if (run / name).is_file() else (run / name).rglob("*"))
        if path.is_file()
    ]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def kill_and_resume(
    folder: Path, kills: int, settings: list[str], seed: int = 0, experiment: str = "mnist_direct"
) -> list[str]:
    """Does it `kills` times; returns a line for each, raises AssertionError where an end differs."""
    whole = folder / "whole"
    subprocess.run(command(experiment, "--outdir", str(whole), *settings), check=True)
    expected = content(whole)
    assert len(expected) > 2
    begun = time.perf_counter()
    subprocess.run(command(experiment, "--outdir", str(folder / "warm"), *settings), check=True)
    seconds = time.perf_counter() - begun
    chance = random.Random(seed)
    lines = []
    for number in range(kills):
        run = folder / f"killed{number}"
        moment = chance.uniform(0.0, seconds)
        process = subprocess.Popen(command(experiment, "--outdir", str(run), *settings))
        try:
            process.wait(timeout=moment)
            ended = f"had ended by itself ({process.returncode})"
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            ended = "killed"
        saved = sorted(path.stem for path in run.glob("checkpoints/*.npz"))
        # Killed before there was a folder, there is nothing to resume: the same command serves again.
        flags = ["--resume", str(run)] if run.exists() else ["--outdir", str(run), *settings]
        subprocess.run(command(experiment, *flags), check=True)
        found = content(run)
        differing = sorted(name for name in expected if found.get(name) != expected[name])
        assert found.keys() == expected.keys(), f"after a kill at {moment:.2f} s: other files"
        assert not differing, f"after a kill at {moment:.2f} s: {differing}"
        left = [path.name for path in run.rglob("*.tmp")]
        lines.append(
            f"{number}: {ended} at {moment:.2f} s with {saved or 'no checkpoint'}; same end; litter: {left}"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--experiment", choices=sorted(SETTINGS), default="mnist_direct")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = SETTINGS[arguments.experiment]
        for line in kill_and_resume(
            Path(folder), arguments.kills, settings, arguments.seed, arguments.experiment
        ):
            print(line)
    print(f"{arguments.kills} kills, {arguments.kills} identical ends")


if __name__ == "__main__":
    main()

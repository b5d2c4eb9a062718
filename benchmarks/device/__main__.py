"""The command; see the package."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jax

from benchmarks.device import determinism, pytorch, sameness, several, speed, whole
from benchmarks.device.report import Found, Report
from benchmarks.device.sizes import SIZES, Size
from benchmarks.timing import machine
from fooljax.cli.starting import stopped_while_loading
from fooljax.encodings.cppn.lowering import LOWERINGS
from fooljax.errors import InputError, shown
from fooljax.storage.outputs import file_of

BUDGET = 280.0
"""Seconds after which no further check is begun."""
Check = tuple[str, Callable[[], Found]]


def checks(size: Size) -> Iterator[Check]:
    """All checks by name, the most telling first, for a call that is cut off."""
    yield "devices", whole.devices
    yield "products", partial(speed.peaks, size.gemm, size.repeats)
    forms = [None, *(form for form in LOWERINGS if form != "serial" or jax.default_backend() == "cpu")]
    for side, batches in size.drawn.items():
        for batch in batches:
            yield f"drawing {batch} of {side}x{side}", partial(speed.drawing, None, side, batch, size.repeats)
    yield f"mutation of {size.mutated}", partial(speed.mutation, size.mutated, size.repeats)
    for encoding in ("cppn", "direct"):
        for children in size.children:
            name = f"loop {encoding} 28x28, {children} children"
            yield name, partial(speed.digit_loop, encoding, children, size.repeats)
    for form in forms:
        yield f"pictures of the form {form or 'chosen'}", partial(sameness.pictures, form, 28, size.compared)
    yield "pictures in colour", partial(sameness.pictures, None, 28, size.compared, "hls")
    yield "slopes of pictures", partial(sameness.slopes, 28, size.compared)
    yield "mutants", partial(sameness.mutants, size.compared)
    yield "scores of LeNet", partial(sameness.digit_scores, size.compared)
    for children in size.photograph_children:
        yield f"loop cppn Lite0, {children} children", partial(speed.photograph_loop, children, size.repeats)
    seconds: dict[str, float] = {}
    for way in determinism.FLAGS:
        work = (way, size.children[0], size.generations, seconds)
        yield f"repeats itself {way}", partial(determinism.repeats_itself, *work)
    yield "mnist_cppn as a command", partial(whole.command, size.command)
    shared = partial(several.devices, size.children[-1], size.generations, size.repeats)
    yield "several devices", shared
    for batch in size.digits:
        yield f"forward LeNet, {batch} images", partial(speed.digits, batch, size.repeats)
    for batch in size.photographs:
        yield f"forward Lite0, {batch} images", partial(speed.photographs, batch, size.repeats)
    if size.photographs:
        yield "scores of Lite0", partial(sameness.photograph_scores, min(16, size.compared))
    if size.torch:
        yield "Lite0 against PyTorch", partial(pytorch.photographs, size.torch, size.repeats)
    for form in forms[1:]:
        for side, batches in size.drawn.items():
            name = f"drawing {batches[0]} of {side}x{side}, {form}"
            yield name, partial(speed.drawing, form, side, batches[0], size.repeats)
    yield "memory", whole.memory


def main() -> None:
    """Does the checks, and writes the file after each."""
    if signal.getsignal(signal.SIGINT) is stopped_while_loading:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Other processes share the card; and what is compared with the card is computed on the CPU.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if (named := os.environ.get("JAX_PLATFORMS")) and "cpu" not in named:
        jax.config.update("jax_platforms", f"{named},cpu")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.device", description="All checks of a card in one call."
    )
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--size", choices=SIZES, default="card", help="how large the checks are")
    parser.add_argument(
        "--budget",
        type=float,
        default=BUDGET,
        metavar="SECONDS",
        help=f"begin no check after so many (default: {BUDGET:g})",
    )
    parser.add_argument("--only", default="", metavar="WORD", help="do the checks whose names hold this")
    arguments = parser.parse_args()
    path: Path | None = arguments.json
    known = dict(checks(SIZES[arguments.size]))
    if not (chosen := [name for name in known if arguments.only in name]):
        parser.error(f"--only: expected a part of one of {'; '.join(known)}; got {shown(arguments.only)}")
    asked = {"size": arguments.size, "only": arguments.only}
    try:
        report = Report(path, arguments.budget, machine(), asked)
    except InputError as error:
        parser.error(str(error))
    for name in chosen:
        report.check(name, known[name])
    report.finish()
    bad = [name for name, entry in report.entries.items() if entry["status"] == "failed"]
    missed = [
        name
        for name, entry in report.entries.items()
        if not all(one["met"] for one in entry.get("wanted", ()))
    ]
    print(
        f"{report.seconds:.0f} s; failed: {', '.join(bad) or 'none'}; missed: {', '.join(missed) or 'none'}"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.stdout.flush()
        # What JAX was compiling cannot be tidied up.
        os._exit(128 + signal.SIGINT)

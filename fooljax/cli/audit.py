r"""`fooljax audit`: says how easily a network is fooled, and whether a detector would notice.

    fooljax audit lenet --images embedded --budget 50000
    fooljax audit mine:target --images photographs --classes names.txt --second efficientnet-lite0

Give the same command again to go on with an audit that was killed.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fooljax.audits.auditing import audit
from fooljax.audits.reading import HELP
from fooljax.audits.record import FILE, Audit, read_audit
from fooljax.audits.settings import AuditSettings
from fooljax.cli.command_line import Parser, given_settings, run_command, settings_parser
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.importing import is_import_name
from fooljax.report.audit_page import PAGE, write_audit_page
from fooljax.runs.evolution_run import keep_compiled_programs
from fooljax.runs.judge_names import AUTO, NONE, named_judges
from fooljax.settings import REQUIRED, compose, option
from fooljax.storage.outputs import expanded
from fooljax.targets import class_names
from fooljax.targets.choice import TargetChoice
from fooljax.targets.file_choice import is_file_name
from fooljax.targets.registry import TARGETS, KnownTarget, find_target
from fooljax.terminal import Signals, Terminal, again_after_interruption

OWN = ("classes", "class_names")
"""Settings of networks that have another meaning here, or are given by `--classes`."""
OF_DATA = "This is the data that the network comes with; what the audit measures with is --images."
"""Added to the help of `--data`, beside which stands `--images`."""


@dataclass(frozen=True)
class ImagesSettings:
    """The clean images."""

    images: str = option(REQUIRED, HELP, kind=str)
    classes: str | None = option(
        None,
        class_names.HELP,
        kind=str,
    )
    other_weights: str | None = option(
        None,
        "Folder with weights of the networks that --judge and --second name, where these need any.",
        kind=str,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    known: list[type[Any]] = []

    def command() -> None:
        name, rest = _network_named(words)
        found = find_target(name)
        known.append(_config(found))
        with again_after_interruption(), Signals():
            try:
                _audit(name, found, known[0], rest)
            except InputError as error:  # the flag that gives class names has another name here
                if str(error).startswith("class_names: "):
                    raise InputError(str(error).replace("class_names", "classes", 1)) from error
                raise

    return run_command(command, lambda: [one.name for config in known for one in fields(config)])


def _network_named(words: Sequence[str]) -> tuple[str, list[str]]:
    """The network, which stands first, and the flags that are left."""
    if not words or words[0] in ("-h", "--help"):
        if not words:
            raise InputError(f"NETWORK: expected {_names()}, got none")
        print(_help())
        raise SystemExit(0)
    if words[0].startswith("-"):
        raise InputError(f"NETWORK: expected {_names()} before all flags, got {shown(words[0])}")
    return words[0], list(words[1:])


def _names() -> str:
    return f"one of {', '.join(TARGETS)}, a file or MODULE:NAME"


def _help() -> str:
    width = max(map(len, TARGETS))
    lines = [f"  {name:{width}}  {known.line}" for name, known in TARGETS.items()]
    return "\n".join(
        [
            "usage: fooljax audit NETWORK --images IMAGES [--budget N] [settings]",
            "",
            "Says how easily a network is fooled, and whether a detector would notice.",
            "",
            "NETWORK is a file of your own, MODULE:NAME of a fooljax.Target, or one of these:",
            *lines,
            "",
            f"--images          {HELP}",
            "",
            "fooljax audit NETWORK --help   says all settings of one of them",
        ]
    )


def _config(known: KnownTarget) -> type[Any]:
    """The settings of the audit and those of the network."""
    own = [one for one in fields(known.settings) if one.name not in OWN]
    network = make_dataclass(
        "NetworkSettings", [(one.name, one.type, _again(one)) for one in own], frozen=True
    )
    return compose("AuditConfig", [ImagesSettings, AuditSettings, network])


def _again(known: Any) -> Any:
    """A field for another dataclass, since one belongs to its own."""
    metadata = dict(known.metadata)
    if known.name == "data":
        metadata["text"] = f"{metadata['text']} {OF_DATA}"
    return field(default=known.default, metadata=metadata)


def _audit(name: str, known: KnownTarget, config: type[Any], words: Sequence[str]) -> None:
    parser = _parser(name, config)
    flags = parser.parse_args(words)
    given = given_settings(config, flags)
    settings = config(**given)
    for flag, value in (("--outdir", flags.outdir), ("--images", settings.images)):
        if not value or "\0" in value:
            raise InputError(f"{flag}: expected a path, got {shown(repr(value))}")
    terminal = Terminal(flags.quiet)
    compared = [_compared(path) for path in flags.compare]
    of_network = {**asdict(settings), "classes": "all", "class_names": settings.classes}
    choice = known.choose(SimpleNamespace(**of_network))
    # A network in a file is given them by its choice, since they may be those of all its outputs.
    is_given = settings.classes is None or is_file_name(name)
    names = () if is_given else class_names.read_class_names(settings.classes)
    target = choice.load(terminal.say)
    keep_compiled_programs()
    folder = expanded("--outdir", flags.outdir)
    found = audit(
        target,
        settings.images,
        outdir=folder,
        budget=settings.budget,
        class_names=names,
        judges=_others("--judge", flags.judge, choice, settings.other_weights, terminal),
        seconds=_others("--second", flags.second, choice, settings.other_weights, terminal),
        reject=settings.reject,
        guess=settings.guess,
        detectors=settings.detectors,
        source=name if name in TARGETS or is_import_name(name) else Path(name).name,
        command=shlex.join(["fooljax", "audit", name, *words]),
        say=terminal.say,
    )
    if compared:
        write_audit_page(folder, read_audit(folder), compared=compared)
    for sentence in found["verdict"]:
        terminal.say(sentence)
    for one in found["checks"]:
        if one["passed"] is False:
            terminal.say(f"check {one['name']}: {one['words']}")
    terminal.say(f"figures: {folder / FILE}")
    terminal.say(f"page: {folder / PAGE}")


def _compared(path: str) -> Audit:
    try:
        return read_audit(Path(path))
    except InputError as error:
        raise InputError(f"--compare: {error}") from error


def _parser(name: str, config: type[Any]) -> Parser:
    parser = settings_parser(
        config,
        "Says how easily a network is fooled, and whether a detector would notice. Give the same command "
        "again to go on.",
        f"fooljax audit {name}",
    )
    many: dict[str, Any] = {"action": "append", "default": [], "metavar": "NETWORK"}
    parser.add_argument(
        "--judge",
        help="A network for the same classes that had no part in making the images and says what it sees in "
        "them: a name as lenet-1, a file, or MODULE:NAME. May be given several times.",
        **many,
    )
    parser.add_argument(
        "--second",
        help="A network for the same classes that is shown the images: do they fool it, too? Named as for "
        "--judge. May be given several times.",
        **many,
    )
    parser.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="FILE",
        help="The audit.json of another audit that stands beside this one on the page. May be given several "
        "times.",
    )
    parser.add_argument(
        "--outdir",
        metavar="DIR",
        default=f"audits/{_as_folder(name)}",
        help="The folder of the audit: new, empty, or of the same audit to go on with. (default: "
        f"audits/{_as_folder(name)})",
    )
    parser.add_argument("--quiet", action="store_true", default=False, help="Print only notes and errors.")
    return parser


def _as_folder(name: str) -> str:
    return Path(name).name.replace(":", "-")


def _others(
    flag: str, names: Sequence[str], choice: TargetChoice, weights: str | None, terminal: Terminal
) -> dict[str, Target]:
    """The networks that a flag names."""
    for place, name in enumerate(names):
        if name in names[:place] or name in (AUTO, NONE):
            raise InputError(f"{flag}: expected a network, each once, got {shown(name)}")
    if not names:
        return {}
    folder = None if weights is None else Path(weights)
    try:
        return named_judges(",".join(names), choice, terminal.say, weights=folder)
    except InputError as error:
        raise InputError(f"{flag}: {str(error).removeprefix('judges: ')}") from error


if __name__ == "__main__":
    sys.exit(main())

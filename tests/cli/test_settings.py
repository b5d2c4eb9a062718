"""Settings: what a config lacks, words for none, bounds, and flags that nothing looks at."""

import dataclasses
import json
import sys

import pytest

from experiments import mnist_cppn, mnist_direct
from fooljax.cli.command_line import parse
from fooljax.errors import InputError
from fooljax.runs import memory
from fooljax.runs.search_settings import SearchSettings
from fooljax.settings import REQUIRED, check_used, config_from, in_words, option


@dataclasses.dataclass(frozen=True)
class Config:
    """All kinds of settings."""

    count: int = option(3, "of things", least=1)
    share: float = option(0.5, "of them", least=0.0)
    limit: float | None = option(0.9, "stop there", kind=float, least=0.0, most=1.0, off=True)
    file: str | None = option(None, "to read", kind=str)
    mode: str = option("grow", "how", choices=("grow", "rest"))
    speed: float = option(1.0, "of growth", idle=("mode", "rest"))


def read(**settings):
    return config_from(Config, settings, "config.json")


def test_what_a_config_lacks_has_its_default_and_what_is_unknown_is_refused():
    assert read() == Config()
    assert read(count=4, limit=None) == Config(count=4, limit=None)
    with pytest.raises(InputError, match=r"^config.json: unknown setting cuont$"):
        read(cuont=4)
    needs = dataclasses.make_dataclass("Needs", [("cell", int, option(REQUIRED, "which", kind=int))])
    with pytest.raises(InputError, match=r"^config.json: missing setting cell$"):
        config_from(needs, {}, "config.json")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("count", 2**31, "expected at most 2,147,483,647, got 2147483648"),
        ("count", True, "expected a whole number, got True"),
        ("share", float("inf"), "expected a finite number, got inf"),
        ("share", float("nan"), "expected 0 or more, got nan"),
        ("share", 10**400, "expected a finite number, got"),
        ("speed", float("-inf"), "expected a finite number, got -inf"),
        ("speed", float("nan"), "expected a finite number, got nan"),
        ("share", None, "expected a number, got None"),
        ("limit", float("inf"), "expected a number from 0 to 1, got inf"),
        ("file", "a\0b", "expected text in UTF-8 without NUL, got 'a\\x00b'"),
        ("file", "\ud800", "expected text in UTF-8 without NUL, got '\\ud800'"),
        ("mode", "\x1b[31m" * 1000, "expected one of grow, rest, got \\x1b[31m"),
    ],
)
def test_what_no_setting_can_be(name, value, message):
    with pytest.raises(InputError) as caught:
        read(**{name: value})
    assert str(caught.value).startswith(f"config.json: {name}: {message}")
    assert len(str(caught.value)) < 400


def test_off_stands_for_none_wherever_there_is_none():
    given, _ = parse(Config, "", ["--limit", "off", "--file", "off"])
    assert given == {"limit": None, "file": None}
    assert in_words(None) == "off"
    with pytest.raises(InputError, match=r"^--share: expected a number, got off$"):
        parse(Config, "", ["--share", "off"])


def test_the_search_can_be_told_not_to_stop_early():
    given, _ = parse(mnist_direct.EXPERIMENT.config, "", ["--until", "off"])
    assert given == {"until": None}


def test_flags_that_nothing_looks_at_are_refused_by_name():
    parse(Config, "", ["--mode", "rest"])
    for words in (["--speed", "2"], ["--speed", "1"]):
        with pytest.raises(InputError, match=r"^mode: rest has no use for --speed$"):
            parse(Config, "", ["--mode", "rest", *words])
    check_used(Config(mode="rest"))
    with pytest.raises(InputError, match="--speed"):
        check_used(Config(mode="rest", speed=2.0))


def test_a_fixed_topology_refuses_the_settings_of_an_evolved_one():
    flags = [
        "max-nodes", "max-connections", "function-rate", "add-connection-rate", "delete-connection-rate",
        "add-node-rate", "delete-node-rate", "fine-share", "fine-weight-rate", "fine-eta",
        "fine-eta-most", "fine-connection-rate",
    ]  # fmt: skip
    words = [word for flag in flags for word in (f"--{flag}", "50" if flag.startswith("max") else "1")]
    with pytest.raises(InputError) as caught:
        parse(mnist_cppn.EXPERIMENT.config, "", ["--topology", "fixed", *words])
    assert str(caught.value) == "topology: fixed has no use for " + ", ".join(f"--{f}" for f in flags)
    parse(
        mnist_cppn.EXPERIMENT.config,
        "",
        ["--topology", "fixed", "--weight-rate", "0.2", "--functions", "paper"],
    )


HUGE = [
    (mnist_direct, ["--runs", "2147483648"], "--runs: expected at most 2,147,483,647"),
    (mnist_direct, ["--runs", "9223372036854775807"], "--runs: expected at most 2,147,483,647"),
    (mnist_direct, ["--runs", "2147483647"], "--runs: expected fewer, got 2,147,483,647: the "),
    (
        mnist_direct,
        ["--children", "100000000", "--generations", "1"],
        "--children: expected fewer, got 100,000,000: the ",
    ),
    (mnist_direct, ["--children", "1000000000"], "--children: expected at most"),
    (mnist_direct, ["--halving-generations", "2147483648"], "--halving-generations: expected at most"),
    (mnist_direct, ["--eta", "inf"], "--eta: expected a finite number, got inf"),
    (mnist_cppn, ["--max-nodes", "2147483648"], "--max-nodes: expected at most 2,147,483,647"),
    (mnist_cppn, ["--max-nodes", "2147483647"], "--max-nodes: expected fewer, got 2,147,483,647: 8 drawings"),
    (mnist_cppn, ["--max-connections", "2147483647"], "--max-connections: expected fewer"),
    (mnist_cppn, ["--fine-eta", "inf"], "--fine-eta: expected a finite number, got inf"),
]


@pytest.mark.parametrize(("module", "flags", "message"), HUGE, ids=[" ".join(flags) for _, flags, _ in HUGE])
def test_settings_that_no_machine_holds_are_one_line_and_leave_nothing(
    module, flags, message, settings, tmp_path, capsys
):
    outdir = tmp_path / "r"
    assert module.main([*settings, "--quiet", "--outdir", str(outdir), *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")
    if "fewer" in message:
        assert "GiB, and there are" in line
    assert list(tmp_path.iterdir()) == []


def test_the_setting_that_is_blamed_is_the_one_far_from_its_default():
    config = mnist_direct.EXPERIMENT.config(runs=10, children=100_000)
    assert memory.most_unusual(config, ("runs", "children", "max_nodes")) == "children"
    assert memory.most_unusual(mnist_direct.EXPERIMENT.config(runs=1000), ("runs", "children")) == "runs"
    assert memory.machine_bytes() > 2**28


def test_every_default_is_a_value_that_its_setting_may_have():
    for config in (mnist_direct.EXPERIMENT.config, mnist_cppn.EXPERIMENT.config, SearchSettings):
        config_from(config, json.loads(json.dumps(dataclasses.asdict(config()))), "config.json")


def test_numbers_are_finite_in_every_command():
    """So that no command has to think of it."""
    from experiments import imagenet_cppn, imagenet_direct, imagenet_gradient, mnist_gradient

    modules = (mnist_direct, mnist_cppn, mnist_gradient, imagenet_cppn, imagenet_direct, imagenet_gradient)
    for module in modules:
        config = module.EXPERIMENT.config
        for field in dataclasses.fields(config):
            kind = field.metadata["kind"]
            for value in {int: [2**31, 2**63 - 1], float: [float("inf"), sys.float_info.max * 10]}.get(
                kind, []
            ):
                with pytest.raises(InputError):
                    config_from(config, {field.name: value}, "config.json")

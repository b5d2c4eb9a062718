"""Strategies by name: what is not built in is looked at, and called only if it builds strategies."""

import importlib
import sys

import pytest
from toys import ENCODING

from fooljax.errors import InputError
from fooljax.strategies import registry

VICTIM = """
from fooljax.strategies import map_elites
def plain(encoding, *, batch_size=10, depth=1, pair: tuple[int, int] = (1, 2), many: tuple[float, ...] = (),
          some: int | None = 3, either: int | str = 1, odd: dict = {}, **more):
    seen.append((depth, pair, many, some, either))
    return map_elites(encoding, batch_size=batch_size)
def failing(encoding, *, batch_size=10):
    raise KeyError("\\x1b[31mred")
def nothing(encoding, *, batch_size=10):
    return None
def needy(encoding, *, batch_size, depth):
    seen.append("called")
def bare():
    seen.append("called")
seen = []
NUMBER = 3
"""


@pytest.fixture
def victim(tmp_path, monkeypatch):
    (tmp_path / "victim_module.py").write_text(VICTIM)
    (tmp_path / "leaving_module.py").write_text("raise SystemExit(0)")
    (tmp_path / "broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("victim_module")
    sys.modules.pop("victim_module")


def test_settings_without_annotations_are_of_their_defaults_types_and_tuples_are_tuples(victim):
    given = {"depth": "7", "pair": "3,4", "many": "1,2.5", "some": "off", "either": "x"}
    registry.build("victim_module:plain", ENCODING, 8, given)
    assert victim.seen == [(7, (3, 4), (1.0, 2.5), None, "x")]
    for name, text, message in (
        ("pair", "3", "set: expected pair to be 2 values with commas, got 3"),
        ("pair", "3,x", "set: expected pair to be a whole number, got x"),
        ("odd", "1", "set: odd cannot be given as text: its type is <class 'dict'>"),
        ("depth", "99999999999", "set: expected depth to be at most 2,147,483,647, got 99999999999"),
        ("many", "inf", "set: expected many to be finite, got inf"),
        ("more", "1", "set: victim_module:plain knows depth, pair, many, some, either, odd; got more"),
    ):
        with pytest.raises(InputError) as caught:
            registry.build("victim_module:plain", ENCODING, 8, {name: text})
        assert str(caught.value) == message


@pytest.mark.parametrize(
    "name",
    [
        *(
            "os:system",
            "builtins:int",
            "builtins:print",
            "builtins:exec",
            "subprocess:run",
            "sys:exit",
            "jax:jit",
        ),
        *("..:x", ":", "x:", ":x", "a b:c", "os", "os:system:x", "os:path.join", "\x1b[31m:x", "", "a..b:c"),
        *("victim_module:needy", "victim_module:bare", "victim_module:NUMBER", "victim_module:none"),
        *("victim_module:failing", "victim_module:nothing", "leaving_module:x", "broken_module:x"),
    ],
)
def test_what_builds_no_strategy_is_one_line_and_is_not_called(name, victim):
    with pytest.raises(InputError, match=r"^strategy: ") as caught:
        registry.build(name, ENCODING, 8, {})
    assert str(caught.value).isprintable()
    assert victim.seen == []

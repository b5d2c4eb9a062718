"""`audit.json` comes from anywhere: whatever is wrong with it is told in one line."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_audit import content, write

from fooljax.audits.record import read_audit
from fooljax.errors import InputError
from fooljax.storage.typed_json import as_json


def saved(tmp_path, made):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def test_what_is_read_is_what_was_written(tmp_path):
    write(tmp_path)
    found = read_audit(tmp_path)
    assert as_json(found) == content()
    assert found.network.from_ == "digits.onnx"
    assert found == read_audit(tmp_path / "audit.json")


def test_a_later_field_is_no_damage(tmp_path):
    made = content()
    made["network"]["colour"] = "blue"
    assert read_audit(saved(tmp_path, made | {"mood": 1})).network.name == "digits"


DAMAGES = {
    "format: expected 'fooljax-audit', which this fooljax reads, found 'x'": lambda made: made.update(
        format="x"
    ),
    "version: expected 1, which this fooljax reads, found 2": lambda made: made.update(version=2),
    "verdict: expected a list, found nothing": lambda made: made.pop("verdict"),
    "cost.seconds: expected a number, found 'long'": lambda made: made["cost"].update(seconds="long"),
    "checks[0].passed: expected true or false, found 1": lambda made: made["checks"][0].update(passed=1),
    "attacks[1].log_odds.low: expected a number or null, found nothing": lambda made: made["attacks"][1][
        "log_odds"
    ].pop("low"),
    "attacks[0].log_odds: expected a median in its interval": lambda made: made["attacks"][0][
        "log_odds"
    ].update(low=99),
    "data.accuracy: expected a share in its interval in [0, 1], found 0.99 in [0.985, 7.0]": lambda made: (
        made["data"]["accuracy"].update(high=7)
    ),
    "detectors[0].caught.0.95.cppn: expected an object, found 0.5": lambda made: made["detectors"][0][
        "caught"
    ]["0.95"].update(cppn=0.5),
    "network.image_shape: expected 3 values, found 2": lambda made: made["network"].update(
        image_shape=[28, 28]
    ),
    "network.class_names: expected 10, found 9": lambda made: made["network"]["class_names"].pop(),
    "cost.passes: expected 0 or more, found -1": lambda made: made["cost"].update(passes=-1),
    "attacks[0].passes_to.0.99: expected at most 50 classes, found 51": lambda made: made["attacks"][0][
        "passes_to"
    ]["0.99"].update(reached=51),
}


@pytest.mark.parametrize("words", DAMAGES)
def test_a_damage_is_told_in_one_line(tmp_path, words):
    made = content()
    DAMAGES[words](made)
    with pytest.raises(InputError) as raised:
        read_audit(saved(tmp_path, made))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"format": NaN}', "[" * 99, "\x00", '"\\ud800"'])
def test_what_is_no_audit_is_refused(tmp_path, text):
    (tmp_path / "audit.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"audit\.json: "):
        read_audit(tmp_path)


def test_a_folder_without_an_audit_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*audit.json: No such file"):
        read_audit(tmp_path)


def places(value, path=()):
    """Every place in a value of JSON."""
    yield path
    for name, inside in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inside, (*path, name))


PLACES = [path for path in places(content()) if path]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLACES), st.sampled_from([None, True, -1, 1e308, "\x1b[2J", [], {}, [[]], {"a": 1}]))
def test_any_value_anywhere_is_read_or_refused(tmp_path, path, value):
    made = copy.deepcopy(content())
    inside = made
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    told = ""
    try:
        read_audit(saved(tmp_path, made))
    except InputError as error:
        told = str(error)
    assert told.isprintable()

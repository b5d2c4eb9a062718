"""JSON text of genomes, read strictly: no field twice, no number that is not finite, nothing too long."""

import json
from collections.abc import Mapping
from typing import Any

from fooljax.errors import InputError

MAX_BYTES = 16 * 2**20
"""The longest text that is read or written, as UTF-8."""
_MAX_DIGITS = 400  # characters in a number: a double with all its decimals needs fewer


def write_text(content: Mapping[str, Any]) -> str:
    """JSON with one line for each field, and for each node and connection."""
    fields = []
    for name, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            written = "[\n    " + ",\n    ".join(json.dumps(item) for item in value) + "\n  ]"
        else:
            written = json.dumps(value)
        fields.append(f"  {json.dumps(name)}: {written}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def parse_text(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
      InputError: it is too long, is not JSON, names a field twice, or has numbers that are not finite.
    """
    # A character is a byte or more: what is too long already is not encoded first.
    size = len(text)
    if isinstance(text, str) and size <= MAX_BYTES:
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise InputError(f"text: expected at most {MAX_BYTES} bytes, found more")
    try:
        return json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except InputError:
        raise
    except RecursionError:
        raise InputError(
            "text: expected a genome as JSON, found lists or objects nested too deeply"
        ) from None
    except ValueError as error:
        found = " ".join(str(error).split())[:120]
        raise InputError(f"text: expected JSON, found an error: {found}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InputError(
                    f"text: expected each field of an object once, found {shown_value(name)} twice"
                )
            seen.add(name)
    return content


def _integer(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _float(digits: str) -> float:
    _check_digits(digits)
    return float(digits)


def _check_digits(digits: str) -> None:
    if len(digits) > _MAX_DIGITS:
        raise InputError(f"text: expected numbers of at most {_MAX_DIGITS} characters, found {len(digits)}")


def _constant(name: str) -> float:
    raise InputError(f"text: expected finite numbers, found {name}")


def shown_value(value: Any) -> str:
    """A stranger's value in a few words, on one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    written = json.dumps(value) if value is None or type(value) in (bool, int, float) else repr(value)
    return written if len(written) <= 40 else written[:37] + "..."

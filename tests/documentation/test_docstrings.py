"""Public functions and classes say what they are, what each argument is, and what they give, in one form.

Ruff's pydocstyle rules hold the form of every docstring in the package (pyproject.toml). What is public, the
names in `__all__` of `fooljax` and of its public modules, must say more: see below.
"""

import dataclasses
import inspect
import re
from types import ModuleType

import pytest

import fooljax

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$", re.MULTILINE)
ORDER = ("Args", "Attributes", "Returns", "Yields", "Raises")


def public():
    """The public functions and classes of the package, by their full names."""
    found = {}
    for name in fooljax.__all__:
        value = getattr(fooljax, name)
        if isinstance(value, ModuleType):
            inside = getattr(value, "__all__", None) or [
                one for one in vars(value) if not one.startswith("_") and vars(value)[one] is not None
            ]
            found |= {f"{name}.{one}": getattr(value, one) for one in inside}
        else:
            found[name] = value
    return {
        name: value
        for name, value in found.items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and (getattr(value, "__module__", None) or "").startswith("fooljax")
        and ("." not in name or value.__module__.startswith(f"fooljax.{name.split('.')[0]}"))
    }


PUBLIC = public()


def sections(text):
    """The sections of a docstring: what stands under Args, Returns and so on, by its head."""
    parts = SECTION.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True)), parts[0]


def entries(section):
    """What a section tells of, one after the other."""
    lines = inspect.cleandoc(section).splitlines()
    return [
        name.strip("*")
        for line in lines
        if (match := re.match(r"([*\w][*\w, ]*):", line))
        for name in match[1].split(", ")
    ]


def arguments(value):
    """The arguments that a caller gives."""
    return [name for name in inspect.signature(value).parameters if name not in ("self", "cls")]


def fields(value):
    """The fields of a class that is made of fields, without those that are private."""
    if dataclasses.is_dataclass(value):
        own = vars(value).get("__annotations__", {})
        of_flax = ("name", "parent")
        names = [one.name for one in dataclasses.fields(value) if one.name in own and one.name not in of_flax]
    else:
        names = list(getattr(value, "_fields", ()))
    return [name for name in names if not name.startswith("_")]


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_is_documented(name):
    value = PUBLIC[name]
    text = inspect.getdoc(value)
    assert text, "no docstring"
    first = text.splitlines()[0]
    assert first.endswith((".", ":")) or len(text.splitlines()) > 1, first
    told, _ = sections(text)
    assert list(told) == [head for head in ORDER if head in told], "sections in this order: " + ", ".join(
        ORDER
    )
    if inspect.isclass(value):
        missing = set(fields(value)) - set(entries(told.get("Attributes", "")))
        assert not missing, f"Attributes lacks {', '.join(sorted(missing))}"
        return
    missing = [one for one in arguments(value) if one not in entries(told.get("Args", ""))]
    assert not missing, f"Args lacks {', '.join(missing)}"
    unknown = [one for one in entries(told.get("Args", "")) if one not in arguments(value)]
    assert not unknown, f"Args tells of {', '.join(unknown)}, which it does not take"
    returned = inspect.signature(value).return_annotation
    assert returned in (None, "None") or "Returns" in told or "Yields" in told, "no Returns"
    raised = set(re.findall(r"raise (\w*Error)\(", inspect.getsource(inspect.unwrap(value))))
    untold = [error for error in raised if error not in told.get("Raises", "")]
    assert not untold, f"Raises lacks {', '.join(untold)}"

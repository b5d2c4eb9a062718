"""Which of the things in a PyTorch file are the weights."""

from collections.abc import Iterator
from typing import Any

from fooljax.errors import shown
from fooljax.targets.weights.pickle_machine import Unread, kind_of
from fooljax.targets.weights.pytorch_values import Refused, Tensor

WEIGHTS_NAMES = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
)
"""Under which training scripts save weights beside other things; of several, the first is taken."""
MAX_DEPTH = 3
"""Dictionaries within each other among which the weights are looked for."""
MAX_NAMED = 8
"""Things passed over that a message names."""


def chosen_weights(found: Any) -> tuple[tuple[str, ...], dict[str, Tensor], list[str]]:
    """Where the weights are, the weights, and what lies beside them, in words."""
    if not isinstance(found, dict):
        advice = "; save the model's state_dict()" if isinstance(found, Unread) else ""
        raise Refused(f"found {kind_of(found)} instead of a dictionary of tensors{advice}")
    holders = {
        place: content for place, content in _dictionaries(found) if any(map(_is_tensor, content.values()))
    }
    named = [place for place in holders if place and place[-1] in WEIGHTS_NAMES]
    if not holders:
        others = _in_words(found, None)
        raise Refused(f"found no tensor in the dictionary{f' of {_listed(others)}' if others else ''}")
    if named:
        place = min(named, key=lambda place: (WEIGHTS_NAMES.index(place[-1]), len(place)))
    else:
        sizes = {place: sum(map(_is_tensor, content.values())) for place, content in holders.items()}
        most = [place for place, size in sizes.items() if size == max(sizes.values())]
        if len(most) > 1:
            places = [shown(".".join(place) or "the top", 40) for place in most]
            raise Refused(f"found several that may be weights: {_listed(places)}")
        place = most[0]
    others = []
    within = found
    for step in (*place, None):
        others += _in_words(within, step)
        within = within if step is None else within[step]
    return place, {name: value for name, value in within.items() if _is_tensor(value)}, others


def _dictionaries(found: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each dictionary once, the outer ones first, without what optimizers keep."""
    seen: set[int] = {id(found)}
    level: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), found)]
    for _ in range(MAX_DEPTH + 1):
        yield from level
        inner = []
        for place, content in level:
            for name, value in content.items():
                if isinstance(value, dict) and id(value) not in seen and "optim" not in name.lower():
                    seen.add(id(value))
                    inner.append(((*place, name), value))
        level = inner


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _in_words(content: dict[str, Any], step: str | None) -> list[str]:
    """What is passed over in a dictionary: all but one item, or all but the tensors."""
    words = []
    for name, value in content.items():
        if name == step or (step is None and _is_tensor(value)):
            continue
        kind = f" ({value.what})" if isinstance(value, Unread) else ""
        words.append(f"{shown(name, 40)}{kind}")
    return words


def _listed(words: list[str]) -> str:
    return ", ".join(words[:MAX_NAMED]) + (" and more" if len(words) > MAX_NAMED else "")

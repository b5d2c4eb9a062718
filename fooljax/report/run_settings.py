"""Settings of a run, facts of its network and its machine, as the page of a run lists them."""

from collections.abc import Iterator, Mapping
from typing import Any

from fooljax.errors import shown
from fooljax.runs.record import RunRecord
from fooljax.settings import in_words


def settings(record: RunRecord) -> dict[str, dict[str, str]]:
    """Settings of the search, facts of the network, and the machine: name and value, by group."""
    summary, facts = record.summary, record.target_facts
    accuracy = facts.get("clean_accuracy")
    first = ("name", "clean_accuracy", "class_names", "confidence", "params_sha256", "jax", "flax")
    return {
        "Search": {_spaced(name): shown(in_words(value)) for name, value in record.settings.items()},
        "Network": {
            "name": str(facts.get("name", summary["target"])),
            "classes": f"{len(record.class_names):,}",
            "confidence": str(summary.get("confidence", facts.get("confidence", "not known"))),
            "clean accuracy": "not measured" if accuracy is None else percentage(accuracy, 2),
            **dict(_flat({name: value for name, value in facts.items() if name not in first})),
            "parameters (SHA-256)": record.target_sha256,
        },
        "Machine": {"device": str(summary.get("device", "not known")), **summary.get("versions", {})},
    }


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Facts by name; what belongs to a fact has its name before its own."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{_spaced(name)}: ")
        else:
            yield f"{above}{_spaced(name)}", shown(in_words(value))


def made_by(record: RunRecord) -> str:
    """A sentence on what made a run of which no command line is known."""
    if record.experiment:
        return f"The run was made by python -m experiments.{record.experiment}, with the settings below."
    return "The run was started from Python, so there is no command line that does it again."


def _spaced(name: str) -> str:
    return str(name).replace("_", " ")


def percentage(share: float, digits: int) -> str:
    """A share as a percentage."""
    return f"{100.0 * share:.{digits}f} %"

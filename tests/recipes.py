"""Kinds of search that tests do: any target and any encoding, as `fooljax evolve` would be given them."""

from fooljax.report import evolution_page
from fooljax.runs import evolution_run
from fooljax.runs.encoding_kinds import EncodingKind, NoSettings
from fooljax.runs.recipe import Recipe
from fooljax.runs.search_settings import SearchSettings
from fooljax.runs.words import own_encoding, own_network
from fooljax.settings import compose
from fooljax.targets.choice import TargetChoice
from fooljax.targets.registry import KnownTarget

NOTHING_ELSE = NoSettings
"""The settings of a target or an encoding that has none."""


def recipe(name, choose, encode, settings=NOTHING_ELSE):
    """A search against what `choose(settings)` chooses, of images that `encode(image_shape)` makes."""
    return Recipe(
        command=("python", "-m", f"experiments.{name}"),
        experiment=name,
        target_name="",
        target=KnownTarget(settings, choose, name),
        encoding_name=name,
        encoding=EncodingKind(NoSettings, lambda _, shape: encode(shape), own_encoding(name), name, {}),
        network=own_network(name),
        config=compose("Settings", (SearchSettings, settings)),
    )


def choice_of(target, second=None, **facts):
    """The choice of a target that is there already."""
    return TargetChoice(
        target.image_shape, "data: none", {}, (), lambda say: target, second=lambda say: second, **facts
    )


def run(kind, settings, outdir):
    """Does a search in a new folder, with its page; gives what `summary.json` says."""
    return evolution_run.run(kind, settings, outdir, evolution_page.write)


def resume(kind, folder, given):
    """Goes on with a search in its folder."""
    return evolution_run.resume(kind, folder, given, evolution_page.write)

import json
import shutil

import pytest

import fooljax
from fooljax.cli import export


@pytest.fixture(scope="session")
def search(finished, tmp_path_factory):
    """The folder of a search of two runs, with genomes as JSON beside its images; not to be changed."""
    folder = tmp_path_factory.mktemp("exported") / "Digits, twice"
    shutil.copytree(finished, folder)
    for picture in folder.glob("elites/*.png"):
        picture.with_suffix(".json").write_text(json.dumps({"of": picture.name}))
    return folder


@pytest.fixture(scope="session")
def ascent(finished, tmp_path_factory):
    """The folder of a gradient ascent from two start images, of two of its classes; not to be changed."""
    folder = tmp_path_factory.mktemp("exported") / "ascent"
    names = fooljax.open_run(finished).class_names
    target = fooljax.as_target(_logits, image_shape=(6, 6, 1), class_names=names)
    fooljax.ascend(
        target, [0, 3], key=3, rule="unregularised", starts=2, iterations=2, outdir=folder, check_target=False
    )
    return folder


def _logits(images):
    """Of a network that sees four classes, one in each of the first four pixels."""
    return 9.0 * images.reshape(len(images), -1)[:, :4]


@pytest.fixture
def exported(search, ascent, tmp_path):
    """Exports both runs for a reader, and gives the folder."""

    def write(reader, *flags, name="set"):
        output = tmp_path / name
        words = [str(search), str(ascent), "--to", reader, "--output", str(output)]
        assert export.main([*words, *flags]) == 0
        return output

    return write

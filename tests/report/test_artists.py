"""The gallery comes from rows alone, allows no script but its own, and draws as fooljax does."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from importlib.resources import files

import jax
import numpy as np
import pytest

from fooljax import encodings
from fooljax.encodings.cppn.serialise import from_json
from fooljax.rendering import draw
from fooljax.report.artists import decode_genome, figures, findings, tables

ENGINE = files("fooljax.report").joinpath("cppn.js")
NODE = shutil.which("node")
RUN = """
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
require("vm").runInThisContext(input.engine);
console.log(JSON.stringify(eval(input.ask)));
"""


def genome(colour="grey", **changes):
    count = 1 if colour == "grey" else 3
    return {
        "format": "fooljax-cppn",
        "version": 1,
        "coordinates": "scaled",
        "size": [8, 8],
        "colour": colour,
        "functions": ["sine", "gaussian"],
        "inputs": [{"id": n, "name": name} for n, name in enumerate(("x", "y", "distance", "bias"))],
        "outputs": list(range(5, 5 + count)),
        "nodes": [
            {"id": 4, "function": "gaussian"},
            *({"id": 5 + n, "function": "sine"} for n in range(count)),
        ],
        "connections": [
            {"source": 0, "target": 4, "weight": 1.5},
            {"source": 3, "target": 4, "weight": -0.5},
            *({"source": 4, "target": 5 + n, "weight": 2.0 + n} for n in range(count)),
        ],
        **changes,
    }


def row(room, *names, **changes):
    picture = {"log_odds": 3.0, "agree": ["squeezenet"], "asked": 4, "genome": genome(), **changes}
    pictures = [
        {"file": f"{n:03d}", "class": n, "class_name": name, **picture} for n, name in enumerate(names)
    ]
    return {"kind": "room", "room": room, "candidates": len(names), "pictures": pictures}


def asked(ask, **more):
    """What the engine says, in JavaScript outside of a browser."""
    given = {"engine": ENGINE.read_text(encoding="utf-8"), "ask": ask, **more}
    done = subprocess.run(
        [NODE, "-e", RUN], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_table_names_pictures_and_who_agrees():
    text = tables([row("no_waves", "a </script> b", asked=0), row("alike", "ibex")])
    assert text.index("Other networks see it too") < text.index("Without waves")
    assert "| ibex | 95.25 % | 1 of 4 other networks agree | 2 | 3 |" in text
    assert "no other network was asked" in text


def test_agreement_is_counted_over_networks_of_other_families():
    agrees = {"elites": [72, 1000], "clean": [50, 100]}
    judges = {
        "lite1": {"same_family": True, "agrees": agrees},
        "squeezenet": {"same_family": False, "agrees": agrees},
    }
    of_judges = {"kind": "judges", "judges": judges}
    found = findings([row("alike", "ibex"), of_judges])
    assert set(found) == {"squeezenet_elites", "squeezenet_clean"}
    assert found["squeezenet_elites"].value.estimate == 0.072
    assert found["squeezenet_elites"].of == "72 of 1,000 images"
    text = tables([of_judges])
    assert "| lite1, of the same family | 7.2 % [5.7, 9.0] | 50.0 % [40.3, 59.7] |" in text


@pytest.fixture(scope="module")
def made():
    return figures([row("alike", "a </script><script>alert(1)</script>")])


def test_the_gallery_is_one_file_that_allows_its_own_script_alone(made):
    html = made["gallery.html"].decode()
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    )
    assert not re.search(r"https?://|(?:src|href)=\"(?!data:|#)", html)
    (content,) = re.findall(r'<script type="application/json" id="pictures">(.*?)</script>', html, re.DOTALL)
    assert json.loads(content)[0]["genome"] == genome()


def test_genome_files_are_read_again(made):
    assert from_json(made["000.json"])[2].size == (8, 8)


def test_nothing_is_made_without_rows():
    assert figures([]) == {}
    assert tables([]) == ""


needs_node = pytest.mark.skipif(NODE is None, reason="JavaScript outside of a browser needs node")


@needs_node
def test_the_browser_s_formulas_are_those_of_the_nodes_that_count():
    some = genome()
    some["nodes"].append({"id": 9, "function": "sine"})
    assert asked("formulas(input.genome)", genome=some) == [
        "v1 = gaussian(1.50 x \N{MINUS SIGN} 0.50)",
        "grey = sine(2.00 v1)",
    ]


@needs_node
def test_what_is_no_genome_is_refused_by_the_browser():
    circle = genome()
    circle["connections"].append({"source": 4, "target": 4, "weight": 1.0})
    for wrong in (circle, {}, genome(outputs=[77]), genome(nodes=[{"id": 4, "function": "constructor"}])):
        ask = "(() => { try { ordered(input.genome); return '' } catch (error) { return error.message } })()"
        assert asked(ask, genome=wrong)


@needs_node
def test_children_bred_in_the_browser_are_genomes_of_fooljax():
    ask = """(() => {
      const random = uniform(3), line = [];
      let one = input.genome;
      for (let n = 0; n < 400; n++) { one = mutated(one, random); if (n % 20 === 0) line.push(text(one)); }
      return line;
    })()"""
    line = asked(ask, genome=genome("hls"))
    assert len(set(line)) > 10
    for written in line:
        layout = from_json(written)[1]
        assert layout.max_nodes <= 64
        assert layout.max_connections <= 96


@needs_node
@pytest.mark.slow  # CPPNs compile for long
@pytest.mark.parametrize("colour", ["grey", "rgb", "hls", "hsv"])
def test_the_browser_draws_what_fooljax_draws(colour):
    channels = 1 if colour == "grey" else 3
    encoding = encodings.cppn((24, 20, channels), functions="wide", coordinates="scaled", colour=colour)
    one = encoding.init(jax.random.key(1))
    for number in range(40):
        parents = jax.tree.map(lambda leaf: leaf[None], one)
        one = encoding.vary(jax.random.fold_in(jax.random.key(2), number), parents, 0)
    content = json.loads(encoding.to_json(one))
    again, read = decode_genome(content)
    expected = draw(again, jax.tree.map(lambda leaf: np.asarray(leaf)[None], read))[0].astype(int)
    pixels = np.asarray(asked("Array.from(drawn(input.genome, 20, 24))", genome=content)).reshape(24, 20, 4)
    apart = np.abs(pixels[..., :channels] - expected)
    # A step of hue, which is two degrees, moves red, green and blue by several levels.
    assert np.mean(apart > 1) < (0.03 if colour in ("hls", "hsv") else 0.005)
    assert np.all(pixels[..., 3] == 255)

"""Pages of the site that are made of other files. `make docs` checks the rest: links, anchors, warnings."""

import base64
import doctest

import pytest

import fooljax
from docs import site_pages, site_search
from docs.site_pages import EXAMPLES, NOTEBOOKS, api_pages, notebook_page, site_links


def test_every_public_name_has_a_place_in_the_api():
    pages = api_pages()
    for name in fooljax.__all__:
        if f"api/{name}.md" in pages:
            module = getattr(fooljax, name)
            for inside in getattr(module, "__all__", ()):
                assert f"::: fooljax.{name}.{inside}\n" in pages[f"api/{name}.md"]
        else:
            assert f"::: fooljax.{name}\n" in pages["api/index.md"]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.md")), ids=lambda file: file.stem)
def test_what_a_page_of_the_api_shows_comes_out(file):
    assert file.read_text("utf-8") in api_pages()[f"api/{file.name}"]
    failed, shown = doctest.testfile(str(file), module_relative=False, encoding="utf-8")
    assert failed == 0
    assert shown > 1


def test_links_of_the_root_folder_lead_to_pages_of_the_site():
    text = "[a](docs/guide/data.md) [b](CHANGELOG.md#x) [c](docs/notebooks/one.ipynb) [d](CITATION.cff) [e](https://f)"
    assert site_pages.on_page_markdown(site_links(text), page=None) == (
        "[a](guide/data.md) [b](changelog.md#x) [c](notebooks/one.md) d: `CITATION.cff` [e](https://f)"
    )


def test_links_to_notebooks_become_links_to_their_pages():
    text = "[a](notebooks/one.ipynb) [b](../notebooks/two.ipynb) [c](other/three.ipynb)"
    assert site_pages.on_page_markdown(text, page=None) == (
        "[a](notebooks/one.md) [b](../notebooks/two.md) [c](other/three.ipynb)"
    )


def test_a_notebook_is_a_page_of_text_code_and_outputs():
    picture = {"image/png": base64.b64encode(b"PNG").decode(), "text/plain": "Two bars."}
    told = {"image/png": {"alt": "Two bars.", "width": 40}}
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {"output_type": "execute_result", "data": {"text/plain": ["3"]}, "metadata": {}},
        {"output_type": "execute_result", "data": picture, "metadata": told},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# A head\n", "\n", "Some words."]},
        {"cell_type": "code", "source": ["x = 1"], "outputs": outputs},
    ]
    page, pictures = notebook_page({"cells": cells}, "mine")
    assert page == (
        "# A head\n\nSome words.\n\n```python\nx = 1\n```\n\n```text\none\ntwo\n```\n\n```text\n3\n```\n\n"
        '![Two bars.](mine_1.png){ width="40" }\n'
    )
    assert pictures == {"mine_1.png": b"PNG"}


def test_every_notebook_is_in_the_navigation():
    navigation = (site_pages.ROOT / "mkdocs.yml").read_text("utf-8")
    for path in NOTEBOOKS.glob("*.py"):
        assert f"notebooks/{path.stem}.md" in navigation


def test_on_disk_the_search_begins_a_worker_from_text_and_loads_nothing():
    script = site_search.from_disk('onmessage = () => "</script>";')
    assert '"onmessage = () => \\"</script>\\";"' in script
    assert "http" not in script
    settings = (site_pages.ROOT / "mkdocs.yml").read_text("utf-8")
    assert site_search.SCRIPT in settings

"""The pages of the site that are made of other files: README, contributing, changes, notebooks and API.

MkDocs calls the functions below while it builds the site (`hooks` in mkdocs.yml). None of these pages is
kept in the tree, so none can fall behind the file that it is made of.
"""

import ast
import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
COPIED = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
"""Pages that are a file of the root folder with its links made those of the site."""
NOTEBOOKS = ROOT / "docs" / "notebooks"
EXAMPLES = ROOT / "docs" / "api_examples"
"""What a page of the API begins with, by the name of the page; a test runs it."""


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Puts a page for each room of the library under "API"."""
    for entry in config.nav or []:
        if "API" in entry:
            entry["API"] = sorted(api_pages())
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Adds the pages."""
    from mkdocs.structure.files import File

    pages = {page: site_links((ROOT / source).read_text("utf-8")) for page, source in COPIED.items()}
    pictures: dict[str, bytes] = {}
    for path in NOTEBOOKS.glob("*.ipynb"):
        page, drawn = notebook_page(json.loads(path.read_text("utf-8")), path.stem)
        pages[f"notebooks/{path.stem}.md"] = page
        pictures |= {f"notebooks/{name}": png for name, png in drawn.items()}
    for name, content in (pages | api_pages() | pictures).items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turns links to notebooks, as the tree has them, into links to their pages."""
    return re.sub(r"\]\(((?:\.\./)*notebooks/\w+)\.ipynb\)", r"](\1.md)", markdown)


def site_links(text: str) -> str:
    """Markdown of the root folder with its links to files turned into links to pages of the site."""
    text = text.replace("](docs/", "](")
    text = re.sub(r"\[([^]]+)\]\((CITATION\.cff)\)", r"\1: `\2`", text)
    for page, source in COPIED.items():
        text = text.replace(f"]({source}", f"]({page}")
    return text


def notebook_page(notebook: Mapping[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """A notebook with its outputs as Markdown.

    Args:
      notebook: the content of a .ipynb file.
      name: of the notebook, from which its pictures get theirs.
    Returns:
      The page, and its pictures by the names of their files.
    """
    page, pictures = [], {}
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            page.append(text)
            continue
        page.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                told = output["metadata"]["image/png"]
                file = f"{name}_{len(pictures) + 1}.png"
                pictures[file] = base64.b64decode("".join(data["image/png"]))
                page.append(f'![{told["alt"]}]({file}){{ width="{told["width"]}" }}')
            else:
                printed = "".join(output.get("text", data.get("text/plain", "")))
                page.append(f"```text\n{printed.rstrip()}\n```")
    return "\n\n".join(page) + "\n", pictures


def exported(module: Path) -> list[str]:
    """The names in a module's `__all__`, read without running it; none where it has no such list."""
    for statement in ast.parse(module.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(name, ast.Name) and name.id == "__all__" for name in statement.targets
        ):
            return list(ast.literal_eval(statement.value))
    return []


def api_pages() -> dict[str, str]:
    """A page for the names that `import fooljax` gives, and one for each of its public modules."""
    package = ROOT / "fooljax"
    public = exported(package / "__init__.py")
    modules = [name for name in public if (package / name).is_dir() or (package / f"{name}.py").is_file()]
    listed = "\n".join(f"- [`fooljax.{name}`]({name}.md)" for name in modules)
    names = [name for name in public if name not in modules]
    rooms = f"Modules, each with a page of its own:\n\n{listed}"
    top = f"# fooljax\n\n{example('index')}{rooms}\n\n{blocks('fooljax', names)}"
    pages = {"api/index.md": top}
    for name in modules:
        file = package / name / "__init__.py" if (package / name).is_dir() else package / f"{name}.py"
        inside = exported(file)
        body = blocks(f"fooljax.{name}", inside) if inside else whole(f"fooljax.{name}")
        pages[f"api/{name}.md"] = f"# fooljax.{name}\n\n{example(name)}{body}"
    return pages


def example(page: str) -> str:
    """What a page of the API begins with, if anything."""
    file = EXAMPLES / f"{page}.md"
    return f"{file.read_text('utf-8')}\n" if file.is_file() else ""


def blocks(module: str, names: list[str]) -> str:
    """What makes mkdocstrings write the documentation of some names."""
    return "\n\n".join(f"::: {module}.{name}" for name in names) + "\n"


def whole(module: str) -> str:
    """What makes mkdocstrings write the documentation of a module and of all modules in it."""
    return f"::: {module}\n    options:\n      show_root_heading: false\n      show_submodules: true\n"

"""The pages of the site that are made of other files: README, contributing, changes, notebook and API.

MkDocs calls the functions below while it builds the site (`hooks` in mkdocs.yml). None of these pages is
kept in the tree, so none can fall behind the file that it is made of.
"""

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

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
    pages |= {
        f"notebooks/{path.stem}.md": notebook_page(path.read_text("utf-8")) for path in NOTEBOOKS.glob("*.py")
    }
    for page, text in (pages | api_pages()).items():
        files.append(File.generated(config, page, content=text))
    return files


def site_links(text: str) -> str:
    """Markdown of the root folder with its links to files turned into links to pages of the site."""
    text = text.replace("](docs/", "](")
    text = re.sub(r"\]\((notebooks/\w+)\.py\)", r"](\1.md)", text)
    text = re.sub(r"\[([^]]+)\]\((CITATION\.cff)\)", r"\1: `\2`", text)
    for page, source in COPIED.items():
        text = text.replace(f"]({source}", f"]({page}")
    return text


def notebook_page(source: str) -> str:
    """A notebook in Jupytext's percent form as Markdown: its text as text, its code as blocks of code."""
    parts = re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    page = []
    for kind, cell in zip(parts[1::2], parts[2::2], strict=True):
        if "[markdown]" in kind:
            page.append(re.sub(r"^# ?", "", cell.strip(), flags=re.MULTILINE))
        else:
            page.append(f"```python\n{cell.strip()}\n```")
    return "\n\n".join(page) + "\n"


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
    top = f"# fooljax\n\nModules, each with a page of its own:\n\n{listed}\n\n{blocks('fooljax', names)}"
    pages = {"api/index.md": top}
    for name in modules:
        file = package / name / "__init__.py" if (package / name).is_dir() else package / f"{name}.py"
        inside = exported(file)
        body = blocks(f"fooljax.{name}", inside) if inside else whole(f"fooljax.{name}")
        pages[f"api/{name}.md"] = f"# fooljax.{name}\n\n{body}"
    return pages


def blocks(module: str, names: list[str]) -> str:
    """What makes mkdocstrings write the documentation of some names."""
    return "\n\n".join(f"::: {module}.{name}" for name in names) + "\n"


def whole(module: str) -> str:
    """What makes mkdocstrings write the documentation of a module and of all modules in it."""
    return f"::: {module}\n    options:\n      show_root_heading: false\n      show_submodules: true\n"

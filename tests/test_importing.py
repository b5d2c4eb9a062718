"""Values of a user's own modules: what can be imported, and one clear line for what cannot."""

import sys

import pytest

from fooljax.data.loading import READERS
from fooljax.errors import InputError
from fooljax.importing import import_named, import_value, is_import_name


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module into the current folder, which no `sys.path` names; gives its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    name = f"own_{tmp_path.name}"

    def write(text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield write
    sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a:b", True),
        ("a.b_c.d1:e", True),
        ("", False),
        ("a", False),
        ("a:", False),
        (":b", False),
        ("a:b:c", False),
        ("a/b.py:c", False),
        ("a:b()", False),
        ("1a:b", False),
        ("a:b\n", False),
        ("tfds:mnist", False),
        *((f"{kind}:folder", False) for kind in READERS),
        ("folder:folder", False),
    ],
)
def test_the_form_of_a_name(text, is_one):
    assert is_import_name(text) == is_one
    if not is_one:
        with pytest.raises(InputError, match=r"^target: expected (MODULE:NAME|a module)") as caught:
            import_named("target", text)
        assert "\n" not in str(caught.value)


def test_modules_of_the_current_folder_are_found(module):
    assert import_value("target", f"{module('x = 3')}:x", int, "a number") == 3


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("raise KeyError('of mine')", r"can be imported in .*:x, got KeyError: 'of mine'$"),
        ("import no_such_module", "got ModuleNotFoundError: No module named 'no_such_module'$"),
        ("raise SystemExit", "got SystemExit$"),
        ("x = (", "got SyntaxError: "),
        ("y = 3", "expected a name in the module .*, got x$"),
        ("x = 'three'", "a function without arguments that returns one, got something of type str$"),
        ("class x: pass", "got the class x$"),
        ("def x(y): return 3", "got a function that needs arguments$"),
        ("def x(): return None", "to return a number, got None$"),
        ("def x(): raise OSError('a\\nb')", "failed: OSError: a b$"),
        ("def x(): exit()", "failed: SystemExit"),
    ],
)
def test_whatever_is_wrong_is_one_line(module, text, match):
    with pytest.raises(InputError, match=f"^target: .*{match}") as caught:
        import_value("target", f"{module(text)}:x", int, "a number")
    assert "\n" not in str(caught.value)


def test_ctrl_c_in_a_users_code_is_no_error_of_the_input(module):
    with pytest.raises(KeyboardInterrupt):
        import_value("target", f"{module('def x(): raise KeyboardInterrupt')}:x", int, "a number")

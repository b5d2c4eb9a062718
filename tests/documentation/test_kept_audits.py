"""Audits that the documentation keeps: numbers without classes, and a page that leads to nothing it lacks."""

from made_audit import write
from pages import Page

from docs import kept_audits
from fooljax.audits.record import read_audit


def test_an_audit_is_kept_without_what_its_folder_alone_has(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_audits, "KEPT", tmp_path / "kept")
    (tmp_path / "kept/rows").mkdir(parents=True)
    folder = write(tmp_path / "digits")
    assert kept_audits.main([str(folder)]) == 0
    kept, whole = read_audit(tmp_path / "kept/rows/digits.json"), read_audit(folder)
    assert (kept.classes, kept.verdict) == ((), whole.verdict)
    page, of_folder = (
        Page(path.read_text("utf-8")) for path in (tmp_path / "kept/digits.html", folder / "index.html")
    )
    assert all(one["href"].startswith("#") for one in page.of("a"))
    assert "".join(page.text) == "".join(of_folder.text)

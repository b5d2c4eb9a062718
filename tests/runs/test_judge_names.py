"""Judges by name: a target of one's own whose classes bear no names."""

import fooljax
from fooljax.runs.judge_names import named_judges
from fooljax.targets.own_choice import choice_of


def test_a_judge_without_class_names_has_numbers_as_the_network_has(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_judge.py").write_text(
        "import fooljax\n"
        "target = fooljax.as_target(lambda images: images.reshape(len(images), -1)[:, :3],"
        " image_shape=(2, 2, 1))\n"
    )
    choice = choice_of(fooljax.as_target(lambda images: images[:, 0, :3, 0], image_shape=(3, 3, 1)))
    judges = named_judges("own_judge:target", choice, print)
    assert judges["own_judge:target"].class_names == ("0", "1", "2")

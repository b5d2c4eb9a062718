"""The table of what judges say of published searches, from made summaries."""

from pathlib import Path

from docs.judged_searches import judged_searches
from docs.rows import Search


def said(images, fooled, nobody, no_other, relative, neighbours):
    return {
        "images": images,
        "fooled": fooled,
        "no_judge_agrees": nobody,
        "no_judge_of_another_family_agrees": no_other,
        "judges": {"next": {"agrees": relative}, "knn": {"agrees": neighbours}},
    }


def summary(seed, relative):
    def of(one):
        return {
            **one,
            "judges": {relative if name == "next" else name: n for name, n in one["judges"].items()},
        }

    sets = {"elites": said(50, 40, 3, 30, 37, 10), "clean": said(100, 80, 0, 1, 98, 95)}
    sets["uniform_noise"] = said(100, 0, 0, 0, 0, 0)
    judges = {relative: {"same_family": True}, "knn": {"same_family": False}}
    panel = {"judges": judges, "sets": {name: of(one) for name, one in sets.items()}}
    return {"target": "LeNet", "dataset": "mnist", "target_sha256": f"{seed}", "panel": panel}


def search(name, rows):
    return Search(name, (Path("a.json"),) * len(rows), tuple(rows))


def test_judges_are_counted_over_networks_and_relatives_as_one():
    rows = [summary(0, "lenet-1"), summary(1, "lenet-2")]
    table = judged_searches({"evolved": search("evolved", rows)})
    assert "| `evolved` | 80 of 100 | 74 of 100 | 20 of 100 | 6 of 100 | 60 of 100 |" in table
    assert "| control: clean images | 160 of 200 | 196 of 200 | 190 of 200 | 0 of 200 | 2 of 200 |" in table
    assert "| control: uniform noise | 0 of 200 |" in table


def test_a_search_whose_judges_were_not_all_asked_is_left_out():
    asked = [summary(0, "lenet-1"), summary(1, "lenet-2")]
    silent = [asked[0], {**asked[1], "panel": None}]
    table = judged_searches({"silent": search("silent", silent), "evolved": search("evolved", asked)})
    assert "silent" not in table
    assert judged_searches({"silent": search("silent", silent)}) == ""

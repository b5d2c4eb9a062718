"""The packages that the data sets are for read them, by the very lines of their cards."""

import re

import pytest


def lines_of(folder, number=0):
    """The lines of Python that a card says a data set is read by."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", card, re.DOTALL)[number]


def read(folder, monkeypatch, number=0):
    monkeypatch.chdir(folder.parent)
    names = {}
    exec(lines_of(folder, number), names)
    return names


def test_pytorch_ood_reads_its_fooling_images(exported, monkeypatch):
    pytest.importorskip("pytorch_ood")
    images = read(exported("pytorch-ood"), monkeypatch)["images"]
    assert len(images) == 12
    picture, label = images[11]
    assert (picture.size, label) == ((6, 6), -1)


def test_pytorch_ood_finds_a_table_that_was_changed(exported, monkeypatch):
    pytest.importorskip("pytorch_ood")
    folder = exported("pytorch-ood")
    with open(folder / "metadata.csv", "a") as file:
        file.write("\n")
    with pytest.raises(RuntimeError, match="corrupted"):
        read(folder, monkeypatch)


def test_pytorch_ood_reads_the_list_of_openood(exported, monkeypatch):
    pytest.importorskip("pytorch_ood")
    folder = exported("openood")
    monkeypatch.chdir(folder)
    names = {}
    exec(lines_of(folder, -1), names)
    assert len(names["images"]) == 12
    assert all(label == -1 for _, label in names["images"])


def test_webdataset_reads_the_tar_files(exported, monkeypatch):
    pytest.importorskip("webdataset")
    names = read(exported("webdataset"), monkeypatch)
    assert names["label"] == names["row"]["label"] == 3
    import webdataset

    samples = list(webdataset.WebDataset("set/set-000000.tar", shardshuffle=False).decode("pil"))
    assert len(samples) == 12
    assert sum("of" in sample.get("genome.json", {}) for sample in samples) == 8


def test_datasets_reads_the_folder_of_the_hub(exported, monkeypatch, tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = exported("hub")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    images = read(folder, monkeypatch)["images"]
    assert len(images) == 12
    assert images[11]["image"].size == (6, 6)
    assert {"label", "class_name", "log_odds", "source", "seed"} <= set(images.features)
    whole = datasets.load_dataset(str(folder))  # as from the hub, by the card
    assert list(whole) == ["test"]
    assert whole["test"]["log_odds"] == images["log_odds"]

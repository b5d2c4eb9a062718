"""Preparing a copy by TensorFlow Datasets: with the network, and what is said where it cannot be done."""

import socket
import sys
import threading
from types import SimpleNamespace

import pytest
from data_samples import make_builder, sample

from fooljax.data import load, tfds
from fooljax.errors import FaultError, InputError


def test_preparing_without_tensorflow_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds, "_is_installed", lambda module: module != "tensorflow")
    with pytest.raises(
        FaultError, match=r"^data: expected a copy of cifar10 .*or tensorflow to prepare one, got neither$"
    ):
        load("tfds:cifar10", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def preparable(monkeypatch):
    """Makes `tfds.builder_cls` return a given builder, as if TensorFlow were there and knew it."""
    import tensorflow_datasets

    monkeypatch.setattr(tfds, "_is_installed", lambda module: True)

    def prepare(make):
        monkeypatch.setattr(
            tensorflow_datasets, "builder_cls", lambda name: lambda data_dir, file_format: make(data_dir)
        )

    return prepare


def test_preparing_ends_in_a_copy_that_is_read(tmp_path, preparable, capsys):
    preparable(lambda root: make_builder(root, sample(), name="fresh"))
    data = load("tfds:fresh", data_dir=tmp_path)
    assert len(data.train_images) == 12
    assert data.name == "fresh-tfds"
    assert capsys.readouterr().out == ""  # TFDS's progress belongs on stderr
    preparable(lambda root: pytest.fail("prepared twice"))
    assert load("tfds:fresh", data_dir=tmp_path).digest == data.digest


def test_preparing_without_network_fails_soon(tmp_path, preparable, monkeypatch):
    def make(root):
        builder = make_builder(root, sample(), name="far")
        builder.url_infos = {"https://example.invalid/far.zip": None}
        builder.download_and_prepare = lambda: pytest.fail("went on to download")
        return builder

    preparable(make)
    with pytest.raises(FaultError, match=r"^data: expected to download far from example\.invalid"):
        load("tfds:far", data_dir=tmp_path)
    # a host that never answers is given up as well
    monkeypatch.setattr(tfds, "CONNECT_SECONDS", 0.1)

    over, answered = threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        over.wait(60)
        answered.set()
        raise OSError("too late")

    monkeypatch.setattr(socket, "create_connection", slow)
    with pytest.raises(FaultError, match=r"no connection"):
        load("tfds:far", data_dir=tmp_path)
    assert not answered.is_set()
    over.set()


@pytest.mark.parametrize(
    ("proxies", "address"),
    [
        ({}, ("example.invalid", 443)),
        ({"https": "http://proxy.invalid:3128"}, ("proxy.invalid", 3128)),
        ({"https": "proxy.invalid:3128"}, ("proxy.invalid", 3128)),
        ({"http": "http://proxy.invalid:3128"}, ("example.invalid", 443)),
    ],
)
def test_the_network_is_looked_for_where_downloads_would_go(monkeypatch, proxies, address):
    tried = []

    def connect(where, timeout):
        tried.append(where)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(tfds.urllib.request, "getproxies", lambda: proxies)
    monkeypatch.setattr(tfds.urllib.request, "proxy_bypass", lambda host: False)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert tfds._is_reachable("https://example.invalid/a")
    assert tried == [address]


def test_preparing_faults_are_one_line(tmp_path, preparable):
    def broken(root):
        builder = make_builder(root, sample(), name="broken")
        builder.download_and_prepare = lambda: (_ for _ in ()).throw(OSError(28, "No space left\non device"))
        return builder

    preparable(broken)
    with pytest.raises(FaultError, match=r"^data: expected TFDS to prepare broken .*No space left[^\n]*$"):
        load("tfds:broken", data_dir=tmp_path)


def test_unknown_names_are_the_users(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds, "_is_installed", lambda module: True)
    with pytest.raises(InputError, match=r"^data: .*TFDS knows, got 'no_such_dataset'"):
        load("tfds:no_such_dataset", data_dir=tmp_path)


def test_preparing_without_tfds_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds, "_is_installed", lambda module: True)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(FaultError, match=r"^data: expected the package tensorflow-datasets"):
        load("tfds:cifar10", data_dir=tmp_path)

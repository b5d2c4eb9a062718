"""Nothing here touches the network: any attempt fails the test."""

import socket

import pytest
from data_samples import make_copy, sample


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("a test reached for the network")

    for owner, attribute in (
        (socket.socket, "connect"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, attribute, refuse)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "no-tfds"))  # never the developer's own copies


@pytest.fixture(scope="session")
def copy_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    make_copy(root, sample(shape=(5, 4, 1)))
    return root

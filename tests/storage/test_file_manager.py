"""Backends are found by name, made once, and used through one door."""

import sys

import numpy as np
import pytest

from platecast.errors import StorageError, UnknownBackendError
from platecast.storage import DiskBackend, FileManager, MemoryBackend, StorageBackend

IMAGE = np.arange(12, dtype="uint16").reshape(3, 4)


@pytest.fixture
def registry(monkeypatch):
    """Let a test define backends that nobody else sees."""
    monkeypatch.setattr(StorageBackend, "_classes", dict(StorageBackend.registered()))


@pytest.fixture
def plugin(registry, monkeypatch, tmp_path):
    """Install a third party's distribution, which knows its backend by an entry point alone."""
    (tmp_path / "vault_plugin.py").write_text(
        "from platecast.storage import MemoryBackend\n"
        "class Vault(MemoryBackend):\n    name = 'vault'\n"
        "class NoBackend:\n    pass\n"
    )
    facts = tmp_path / "vault_plugin-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: vault-plugin\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[platecast.backends]\nvault = vault_plugin:Vault\nbroken = vault_plugin:NoBackend\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("vault_plugin", None)


def test_one_door_for_every_operation(tmp_path):
    files = FileManager()
    path = tmp_path / "image.tif"
    for backend in ("memory", "disk"):
        files.save(IMAGE, path, backend)
        assert files.exists(path, backend)
        assert files.list(tmp_path, backend) == (str(path),)
        np.testing.assert_array_equal(files.load(path, backend), IMAGE)
        files.delete(path, backend)
        files.save_batch(data=[IMAGE, IMAGE + 1], paths=[path, tmp_path / "b.tif"], backend=backend)
        first, second = files.load_batch(paths=[path, tmp_path / "b.tif"], backend=backend)
        assert (second - first == 1).all()


def test_backend_is_made_once_for_each_file_manager():
    files = FileManager()
    assert files.backend("memory") is files.backend("memory")
    assert files.backend("memory") is not FileManager().backend("memory")


def test_given_instance_is_used():
    disk, memory = DiskBackend(compressed=True), MemoryBackend()
    files = FileManager(disk, memory)
    assert files.backend("disk") is disk
    assert files.backend("memory") is memory


def test_closing_lets_go_of_the_backends():
    with FileManager() as files:
        files.save(IMAGE, "image.tif", "memory")
    assert not files.exists("image.tif", "memory")


def test_unknown_backend_error_lists_the_known_ones(plugin):
    with pytest.raises(UnknownBackendError, match=r"'tape': known are .*disk, memory.*vault"):
        FileManager().save(IMAGE, "image.tif", "tape")


def test_backend_of_a_third_party_is_imported_when_asked_for(plugin):
    files = FileManager()
    assert "vault_plugin" not in sys.modules
    files.save(IMAGE, "image.tif", "vault")
    assert files.list(".", "vault") == ("image.tif",)


def test_entry_point_of_something_else_is_named(plugin):
    with pytest.raises(StorageError, match="vault_plugin:NoBackend"):
        FileManager().backend("broken")


def test_backend_is_known_as_soon_as_it_is_defined(registry):
    class _Shelf(MemoryBackend):
        name = "shelf"

    assert isinstance(FileManager().backend("shelf"), _Shelf)


def test_batch_of_unequal_lengths_saves_nothing():
    files = FileManager()
    with pytest.raises(ValueError, match="2 images cannot be saved under 1 paths"):
        files.save_batch(data=[IMAGE, IMAGE], paths=["a.tif"], backend="memory")
    assert files.list(".", "memory") == ()

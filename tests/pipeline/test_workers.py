"""How many workers fit into the memory that is there."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from platecast.config import PipelineConfig
from platecast.pipeline import Pipeline, Step, _workers, compile_run


@pytest.fixture
def free_mb(monkeypatch):
    def set_free(free_mb):
        memory = SimpleNamespace(available=free_mb * 1e6)
        monkeypatch.setattr(_workers.psutil, "virtual_memory", lambda: memory)
        monkeypatch.setattr(_workers, "memory_limit_bytes", lambda: 1e12)

    return set_free


CASES = {
    "all fit": (10_000, None, 4),
    "fewer fit": (1_000, None, 3),
    "one always runs": (100, None, 1),
    "the user knows better": (1_000, 100.0, 4),
    "the user knows of more": (10_000, 4_000.0, 2),
}


@pytest.mark.parametrize(("free", "worker_mb", "workers"), CASES.values(), ids=CASES)
def test_workers_that_fit(plate, tmp_path, free_mb, caplog, free, worker_mb, workers):
    free_mb(free)
    config = PipelineConfig(workers=4, worker_memory_mb=worker_mb)
    compiled = compile_run(Pipeline([np.negative], config), plate, tmp_path / "out")
    assert (compiled.workers, compiled.executor_name) == (workers, "processes")
    assert (f"{workers} workers instead of 4" in caplog.text) is (workers < 4)


def test_large_groups_need_more(plate, tmp_path, free_mb, monkeypatch):
    free_mb(1_000)
    monkeypatch.setattr(_workers.Plate, "read", lambda self, image: np.empty((2000, 2500), "uint16"))
    by_plane, by_stack = Pipeline([np.negative]), Pipeline([Step(np.negative, over=("site", "channel"))])
    assert compile_run(by_plane, plate, tmp_path / "out", 4).workers == 2
    assert compile_run(by_stack, plate, tmp_path / "out", 4).workers == 1


def test_worker_process_imports_nothing_that_sends_or_starts_a_run():
    code = (
        "import platecast.pipeline._worker_process, sys; assert not {'zmq', 'psutil', 'platecast.stream',"
        " 'platecast.pipeline._run'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

"""All executors write the same bytes and show every plane, whoever processes the wells."""

import numpy as np
import pytest

from platecast.config import NapariStreamingConfig, PipelineConfig
from platecast.pipeline import Pipeline, Step, run
from platecast.stream._links import links
from tests.receiving import sums_match, viewer_on

EXECUTORS = ("serial", "processes", "dask")


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("run.json", "wells.jsonl")
    }


def pipeline_of(steps, port):
    streaming = NapariStreamingConfig(napari_port=port)
    return Pipeline(
        [
            Step(steps.add, amount=3),
            Step(steps.halves, only={"channel": 1}),
            Step(steps.measure, inputs={"labels": "halves", "image": "raw"}),
        ],
        PipelineConfig(napari_streaming=streaming),
    )


@pytest.fixture(scope="module", autouse=True)
def _shared_cluster(dask_client):
    """Start the cluster before the first test, which would otherwise have to end it."""


@pytest.fixture
def own_links():
    """Close this process's links to viewers after the test, which otherwise live as long as the process."""
    yield
    links.close_all()


@pytest.mark.usefixtures("own_links")
def test_same_bytes_and_no_plane_lost(plate, tmp_path, steps, free_port):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    with viewer_on(free_port) as viewer:
        for number, executor in enumerate(EXECUTORS, start=1):
            workers = 1 if executor == "serial" else 2
            report = run(
                pipeline_of(steps, free_port), plate, tmp_path / executor, workers, executor=executor
            )
            assert report.ok, report.failures
            assert report.planes_sent == report.planes_shown == 8 + 8 + 4 + 4, executor
            assert sums_match(viewer.ledger())
            assert viewer.ledger().shown == number * 24
    first = content(tmp_path / "serial")
    assert len(first) == 8 + 4 + 2 + 1
    for executor in EXECUTORS[1:]:
        assert content(tmp_path / executor) == first


def test_dask_gives_the_well_of_a_killed_worker_to_another_one_once(plate, tmp_path, steps):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    report = run(Pipeline([Step(steps.die_on_value, value=5)]), plate, tmp_path / "out", 2, executor="dask")
    assert {failure.well for failure in report.failures} == {"B02"}
    assert report.wells_done == 2
    assert len(list((tmp_path / "out").rglob("*_well-A01_*.tif"))) == 4


def test_dask_client_stays_open_and_takes_functions_that_no_module_has(plate, tmp_path, dask_client):
    if dask_client is None:
        pytest.skip("needs the extra 'dask'")
    offset = np.uint16(7)
    pipeline = Pipeline([Step(lambda image: image + offset, name="shift")])
    for output in ("once", "again"):
        assert run(pipeline, plate, tmp_path / output, executor=dask_client).ok
    assert dask_client.status == "running"
    address = dask_client.scheduler.address
    assert run(pipeline, plate, tmp_path / "by_address", executor=address).planes_written == 8

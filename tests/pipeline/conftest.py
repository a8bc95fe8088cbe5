"""A small plate on disk, and step functions that worker processes can import."""

import sys

import numpy as np
import pytest
import tifffile

STEPS = """
import os, signal
import numpy as np

def add(image, amount=1):
    return image + np.uint16(amount)

def double(image):
    return image * np.uint16(2)

def halves(image):
    return (image > image.mean()).astype("int32")

def project(stack):
    return stack.max(axis=0)

def spread(stack):
    return stack - stack.min(axis=0)

def measure(labels, image):
    return {"label": np.unique(labels), "mean": [float(image[labels == n].mean()) for n in np.unique(labels)]}

def parts(image):
    mask = (image > 2).astype("int32")
    return mask, {"area": [int(mask.sum())], "note": 'a "b", c'}

def corners(image):
    return np.array([[0.0, 0.5], [1.0, float(image[0, 0])]])

def die_once(image, path):
    import pathlib
    if not pathlib.Path(path).exists():
        pathlib.Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return image

def to_torch(image):
    import torch
    return torch.from_numpy(image.astype("float32"))

def torch_mean(stack):
    import torch
    assert isinstance(stack, torch.Tensor), type(stack)
    return stack.mean(dim=0)

def to_jax(image):
    import jax.numpy
    return jax.numpy.asarray(image.astype("float32"))

def jax_mean(stack):
    import jax
    assert isinstance(stack, jax.Array), type(stack)
    return stack.mean(axis=0)

def wait_for(image, path):
    import pathlib, time
    pathlib.Path(f"{path}.begun-{os.getpid()}").touch()
    while not pathlib.Path(path).exists():
        time.sleep(0.01)
    return image

def fail_on_value(image, value):
    if image[0, 0] == value:
        raise RuntimeError(f"value {value} is not for me")
    return image

def exit_on_value(image, value):
    if image[0, 0] == value:
        raise SystemExit(3)
    return image

def die_on_value(image, value):
    if image[0, 0] == value:
        os.kill(os.getpid(), signal.SIGKILL)
    return image
"""


@pytest.fixture
def steps(tmp_path_factory, monkeypatch):
    """Return a module of functions; worker processes inherit the path that leads to it."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "plate_steps.py").write_text(STEPS)
    monkeypatch.syspath_prepend(folder)
    import plate_steps

    yield plate_steps
    del sys.modules["plate_steps"]


@pytest.fixture
def plate(tmp_path):
    """Write wells A01 and B02, two sites, two channels; each image has one value of its own."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for value, (well, site, channel) in enumerate(
        (well, site, channel) for well in ("A01", "B02") for site in (1, 2) for channel in (1, 2)
    ):
        image = np.full((6, 8), value, "uint16")
        tifffile.imwrite(folder / f"P1_{well}_s{site}_w{channel}.TIF", image, photometric="minisblack")
    return folder


@pytest.fixture(scope="module")
def dask_client():
    """Return a client of a cluster with two workers that a module's tests share; `None` without the extra."""
    try:
        import distributed
    except ImportError:
        yield None
        return
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client

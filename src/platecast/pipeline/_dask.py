"""Wells processed by the workers of a Dask cluster: one of our own on this machine, or somebody else's.

Each worker of the cluster has one `WellWorker` for each of its threads, which lives as long as the run. The
cluster gives a well whose worker died to another one.
"""

import pickle
import queue
import sys
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from typing import Any

import cloudpickle
import distributed
from distributed.scheduler import KilledWorker

from platecast.pipeline._executors import StopAsked, without_interrupts
from platecast.pipeline._fingerprint import is_own_module, unwrap
from platecast.pipeline._plan import RunPlan, WellResult, WellTask
from platecast.pipeline._report import LOST, Failure
from platecast.pipeline._screen import Screen
from platecast.pipeline._well import WellWorker
from platecast.stream import DropReason, Ledger

_LOOK_INTERVAL_S = 0.2
_QUIET = {"distributed.admin.low-level-log-length": 0, "distributed.scheduler.allowed-failures": 1}
"""A cluster of our own gives a well to another worker once."""


class DaskExecutor:
    """Processes wells on a Dask cluster.

    Parameters
    ----------
    cluster
        ``"dask"`` for a cluster of our own on this machine, a scheduler's address, or a
        ``distributed.Client``, which stays open.
    workers
        Number of worker processes of a cluster of our own.
    """

    def __init__(self, cluster: object, workers: int) -> None:
        self._cluster = cluster
        self._workers = workers
        self._ledger = Ledger()
        self._accounts: dict[str, Ledger] = {}

    def process(
        self, plan: RunPlan, tasks: Sequence[WellTask], stop: StopAsked
    ) -> Generator[WellResult, None, None]:
        """Yield the results in the order in which they are done."""
        screen = Screen(plan.streaming, plan.run)
        with ExitStack() as stack:
            client = self._connect(stack)
            plugin = _Wells(plan.run, _pack(plan))
            screen.announce(plan.layouts)
            client.register_plugin(plugin, name=plugin.name)
            try:
                yield from self._process_all(client, plugin.name, tasks, stop)
            finally:
                self._close(client, plugin.name)
                self._ledger += screen.close()

    def ledger(self) -> Ledger:
        """Return the sum of the workers' accounts; a killed one's is that of its last finished well."""
        return self._ledger

    def _connect(self, stack: ExitStack) -> distributed.Client:
        if isinstance(self._cluster, distributed.Client):
            return self._cluster
        if self._cluster != "dask":
            return stack.enter_context(distributed.Client(self._cluster, set_as_default=False))
        stack.enter_context(_settings())
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="platecast-dask-"))
        with without_interrupts():
            cluster = distributed.LocalCluster(
                n_workers=self._workers,
                threads_per_worker=1,
                processes=True,
                local_directory=scratch,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=50,
            )
        stack.enter_context(cluster)
        return stack.enter_context(distributed.Client(cluster, set_as_default=False))

    def _process_all(
        self, client: distributed.Client, name: str, tasks: Sequence[WellTask], stop: StopAsked
    ) -> Generator[WellResult, None, None]:
        done: queue.SimpleQueue[distributed.Future] = queue.SimpleQueue()
        waiting, running = list(reversed(tasks)), dict[str, WellTask]()
        while waiting or running:
            if stop():
                waiting.clear()
            # No more than what is at work: the rest can still be stopped.
            while waiting and len(running) < max(1, _threads(client)):
                task = waiting.pop()
                future = client.submit(_process, name, task, pure=False, key=f"{name}-{task.number}")
                running[future.key] = task
                future.add_done_callback(done.put)
            try:
                future = done.get(timeout=_LOOK_INTERVAL_S)
            except queue.Empty:
                continue
            yield self._result(future, running.pop(future.key))

    def _result(self, future: distributed.Future, task: WellTask) -> WellResult:
        try:
            result: WellResult = future.result()
        except KilledWorker:
            return WellResult(task, failures=(Failure(task.well, None, None, LOST),))
        except Exception as error:  # whatever a cluster fails with is the well's failure
            cause = f"the Dask worker failed: {type(error).__name__}: {error}"
            return WellResult(task, failures=(Failure(task.well, None, None, cause),))
        self._accounts[result.worker] = result.ledger or Ledger()
        return result

    def _close(self, client: distributed.Client, name: str) -> None:
        """Take the workers' final accounts; those that are gone keep the last one that we know."""
        found = client.run(_finish, name, on_error="ignore")
        for accounts in found.values():
            self._accounts.update(accounts)
        client.unregister_worker_plugin(name=name)
        for account in self._accounts.values():
            # Whoever would have delivered what was pending is gone.
            self._ledger += account.given_up(DropReason.SENDER_ENDED)


class _Wells(distributed.WorkerPlugin):  # type: ignore[misc]  # it has no types
    """What one worker of a cluster keeps of a run: the plan, and a `WellWorker` for each thread."""

    def __init__(self, run: str, plan: bytes) -> None:
        self.name = f"platecast-{run}"
        self._packed = plan

    def setup(self, worker: distributed.Worker) -> None:
        """Get ready; runs in the worker, also in one that takes the place of a killed one."""
        self._worker = worker
        self._lock = threading.Lock()
        self._wells: dict[int, WellWorker] = {}

    def process(self, task: WellTask) -> WellResult:
        """Process one well in this thread."""
        thread = threading.get_ident()
        with self._lock:
            if thread not in self._wells:
                plan: RunPlan = pickle.loads(self._packed)  # noqa: S301 -- from the client, as the task itself
                self._wells[thread] = WellWorker(plan, f"{self._worker.address} {thread}")
            well = self._wells[thread]
        return well.process(task)

    def finish(self) -> dict[str, Ledger]:
        """Wait, bounded, until what was sent is shown; return the accounts."""
        with self._lock:
            wells, self._wells = self._wells, {}
        return {
            f"{self._worker.address} {thread}": well.close() or Ledger() for thread, well in wells.items()
        }

    def teardown(self, worker: distributed.Worker) -> None:
        """Let go of what is still there."""
        self.finish()


def _process(name: str, task: WellTask) -> WellResult:
    plugin: _Wells = distributed.get_worker().plugins[name]
    return plugin.process(task)


def _finish(name: str, dask_worker: distributed.Worker) -> dict[str, Ledger]:
    plugin = dask_worker.plugins.get(name)
    return plugin.finish() if isinstance(plugin, _Wells) else {}


def _pack(plan: RunPlan) -> bytes:
    """Return the plan with the user's own modules in it: a cluster's machines need not have them."""
    own = []
    for step in plan.pipeline.steps:
        module = sys.modules.get(getattr(unwrap(step.func), "__module__", None) or "")
        if module is not None and module.__name__ != "__main__" and is_own_module(module):
            own.append(module)
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        packed: bytes = cloudpickle.dumps(plan)
    finally:
        for module in {id(each): each for each in own}.values():
            cloudpickle.unregister_pickle_by_value(module)
    return packed


def _threads(client: distributed.Client) -> int:
    return sum(client.nthreads().values())


def _settings() -> Any:  # noqa: ANN401 (dask has no types)
    import dask

    return dask.config.set(_QUIET)

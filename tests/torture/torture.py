"""Random kills of senders and viewers, and what must hold afterwards.

``python tests/torture/torture.py --kills 300`` prints one JSON line a round and a last one with the sums; the
exit status says whether everything held. Each round starts a viewer and some senders, kills or stops what
a seeded generator says, lets the rest finish, and checks:

- every account sums up, and nothing is pending once everything is settled;
- no plane is torn, neither when it comes nor when it goes;
- nothing is left: no process, no file in /dev/shm or the runtime directory, no shared memory of the machine
  that no living process holds;
- the longest call of a sender, beside the longest bare memcpy in the same loop.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared_memory import ALLOWED_KB, grown_kb, unowned_kb

_HERE = Path(__file__).parent
_PLANES = 400
_SETTLE_S = 60.0
_ACTIONS = (
    "kill viewer",
    "kill viewer",
    "kill sender",
    "kill sender",
    "kill both",
    "kill groups",
    "stop viewer",
    "stop sender",
)


@dataclass
class Round:
    """One viewer, some senders, and what befalls them."""

    port: int
    random: random.Random
    deeds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    call_ms: list[float] = field(default_factory=list)
    copy_ms: list[float] = field(default_factory=list)
    delay_ms: list[float] = field(default_factory=list)
    planes: Counter[str] = field(default_factory=Counter)

    def run(self, actions: int) -> None:
        """Start everything, do some deeds, let the rest finish, check."""
        self.viewer = self._start("viewer.py")
        self.senders = [self._start("sender.py", _PLANES) for _ in range(3)]
        for _ in range(actions):
            time.sleep(self.random.uniform(0.02, 0.25))
            self._do(self.random.choice(_ACTIONS))
        for sender in self.senders:
            self._hear(sender)
        self._check_viewer()

    def _start(self, script: str, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(_HERE / script), str(self.port), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _do(self, deed: str) -> None:
        self.deeds[deed] += 1
        sender = self.random.randrange(len(self.senders))
        if deed.startswith("stop"):
            victim = self.viewer if deed == "stop viewer" else self.senders[sender]
            victim.send_signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(0.05, 0.6))
            victim.send_signal(signal.SIGCONT)
            return
        kill: Callable[[subprocess.Popen[str]], None] = _kill_group if deed == "kill groups" else _kill
        if deed != "kill viewer":
            kill(self.senders[sender])
            self.senders[sender] = self._start("sender.py", _PLANES)
        if deed != "kill sender":
            kill(self.viewer)
            self.viewer = self._start("viewer.py")

    def _hear(self, sender: subprocess.Popen[str]) -> None:
        """Take in what a sender says of itself at its end."""
        out, _ = sender.communicate(timeout=_SETTLE_S + 30)
        report = json.loads(out.splitlines()[-1])
        self.call_ms.append(report.pop("call_ms_max"))
        self.copy_ms.append(report.pop("copy_ms_max"))
        self.delay_ms.append(report.pop("delay_ms_max"))
        sent = report.pop("sent")
        if sum(report.values()) != sent or sent != _PLANES:
            self.problems.append(f"a sender's account does not add up: {sent} sent, {report}")
        if report["pending"] or report["failed"]:
            self.problems.append(f"a sender's planes are pending or failed: {report}")
        self.planes.update(report)

    def _check_viewer(self) -> None:
        if self.viewer.stdin is None or self.viewer.stdout is None:
            raise RuntimeError("the viewer has no pipes")
        deadline = time.monotonic() + _SETTLE_S
        while True:
            self.viewer.stdin.write("report\n")
            self.viewer.stdin.flush()
            report = json.loads(self.viewer.stdout.readline())
            if not report["pending"] or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        torn, sent = report.pop("torn"), report.pop("sent")
        if torn:
            self.problems.append(f"{torn} torn planes")
        if sum(report.values()) != sent or report["pending"]:
            self.problems.append(f"the viewer's account does not add up: {sent} sent, {report}")
        self.viewer.stdin.close()
        self.viewer.wait(timeout=10)
        self.viewer.stdout.close()


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    _reap(process)


def _kill_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _reap(process)


def _reap(process: subprocess.Popen[str]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def leftovers(folder: Path, before: set[str]) -> list[str]:
    """Return files that nobody should have left; connection files of killed viewers go when one looks."""
    from platecast.wire import list_endpoints

    list_endpoints()
    files = [f"{path} is left" for path in folder.iterdir()]
    return files + [f"/dev/shm/{name} is left" for name in set(os.listdir("/dev/shm")) - before]  # noqa: S108


def rounds(kills: int, seed: int, port: int, actions: int) -> Iterator[dict[str, Any]]:
    """Run rounds until enough was killed or stopped; yield what each one found."""
    generator = random.Random(seed)
    done = 0
    while done < kills:
        before = set(os.listdir("/dev/shm"))  # noqa: S108
        one = Round(port, generator)
        started = time.monotonic()
        one.run(min(actions, kills - done))
        one.problems += leftovers(Path(os.environ["PLATECAST_RUNTIME_DIR"]), before)
        done += one.deeds.total()
        yield {
            "deeds": dict(one.deeds),
            "problems": one.problems,
            "planes": dict(one.planes),
            "call_ms_max": round(max(one.call_ms), 1),
            "copy_ms_max": round(max(one.copy_ms), 1),
            "delay_ms_max": round(max(one.delay_ms), 1),
            "over_copy_ms_max": round(
                max(call - copy for call, copy in zip(one.call_ms, one.copy_ms, strict=True)), 1
            ),
            "seconds": round(time.monotonic() - started, 1),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=300, help="processes to kill or stop")
    parser.add_argument("--actions", type=int, default=6, help="of them in one round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=5960)
    options = parser.parse_args()
    deeds: Counter[str] = Counter()
    planes: Counter[str] = Counter()
    problems = 0
    worst = 0.0
    over: list[float] = []
    delays: list[float] = []
    with tempfile.TemporaryDirectory(prefix="pc-") as folder:
        os.environ["PLATECAST_RUNTIME_DIR"] = folder
        unowned_before_kb = unowned_kb()
        for found in rounds(options.kills, options.seed, options.port, options.actions):
            print(json.dumps(found), flush=True)
            deeds.update(found["deeds"])
            planes.update(found["planes"])
            problems += len(found["problems"])
            # A sender that was stopped itself says nothing of what the viewer does to it.
            if "stop sender" not in found["deeds"]:
                worst = max(worst, found["call_ms_max"])
                over.append(found["over_copy_ms_max"])
                delays.append(found["delay_ms_max"])
        growth_kb = grown_kb(unowned_before_kb)
    summary = {
        "deeds": dict(deeds),
        "total": deeds.total(),
        "planes": dict(planes),
        "problems": problems,
        "call_ms_max": worst,
        "over_copy_ms_max": max(over, default=0.0),
        "delay_ms_max": max(delays, default=0.0),
        "shared_memory_grown_kb": growth_kb,
    }
    print(json.dumps(summary), flush=True)
    return int(problems > 0 or growth_kb > ALLOWED_KB)


if __name__ == "__main__":
    sys.exit(main())

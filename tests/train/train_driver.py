"""Training runs in processes of their own, to be stopped and killed.

    python train_driver.py        reads a request a line (JSON) from stdin, answers each with a line

Each request is a run in a fork of this process, which has imported torch and computed nothing yet: forking it is safe,
and saves the import of every run. The answer says how the process ended and after how many seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from tiny_models import Tiny, sha256_of_weights
from transformers import ModernBertForSequenceClassification  # noqa: F401 - imported once, for all forks

from triga.core.durable import Disk
from triga.core.errors import Interrupted
from triga.core.events import Event, TrainStep
from triga.train.session import train

STEPS, OPERATIONS, RESULT, FAILURE = "steps.log", "operations.json", "result.json", "failure.txt"
EPOCHS = 3.0


@dataclass(frozen=True)
class Request:
    """A run in ``folder``, and how it shall be stopped."""

    folder: str
    precision: str = "fp32"
    kill_at_step: int | None = None
    kill_delay_s: float = 0.0
    """SIGKILL from outside, so long after the run said that it did this step (0: after its start)."""
    kill_at_operation: int | None = None
    """SIGKILL of itself in the middle of this operation of its disk."""
    signal_at_step: int | None = None
    signals: tuple[int, ...] = ()
    """Sent from outside once the run says that it did this step."""
    seconds_per_step: float = 0.0


@dataclass(frozen=True)
class Ended:
    """``code``: exit code, or minus the signal that ended the process."""

    code: int
    seconds: float


class KillingDisk(Disk):
    """Counts its operations; dies in the middle of one: half of a file written, half of a folder deleted."""

    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.log: list[str] = []

    def _is_last(self, kind: str, path: Path) -> bool:
        self.log.append(f"{kind} {path.parent.name}/{path.name}")
        return len(self.log) - 1 == self.kill_at

    def write(self, path: Path, data: bytes) -> None:
        if self._is_last("write", path):
            path.write_bytes(data[: len(data) // 2])
            die()
        super().write(path, data)

    def mkdir(self, path: Path) -> None:
        if self._is_last("mkdir", path):
            die()
        super().mkdir(path)

    def fsync(self, path: Path) -> None:
        """Not done: it takes its time, and a killed process loses nothing that it wrote."""
        if self._is_last("fsync", path):
            die()

    def rename(self, source: Path, target: Path) -> None:
        if self._is_last("rename", target):
            die()
        super().rename(source, target)

    def remove_tree(self, path: Path) -> None:
        if self._is_last("remove", path):
            files = sorted(path.iterdir())
            for file in files[: len(files) // 2]:
                file.unlink()
            die()
        shutil.rmtree(path)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def run(request: Request) -> int:
    """Train to the end, or until the request's own end. Returns the exit code, as the command line would."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a shell's background
    folder, tiny, disk = Path(request.folder), Tiny(), KillingDisk(request.kill_at_operation)
    module = tiny.module(dropout=0.1)
    dtype = torch.bfloat16 if request.precision == "bf16" else torch.float32
    problem = tiny.problem(module, dtype=dtype, num_epochs=EPOCHS, evals_per_epoch=2)
    session = tiny.session(problem, folder / "checkpoints", disk=disk, save_steps=2)
    with open(folder / STEPS, "a", encoding="utf-8") as steps:

        def emit(event: Event) -> None:
            if isinstance(event, TrainStep):
                steps.write(f"{event.step}\n")
                steps.flush()
                time.sleep(request.seconds_per_step)

        try:
            state = train(session, emit)
        except Interrupted as error:
            return error.exit_code
        except KeyboardInterrupt:
            return 99  # left at once
    (folder / OPERATIONS).write_text(json.dumps(disk.log))
    result = {"sha256": sha256_of_weights(module), "state": asdict(state) | {"seconds": 0.0}, **tiny.score(module)}
    (folder / RESULT).write_text(json.dumps(result))
    return 0


def _fork(request: Request) -> Ended:
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = run(request)
        except BaseException:  # noqa: BLE001 - whatever it was, the test shows it
            Path(request.folder, FAILURE).write_text(traceback.format_exc())
        finally:
            os._exit(code)
    if request.kill_at_step is not None and _wait_for(child, request, request.kill_at_step):
        time.sleep(request.kill_delay_s)
        os.kill(child, signal.SIGKILL)
    if request.signal_at_step is not None and _wait_for(child, request, request.signal_at_step):
        for number in request.signals:
            os.kill(child, number)
            time.sleep(0.1)
        # Signals do not queue: on a busy machine the second may have fallen together with the first.
        while len(request.signals) > 1 and not _ends_within(child, seconds=5):
            os.kill(child, request.signals[-1])
    _, status = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(status), time.monotonic() - started)


def _ends_within(child: int, seconds: float) -> bool:
    """Whether the process has ended (it is not reaped)."""
    end = time.monotonic() + seconds
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _wait_for(child: int, request: Request, num_steps: int) -> bool:
    """Until the run says that it did so many steps; False where it ended before (it is not reaped)."""
    steps = Path(request.folder, STEPS)
    while num_steps and (not steps.exists() or steps.read_bytes().count(b"\n") < num_steps):
        if _ends_within(child, seconds=0):
            return False
        time.sleep(0.001)
    return True


def main() -> None:
    for line in sys.stdin:
        fields: dict[str, Any] = json.loads(line)
        ended = _fork(Request(**{**fields, "signals": tuple(fields.get("signals", ()))}))
        print(json.dumps(asdict(ended)), flush=True)
    os._exit(0)  # taking torch down takes seconds


if __name__ == "__main__":
    main()

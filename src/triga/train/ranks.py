"""The processes that train one network together: who is who, and what they tell each other.

    torchrun --nproc-per-node 2 -m triga pretrain recipe.yaml

The first one leads: it runs the recipe, measures and writes. The others follow: they wait until it calls, and take part
in the training alone. All must see the same corpus, base and workspace. A process on its own is ``ALONE``, for which
everything here costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from triga.core.artifact import dump_json, load_json
from triga.core.durable import write_file
from triga.core.errors import MachineError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ALONE", "Ranks"]

T = TypeVar("T")
CALL, LEFT = "call/{}", "left/{}"
PATIENCE = timedelta(days=30)
"""For a call: before it pretrains, the first process may clean a corpus."""
SILENCE = timedelta(minutes=30)
"""After which a process that says nothing counts as dead. One that ended is noticed at once."""
BUCKET_BYTES = 64 << 20


class Ranks:
    """Process ``rank`` of ``size``."""

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None) -> None:
        self.rank = rank
        self.size = size
        self._store = store
        self._calls = 0

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Ranks:
        """As torchrun says: ``RANK``, ``WORLD_SIZE``, ``MASTER_ADDR`` and ``MASTER_PORT``."""
        if int(environ.get("WORLD_SIZE", "1")) == 1:
            return ALONE
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        store, rank, size = next(iter(rendezvous("env://", timeout=PATIENCE)))
        return cls(rank, size, PrefixStore("triga", store))

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def call(self) -> None:
        """By the first: the others come. Returns when all are there."""
        self._say(b"come")
        self._meet()

    def dismiss(self) -> None:
        """By the first, at its end: the others leave. It waits for them, for it may be what carries the words."""
        if self.size > 1:
            self._say(b"leave")
            self._store.wait([LEFT.format(rank) for rank in range(1, self.size)], SILENCE)
        self.part()

    def wait_for_call(self) -> bool:
        """By the others; False where they may leave."""
        key = CALL.format(self._calls)
        self._store.wait([key], PATIENCE)
        self._calls += 1
        if self._store.get(key) == b"leave":
            self._store.set(LEFT.format(self.rank), b"")
            self.part()
            return False
        self._meet()
        return True

    def part(self) -> None:
        import torch.distributed as dist

        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raises ``MachineError`` where another process is not heard any more."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not _is_of_the_line(error):
                raise
            raise MachineError(
                "process-lost",
                "process {rank} of {size} does not hear the others any more: one of them has ended, or a line is down",
                fix="look for its error above, then run the same command again: it goes on from the last checkpoint",
                rank=self.rank,
                size=self.size,
            ) from error

    def share(self, value: T) -> T:
        """What the first one has."""
        if self.size == 1:
            return value
        import torch.distributed as dist

        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def gather(self, value: T) -> list[T]:
        """What each one has, by rank."""
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def any(self, flag: bool) -> bool:
        return self.sum(float(flag)) > 0

    def sum(self, value: float) -> float:
        if self.size == 1:
            return value
        import torch
        import torch.distributed as dist

        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total)
        return float(total)

    def once(self, file: Path, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What stands in the first one's ``file``; else all measure, and what the first one found is written there."""
        found = self.share(load_json(file) if self.leads and file.exists() else None)
        if found is None:
            found = self.share(measure())
            if self.leads:
                write_file(file, dump_json(found))
        return dict(found)

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """In place, over all processes: one message for each 64 MB, after the last micro-batch of a step.

        A gradient that only some have counts as zero in the others; one that none has stays away.
        """
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist

        present = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32)
        dist.all_reduce(present)
        gradients = []
        for parameter, count in zip(parameters, present.tolist(), strict=True):
            if count and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if parameter.grad is not None:
                gradients.append(parameter.grad)
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            dist.all_reduce(flat)
            start = 0
            for gradient in bucket:
                gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
                start += gradient.numel()

    def _say(self, word: bytes) -> None:
        if self.size > 1:
            self._store.set(CALL.format(self._calls), word)
            self._calls += 1

    def _meet(self) -> None:
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist
        from torch.distributed.distributed_c10d import PrefixStore

        if dist.is_initialized():
            return
        backend = "gloo"
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
            backend = "cpu:gloo,cuda:nccl"
        dist.init_process_group(
            backend,
            store=PrefixStore("training", self._store),
            rank=self.rank,
            world_size=self.size,
            timeout=SILENCE,
        )


def _is_of_the_line(error: RuntimeError) -> bool:
    """gloo raises a bare RuntimeError with the place in its source."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or "gloo" in str(error)


def _buckets(gradients: Sequence[Any]) -> list[list[Any]]:
    buckets: list[list[Any]] = []
    room = 0
    for gradient in gradients:
        num_bytes = gradient.numel() * gradient.element_size()
        if not buckets or num_bytes > room:
            buckets.append([])
            room = BUCKET_BYTES
        buckets[-1].append(gradient)
        room -= num_bytes
    return buckets


ALONE = Ranks()

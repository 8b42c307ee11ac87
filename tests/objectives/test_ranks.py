"""Several processes train one network as one process does, in copies and in shares; lost ones are named."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from test_pretrain import KINDS, _job

from triga.core.errors import MachineError, RecipeError
from triga.train.pretraining import check_windows
from triga.train.ranks import ALONE, BUCKET_BYTES, Ranks, _buckets
from triga.train.window_plan import WindowPlan

Run = Callable[..., dict[str, Any]]
SECTION = {
    "budget": {"steps": 6},
    "max_length": 32,
    "tokens_per_step": 256,
    "max_tokens_per_batch": 128,
    "precision": "fp32",
    "num_evals": 2,
    "save_steps": 3,
}


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_are_one(pretrain_apart: Run, tmp_path: Path, kind: str) -> None:
    """To the bit: a step's two micro-batches are added up here as there."""
    alone = pretrain_apart(tmp_path / "alone", kind, section=SECTION)
    both = pretrain_apart(tmp_path / "both", kind, section=SECTION, size=2)
    shares = pretrain_apart(tmp_path / "shares", kind, section=SECTION | {"fully_shard": True}, size=2)
    (one,) = alone["results"]
    assert both["codes"] == shares["codes"] == [0, 0]
    for result in both["results"]:
        assert result == one
    for result in shares["results"]:
        assert result["losses"] == pytest.approx(one["losses"], rel=1e-3)
        assert result["scores"] == pytest.approx(one["scores"], rel=1e-2, abs=1e-3)
        assert 0.45 < result["kept"] < 0.55
    assert one["kept"] == 1.0
    assert shares["results"][0]["sha256"] == shares["results"][1]["sha256"]


def test_shares_are_brought_together_again_for_layers_that_are_computed_twice(
    pretrain_apart: Run, tmp_path: Path
) -> None:
    section = SECTION | {"fully_shard": True}
    once = pretrain_apart(tmp_path / "once", "mlm", section=section, size=2)
    twice = pretrain_apart(tmp_path / "twice", "mlm", section=section | {"gradient_checkpointing": True}, size=2)
    assert twice["results"] == once["results"]


@pytest.mark.parametrize("shares", [False, True])
def test_a_stop_reaches_all_and_any_number_goes_on(pretrain_apart: Run, tmp_path: Path, shares: bool) -> None:
    section = SECTION | {"budget": {"steps": 60}, "save_steps": 1000, "fully_shard": shares}
    unbroken = pretrain_apart(tmp_path / "unbroken", "mlm", section=section)["results"][0]
    stopped = pretrain_apart(
        tmp_path / "run", "mlm", section=section, size=2, kill_after_steps=3, victim=1, number=signal.SIGTERM
    )
    assert stopped["codes"] == [130, 130]
    assert all(text.startswith("interrupted") for text in stopped["errors"].values())
    gone_on = pretrain_apart(tmp_path / "run", "mlm", section=section)
    assert gone_on["codes"] == [0]
    (result,) = gone_on["results"]
    assert 0 < len(result["losses"]) < 60
    if not shares:
        assert result["sha256"] == unbroken["sha256"]
    assert result["losses"] == pytest.approx(unbroken["losses"][-len(result["losses"]) :], rel=1e-2)


def test_a_process_that_dies_is_missed_and_nothing_is_lost(pretrain_apart: Run, tmp_path: Path) -> None:
    section = SECTION | {"budget": {"steps": 60}}
    unbroken = pretrain_apart(tmp_path / "unbroken", "mlm", section=section)["results"][0]
    broken = pretrain_apart(tmp_path / "run", "mlm", section=section, size=2, kill_after_steps=5, victim=1)
    assert broken["codes"] == [1, -signal.SIGKILL]
    assert broken["errors"]["error-0"].startswith("process-lost")
    again = pretrain_apart(tmp_path / "run", "mlm", section=section, size=2)
    assert again["codes"] == [0, 0]
    assert again["results"][0]["sha256"] == unbroken["sha256"]
    assert len(again["results"][0]["losses"]) < 60


def test_where_one_has_too_little_memory_all_take_smaller_batches(pretrain_apart: Run, tmp_path: Path) -> None:
    ended = pretrain_apart(tmp_path / "run", "mlm", section=SECTION, size=2, victim=1, most_rows=3)
    assert ended["codes"] == [0, 0]
    assert ended["results"][0] == ended["results"][1]
    state = json.loads((tmp_path / "run" / "work" / "checkpoint-6" / "state.json").read_text())
    assert state["micro_splits"] == 1


def test_with_shares_too_little_memory_is_an_error(pretrain_apart: Run, tmp_path: Path) -> None:
    section = SECTION | {"fully_shard": True}
    ended = pretrain_apart(tmp_path / "run", "mlm", section=section, size=2, victim=1, most_rows=3)
    assert ended["codes"][1] == 1
    assert ended["errors"]["error-1"].startswith("shares-out-of-memory")


def test_more_processes_than_windows_of_a_step(corpora: dict[str, Path], tmp_path: Path) -> None:
    job = _job(corpora, "mlm", tmp_path, batch_doublings=1)
    object.__setattr__(job, "ranks", Ranks(0, 5))
    with pytest.raises(RecipeError) as caught:
        check_windows(job)
    assert caught.value.code == "pretrain-too-many-processes"
    assert "320" in caught.value.text("en")


def test_a_step_is_dealt_out_evenly() -> None:
    plan = WindowPlan(torch.full((64,), 16).numpy(), 4, 4, 4, 4, 0, num_ranks=3)
    sizes = [len(rows) for rows in plan.step(0).micro_batches]
    assert sum(sizes) == 16
    assert len(sizes) == 6
    assert max(sizes) - min(sizes) <= 1


def test_buckets_hold_every_gradient_once() -> None:
    gradients = [torch.zeros(size) for size in (3, BUCKET_BYTES // 4, 5, 7, BUCKET_BYTES // 8, BUCKET_BYTES // 8, 1)]
    found = _buckets(gradients)
    assert [id(gradient) for bucket in found for gradient in bucket] == [id(gradient) for gradient in gradients]
    assert all(len(bucket) == 1 or sum(each.numel() * 4 for each in bucket) <= BUCKET_BYTES for bucket in found)


def test_alone_nothing_is_exchanged(tmp_path: Path) -> None:
    assert ALONE.leads
    assert Ranks.of({}) is ALONE is Ranks.of({"WORLD_SIZE": "1", "RANK": "0"})
    assert ALONE.share("a") == "a"
    assert ALONE.gather("a") == ["a"]
    assert (ALONE.any(True), ALONE.any(False), ALONE.sum(0.5)) == (True, False, 0.5)
    assert ALONE.once(tmp_path / "kept.json", lambda: {"steps": 3}) == {"steps": 3}
    assert ALONE.once(tmp_path / "kept.json", lambda: {"steps": 4}) == {"steps": 3}
    ALONE.call()
    ALONE.dismiss()


def test_an_error_of_the_line_is_told_from_others() -> None:
    with pytest.raises(MachineError) as caught, Ranks(1, 2).watched():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer")
    assert caught.value.code == "process-lost"
    with pytest.raises(RuntimeError, match="shape"), Ranks(1, 2).watched():
        raise RuntimeError("shape mismatch")

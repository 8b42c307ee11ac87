"""Operations of a token are counted as they are by hand, and related to what the machine can do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_pretrain import KINDS, _job

from triga.train import utilisation as room
from triga.train.utilisation import flops_per_token, matmul_peak, utilisation


def test_a_causal_models_operations_by_hand(corpora: dict[str, Path], tmp_path: Path) -> None:
    """Six for each weight of a matrix and token; attention four there and eight back for each place, width and token.

    Kaplan et al., 2020 (arXiv:2001.08361), section 2.1, which leaves out the half that causal masks hide.
    """
    job = _job(corpora, "clm", tmp_path)
    module = job.objective.build(seed=7)
    matrices = sum(value.numel() for name, value in module.named_parameters() if value.ndim == 2 and ".layers." in name)
    head = module.config.vocab_size * module.config.hidden_size
    attention = 12 * job.section.max_length * module.config.hidden_size * module.config.num_hidden_layers
    share_of_targets = flops_per_token(job) - 6 * matrices - attention
    assert 0.8 * 6 * head < share_of_targets <= 6 * head * 1.05  # the last token of a document has none


@pytest.mark.parametrize("kind", KINDS)
def test_every_objective_can_be_counted(corpora: dict[str, Path], tmp_path: Path, kind: str) -> None:
    job = _job(corpora, kind, tmp_path)
    module = job.objective.build(seed=7)
    body = sum(value.numel() for name, value in module.named_parameters() if value.ndim == 2)
    assert body < flops_per_token(job) < 100 * body


def test_a_share_of_all_peaks(corpora: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job(corpora, "mlm", tmp_path)
    monkeypatch.setattr(room, "matmul_peak", lambda *_: 1e9)
    found = utilisation(job, {"tokens_per_epoch": 1000, "num_epochs": 2.0, "seconds": 4.0, "precision": "fp32"})
    assert found["tokens_per_second"] == 500
    assert found["flops_per_second"] == pytest.approx(500 * flops_per_token(job))
    assert found["utilisation"] == pytest.approx(found["flops_per_second"] / 1e9)


def test_a_peak_is_a_products_speed() -> None:
    assert matmul_peak(torch.device("cpu"), torch.float32) > 1e8

"""Embeddings from which pieces stand together: the numbers by hand, and what they are for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from test_pretrain import _job
from test_ranks import SECTION as OF_RANKS

from triga.core.events import ignore
from triga.corpus.windows import PADDING
from triga.train.cooccurrence import _counts, _information, cooccurrence_vectors, set_embeddings
from triga.train.pretrain import pretrain

SECTION = OF_RANKS | {"embeddings": "cooccurrence"}


class _Rows:
    """Two rows of two documents each, and padding."""

    length = 4

    def __len__(self) -> int:
        return 2

    def batch(self, rows: Any) -> tuple[Any, Any]:
        return np.array([[1, 2, 3, 1], [1, 2, 0, 0]])[rows], np.array([[0, 0, 0, 1], [0, 0, PADDING, PADDING]])[rows]


def test_counts_stay_within_documents_and_fall_with_distance() -> None:
    counts = _counts(_Rows(), 4).toarray()  # type: ignore[arg-type]
    assert counts.tolist() == [[0, 0, 0, 0], [0, 0, 2, 0.5], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_information_is_that_of_the_formula() -> None:
    before = np.array([[0, 2, 0], [0, 0, 1], [1, 0, 3]], dtype=np.float32)
    together = before + before.T
    sums = together.sum(axis=1)
    expected = np.zeros_like(together)
    for i in range(3):
        for j in range(3):
            if together[i, j]:
                expected[i, j] = max(0.0, np.log(together[i, j] * sums.sum() / (sums[i] * sums[j])))
    assert np.allclose(_information(csr_matrix(before)).toarray(), expected, atol=1e-6)


def test_pieces_of_like_surroundings_are_alike(corpora: dict[str, Path], tmp_path: Path) -> None:
    """The tiny corpus says 'river … follows' as it says 'bridge … follows': subjects stand beside the same verbs."""
    job = _job(corpora, "mlm", tmp_path)
    size, windows = job.base.tokenizer.vocab_size, job.windows("train")
    vectors = cooccurrence_vectors(windows, size, 32, seed=1)
    met = np.abs(vectors).sum(axis=1) > 0
    assert 0 < met.sum() < size
    assert vectors[met].mean() == pytest.approx(0, abs=1e-5)
    assert vectors[met].std() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vectors, cooccurrence_vectors(windows, size, 32, seed=1))

    def alike(one: str, other: str) -> float:
        ids = [job.base.tokenizer.raw.encode(word, add_special_tokens=False).ids[-1] for word in (one, other)]
        left, right = vectors[ids]
        return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))

    assert alike("follows", "crosses") > alike("follows", "town")


def test_tables_keep_their_spread_and_what_was_not_met() -> None:
    module = torch.nn.ModuleList([torch.nn.Embedding(6, 3), torch.nn.Embedding(6, 2)])
    before = [part.weight.detach().clone() for part in module]
    vectors = np.zeros((4, 3), dtype=np.float32)
    vectors[[0, 2]] = [[1, -1, 2], [0, 3, -1]]
    set_embeddings(module, vectors)
    wide, narrow = (part.weight.detach() for part in module)
    assert torch.equal(narrow, before[1])
    assert torch.equal(wide[[1, 3, 4, 5]], before[0][[1, 3, 4, 5]])
    assert torch.allclose(wide[[0, 2]], torch.from_numpy(vectors[[0, 2]]) * before[0].std())


@pytest.mark.parametrize("kind", ["mlm", "rtd", "clm"])
def test_with_them_the_first_steps_learn_more(corpora: dict[str, Path], tmp_path: Path, kind: str) -> None:
    name = "generator_loss" if kind == "rtd" else "loss"
    found = []
    for start in ("random", "cooccurrence"):
        job = _job(corpora, kind, tmp_path / start, budget={"steps": 30}, embeddings=start, learning_rate=2e-3)
        scores = pretrain(job, ignore)[1]["scores"]
        found.append(scores[f"{name}/en"] + scores[f"{name}/zh"])
    assert found[1] < found[0]


def test_two_processes_begin_alike(pretrain_apart: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    alone = pretrain_apart(tmp_path / "alone", "mlm", section=SECTION)
    both = pretrain_apart(tmp_path / "both", "mlm", section=SECTION, size=2)
    assert both["codes"] == [0, 0]
    assert both["results"] == [alone["results"][0]] * 2


def test_a_killed_run_goes_on_to_the_same_bits(pretrain_apart: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    section = SECTION | {"budget": {"steps": 40}}
    unbroken = pretrain_apart(tmp_path / "unbroken", "mlm", section=section)["results"][0]
    killed = pretrain_apart(tmp_path / "run", "mlm", section=section, kill_after_steps=5)
    assert killed["codes"] == [-9]
    again = pretrain_apart(tmp_path / "run", "mlm", section=section)["results"][0]
    assert again["sha256"] == unbroken["sha256"]
    assert len(again["losses"]) < 40

"""Pairs of segments: nothing of a document is lost or crossed, the labels tell the truth, and the loss is BERT's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_corpus import tiny_base, tokenizer
from torch import Tensor
from torch.nn import functional as F
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertOnlyNSPHead, BertPooler

from triga.objectives.open import open_objective
from triga.objectives.pairs import SegmentPairs, sentence_ends
from triga.objectives.recipe import PairSection
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

TOLERANCE = 1e-5
CLS, SEP, PAD, STOP = 1, 2, 0, 3
LENGTH = 32


def _pairs(kind: str) -> SegmentPairs:
    """Over ids whose sentences end with ``STOP``."""
    ends = torch.zeros(10_000, dtype=torch.bool)
    ends[STOP] = True
    return SegmentPairs(PairSection(kind=kind), ends, SEP, PAD)


def _packed(rows: list[list[list[int]]]) -> dict[str, Tensor]:
    ids, documents = torch.full((len(rows), LENGTH), PAD), torch.full((len(rows), LENGTH), -1)
    for i, texts in enumerate(rows):
        at = 0
        for number, text in enumerate(texts):
            whole = [CLS, *text, SEP, SEP]
            ids[i, at : at + len(whole)] = torch.tensor(whole)
            documents[i, at : at + len(whole)] = number
            at += len(whole)
    return {"input_ids": ids, "documents": documents}


def _segments(batch: dict[str, Tensor]) -> list[tuple[list[int], list[int], int]]:
    """First, second and label of each pair that counts, in order."""
    found = []
    for row in range(len(batch["input_ids"])):
        for slot in batch["pair_counted"][row].nonzero()[:, 0].tolist():
            ids = batch["input_ids"][row][batch["documents"][row] == slot].tolist()
            assert ids[0] == CLS == batch["input_ids"][row, batch["pair_positions"][row, slot]]
            assert ids[-1] == SEP
            cut = ids.index(SEP)
            found.append((ids[1:cut], ids[cut + 1 : -1], int(batch["pair_labels"][row, slot])))
    return found


def _texts(seed: int) -> list[list[list[int]]]:
    """8 rows of three documents of several lengths; no token but the stop stands twice."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, 8, (8, 3), generator=generator).tolist()
    fresh = iter(range(10, 10_000))
    return [[[next(fresh) for _ in range(length)] for length in row] for row in lengths]


@pytest.mark.parametrize("seed", range(20))
def test_a_document_is_kept_whole_in_its_order_or_swapped_as_the_label_says(seed: int) -> None:
    rows = _texts(seed)
    batch = _packed(rows)
    torch.manual_seed(seed)
    paired = _pairs("sop").corrupt(None, batch, torch.float32)
    assert torch.equal(paired["documents"], batch["documents"])
    segments, texts = _segments(paired), [text for row in rows for text in row]
    assert len(segments) == len(texts)
    for (one, two, label), text in zip(segments, texts, strict=True):
        assert one
        assert two
        assert (two + one if label else one + two) == text
    assert {label for *_, label in segments} == {0, 1}


@pytest.mark.parametrize("seed", range(20))
def test_a_next_sentence_is_the_documents_own_or_all_of_anothers(seed: int) -> None:
    rows = _texts(seed)
    torch.manual_seed(seed)
    paired = _pairs("nsp").corrupt(None, _packed(rows), torch.float32)
    segments, texts = _segments(paired), [text for row in rows for text in row]
    endings = {text[-1] for text in texts}
    for (one, two, label), text in zip(segments, texts, strict=True):
        assert one == text[: len(one)]
        assert (one + two == text) is (label == 0)
        assert two[-1] in endings  # never cut short, which would tell
        assert len(two) <= len(text) - len(one)
        assert not label or two[0] not in text
    assert {label for *_, label in segments} == {0, 1}
    unfilled = paired["input_ids"][paired["documents"] < 0]
    assert bool((unfilled == PAD).all())


def test_the_cut_falls_after_any_sentence_but_the_last() -> None:
    text = [10, 11, STOP, 12, 13, 14, STOP, 15, STOP, 16, STOP]
    firsts = set()
    for seed in range(40):
        torch.manual_seed(seed)
        ((one, two, label),) = _segments(_pairs("sop").corrupt(None, _packed([[text]]), torch.float32))
        firsts.add(len(two if label else one))
    assert firsts == {3, 7, 9}


@pytest.mark.parametrize("kind", ["sop", "nsp"])
def test_a_document_of_one_token_is_left_as_it_is_and_does_not_count(kind: str) -> None:
    batch = _packed([[[10], [11, 12]], [[13]]])
    paired = _pairs(kind).corrupt(None, batch, torch.float32)
    assert paired["pair_counted"].nonzero().tolist() == [[0, 1]]
    alone = paired["documents"] == 0
    assert torch.equal(paired["input_ids"][alone], batch["input_ids"][alone])
    assert torch.equal(paired["documents"] == 0, batch["documents"] == 0)


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "bpe"])
def test_pieces_that_end_a_sentence_are_known_in_every_vocabulary(kind: str) -> None:
    cut = train_tokenizer(["we wait. 火车来了。 who? 我们！"] * 5, TokenizerSettings(kind=kind, vocab_size=512))
    ends = sentence_ends(cut, 512)
    assert ends.shape == (512,)
    for text, expected in (
        ("we wait.", True),
        ("火车来了。", True),
        ("who?", True),
        ("we wait", False),
        ("火车", False),
    ):
        assert bool(ends[cut.raw.encode(text, add_special_tokens=False).ids[-1]]) is expected
    assert not bool(ends[list(cut.document_ids)].any())


@pytest.mark.parametrize("kind", ["sop", "nsp"])
def test_the_loss_is_that_of_berts_head_on_each_pair_alone(kind: str) -> None:
    """Packed rows through triga, against each pair by itself through transformers' network, pooler and head."""
    cut = tokenizer()
    base = tiny_base(cut, initializer_range=0.3)
    objective: Any = open_objective(PairSection(kind=kind), base.config, None, cut)
    module = objective.build(seed=1).eval()
    batch = _real_rows(cut)
    torch.manual_seed(3)
    batch = objective.corrupt(module, batch, torch.float32)

    theirs = BertConfig(hidden_size=module.config.hidden_size)
    pooler, head = BertPooler(theirs), BertOnlyNSPHead(theirs)
    pooler.dense.load_state_dict(module.pair_head.dense.state_dict())
    head.seq_relationship.load_state_dict(module.pair_head.output.state_dict())
    rows = []
    for row in range(2):
        losses = []
        for slot in range(int(batch["documents"][row].max()) + 1):
            ids = batch["input_ids"][row][batch["documents"][row] == slot][None]
            states = module(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            losses.append(F.cross_entropy(head(pooler(states)), batch["pair_labels"][row, slot][None]))
        rows.append(torch.stack(losses).mean())
    expected = torch.stack(rows).sum()
    torch.testing.assert_close(objective.loss(module, batch, torch.float32), expected, atol=TOLERANCE, rtol=0)
    assert set(batch["pair_labels"][batch["pair_counted"]].tolist()) == {0, 1}


def _real_rows(cut: Any) -> dict[str, Tensor]:
    begin, end = cut.document_ids
    texts = [
        ["the old bridge waits. a small boat", "小船带着石头回到山谷。旧桥上的人在等"],
        ["a heavy load of stones, the quiet town", "the people of the valley. 河水慢慢流过小城。", "the river"],
    ]
    ids, documents = torch.full((2, 64), cut.pad_id), torch.full((2, 64), -1)
    for i, row in enumerate(texts):
        at = 0
        for number, text in enumerate(row):
            whole = [begin, *cut.raw.encode(text, add_special_tokens=False).ids, end, end]
            ids[i, at : at + len(whole)] = torch.tensor(whole)
            documents[i, at : at + len(whole)] = number
            at += len(whole)
    return {"input_ids": ids, "documents": documents}

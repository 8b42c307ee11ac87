"""Two segments of text: in the order of their document or swapped (sop), or the second one of another document (nsp).

    [CLS] a b c . d e . [SEP] [SEP] ─▶ [CLS] a b c . [SEP] d e . [SEP]    or, swapped    [CLS] d e . [SEP] a b c . [SEP]

Each document of a packed row becomes one pair in its own place, cut after a sentence drawn at random (after any token
where there is but one sentence), so that nothing but the sense tells the answer. For nsp the second segment comes from
the document of the batch whose own is the next shorter one: it fits whole, and little is left over as padding.

Devlin et al., 2019 (arXiv:1810.04805); sentence order: Lan et al., 2020 (arXiv:1909.11942).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.corpus.windows import PADDING
from triga.models.attention import linear
from triga.objectives.base import Batch, Needs, row_means
from triga.objectives.recipe import PairSection
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["PairHead", "SegmentPairs", "sentence_ends"]

SENTENCE_MARKS = (".", "!", "?", "…", "。", "！", "？")
CLOSING = "\"'”’」』)）"
MIN_PAIR = 4
"""Tokens of a document in a row: [CLS], one of text, two [SEP]. So a row of T holds at most T / 4."""
DRAWS = 1 << 20


class PairHead(nn.Module):
    """BERT's pooler and its two classes: 0 as they stood, 1 not."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.output = nn.Linear(width, 2)

    def forward(self, states: Tensor) -> Tensor:
        return linear(self.output, torch.tanh(linear(self.dense, states)))


@dataclass(frozen=True)
class _Spans:
    """S documents of a batch, in flat positions of (B, T) ids."""

    starts: Tensor
    """(S,) of [CLS]."""
    first: Tensor
    """(S,) tokens of text up to the cut."""
    second: Tensor
    """(S,) and after it; 0 where a document cannot be cut."""
    number: Tensor
    """(B · T,) the document of each position; of padding any."""


@dataclass(frozen=True)
class SegmentPairs:
    shares_pass: ClassVar[bool] = True
    section: PairSection
    ends_sentence: Tensor
    """(V,) which pieces end a sentence, on the CPU."""
    end_id: int
    padding_id: int

    @property
    def kind(self) -> str:
        return self.section.kind

    @property
    def needs(self) -> Needs:
        return Needs(num_ends=2, least_rows=2 if self.kind == "nsp" else 1)

    def prepare(self, module: Any, *, seed: int) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module.pair_head = PairHead(module.config.hidden_size)

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        """Pairs in the places of the documents; (B, T / 4) positions of their [CLS], labels, and which count."""
        input_ids, documents = batch["input_ids"], batch["documents"]
        spans = _cut(input_ids, documents, self.ends_sentence.to(input_ids.device))
        text = spans.starts + 1
        one, two = (text, spans.first), (text + spans.first, spans.second)
        asked = torch.rand(spans.starts.shape, device=input_ids.device) < 0.5
        if self.kind == "sop":
            changed = asked & (spans.second > 0)
            one, two = _choose(changed, two, one), _choose(changed, one, two)
        else:
            other, exists = _next_shorter(spans.second)
            changed = asked & exists
            two = _choose(changed, (two[0][other], two[1][other]), two)
        input_ids, filled = self._write(input_ids, spans, one, two)
        batch = {**batch, "input_ids": input_ids, "documents": documents.masked_fill(~filled, PADDING)}
        return {**batch, **_by_row(documents, spans, changed)}

    def loss_at(self, module: Any, states: Tensor, batch: Batch, dtype: torch.dtype) -> Tensor:
        losses = F.cross_entropy(
            self._logits(module, states, batch, dtype).flatten(0, 1), batch["pair_labels"].flatten(), reduction="none"
        )
        return row_means(losses.view_as(batch["pair_labels"]), batch["pair_counted"])

    def scores_at(self, module: Any, states: Tensor, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        counted = batch["pair_counted"]
        logits, labels = self._logits(module, states, batch, dtype)[counted], batch["pair_labels"][counted]
        num = counted.sum().clamp(min=1)
        right = (logits.argmax(dim=-1) == labels).sum()
        return {"loss": F.cross_entropy(logits, labels, reduction="sum") / num, "accuracy": right / num}

    def restore(self, module: Any) -> None:
        del module.pair_head

    def _logits(self, module: Any, states: Tensor, batch: Batch, dtype: torch.dtype) -> Tensor:
        """(B, K, 2) float32."""
        positions = batch["pair_positions"].unsqueeze(-1).expand(-1, -1, states.shape[-1])
        logits: Tensor = module.pair_head(states.gather(1, positions).to(dtype))
        return logits.float()

    def _write(
        self, input_ids: Tensor, spans: _Spans, one: tuple[Tensor, Tensor], two: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """(B, T) ids, and which places they fill; segments are (S,) flat first positions and lengths."""
        flat, number = input_ids.flatten(), spans.number
        place = torch.arange(len(flat), device=flat.device) - spans.starts[number] - 1
        (at_one, num_one), (at_two, num_two) = [[value[number] for value in segment] for segment in (one, two)]
        within = place - num_one - 1
        source = torch.where(place < num_one, at_one + place, at_two + within)
        written = flat[source.clamp(0, len(flat) - 1)]
        written = torch.where((within == -1) | (within == num_two), self.end_id, written)
        written = torch.where(within > num_two, self.padding_id, written)
        written = torch.where(place == -1, flat, written)
        return written.view_as(input_ids), (within <= num_two).view_as(input_ids)


def sentence_ends(tokenizer: Tokenizer, size: int) -> Tensor:
    """(V,) pieces after which a sentence may end; ``size`` is the model's vocabulary."""
    texts = (tokenizer.raw.decode([number]).rstrip(CLOSING) for number in range(tokenizer.vocab_size))
    ends = torch.tensor([text.endswith(SENTENCE_MARKS) for text in texts])
    return F.pad(ends, (0, size - len(ends)))


def _cut(input_ids: Tensor, documents: Tensor, ends_sentence: Tensor) -> _Spans:
    """Each document's last token before its cut has the highest draw, those that end a sentence above all others."""
    documents = documents.flatten()
    length, real = input_ids.shape[1], documents >= 0
    places = torch.arange(len(documents), device=documents.device)
    begins = real & ((documents != documents.roll(1)) | (places % length == 0))
    starts = begins.nonzero()[:, 0]
    number = (begins.cumsum(dim=0) - 1).clamp(min=0)
    num_text = torch.bincount(number[real], minlength=len(starts)) - 3
    place = places - starts[number]
    may = real & (place >= 1) & (place < num_text[number])
    draws = torch.randint(DRAWS, places.shape, device=places.device) + DRAWS * ends_sentence[input_ids.flatten()]
    keys = torch.where(may, draws * length + place, -1)
    best = torch.full_like(starts, -1).scatter_reduce(0, number, keys, "amax")
    first = torch.where(best < 0, num_text, best % length)
    return _Spans(starts, first, num_text - first, number)


def _next_shorter(lengths: Tensor) -> tuple[Tensor, Tensor]:
    """(S,) the one whose length is next below or equal, and whether there is one that is not empty."""
    order = lengths.argsort(stable=True)
    other = torch.empty_like(order).scatter(0, order, order.roll(1))
    exists = torch.ones_like(order, dtype=torch.bool).scatter(0, order[:1], False)
    return other, exists & (lengths[other] > 0)


def _choose(where: Tensor, some: tuple[Tensor, Tensor], others: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return torch.where(where, some[0], others[0]), torch.where(where, some[1], others[1])


def _by_row(documents: Tensor, spans: _Spans, changed: Tensor) -> Batch:
    """(B, K) of each row's pairs; K is fixed, so that nothing is compiled again."""
    batch, length = documents.shape
    row, number = spans.starts // length, documents.flatten()[spans.starts]
    table = torch.zeros((batch, max(1, length // MIN_PAIR)), dtype=torch.int64, device=documents.device)
    return {
        "pair_positions": table.index_put((row, number), spans.starts % length),
        "pair_labels": table.index_put((row, number), changed.long()),
        "pair_counted": table.index_put((row, number), (spans.second > 0).long()) > 0,
    }

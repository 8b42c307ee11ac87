"""One open page without its looks: what is asked, what came back, what was tried. The newest question wins.

ask ──▶ predict ──▶ still the newest? ──yes──▶ reply or trouble
 └ a newer ask cancels the older call, whose answer is dropped wherever it is
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from triga.console.client import AWAY_CODE, BUSY_CODE, STRANGE_CODE, UNSEEN_CODE, Api, Question, Reply, Trouble
from triga.console.history import History, Try
from triga.console.model_info import ModelInfo
from triga.core.errors import Language

__all__ = ["Playground"]

SETTLE_S = 1.5
"""A text that stands so long is a try worth remembering; what is typed over sooner is not."""
MAX_RETRIES = 5
"""How often one text is asked again without a keystroke. Bounded, so that a text that fells the server cannot fell it
again for ever."""


class Playground:
    """``changed`` is called after anything that a page shows has changed by itself."""

    def __init__(self, api: Api, language: Language, history: History) -> None:
        self.api = api
        self.language = language
        self.history = history
        self.text = ""
        self.pair = ""
        self.model: ModelInfo | None = None
        self.reply: Reply | None = None
        self.trouble: Trouble | None = None
        self.changed: Callable[[], None] = lambda: None
        self._turn = 0
        self._call: asyncio.Task[Reply | Trouble] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._num_retries = 0

    @property
    def question(self) -> Question | None:
        """The text, or both of a pair; None while something is still missing."""
        text, pair, pairs = self.text.strip(), self.pair.strip(), self.model.pairs if self.model else "never"
        if not text or (pairs == "always" and not pair):
            return None
        return (self.text, self.pair) if pair and pairs != "never" else self.text

    @property
    def is_away(self) -> bool:
        """The server was not reached yet, or not any more, or another one stands at its address."""
        gone = (AWAY_CODE, STRANGE_CODE, UNSEEN_CODE)
        return self.model is None or (self.trouble is not None and self.trouble.code in gone)

    @property
    def will_retry(self) -> bool:
        """Whether the trouble is a busy server's, which is asked again when it said so."""
        return self.trouble is not None and self.trouble.code == BUSY_CODE and self._later is not None

    @property
    def is_asking(self) -> bool:
        return self._call is not None and not self._call.done()

    async def connect(self) -> bool:
        """Learn what is served. False, with ``trouble`` set, where nobody answers."""
        info = await self.api.info(self.language)
        if isinstance(info, Trouble):
            self.trouble = info
            return False
        if self.model is not None and self.model.kind != info.kind:
            self.reply = None
        self.model, self.trouble = info, None
        return True

    async def predict(self, questions: Sequence[Question]) -> Reply | Trouble:
        """Answers of the model's kind; which that is may have to be learned first."""
        if self.model is None:
            info = await self.api.info(self.language)
            if isinstance(info, Trouble):
                return info
            self.model = info
        return await self.api.predict(questions, self.model.kind, self.language)

    async def recover(self) -> None:
        """Look whether somebody answers again, and then ask for what stands there."""
        if not await self.connect():
            self.changed()
        elif self._num_retries < MAX_RETRIES:
            self._num_retries += 1
            await self.ask()

    def write(self, text: str, pair: str) -> None:
        self.text, self.pair = text, pair
        self._num_retries = 0

    async def ask(self) -> None:
        """Ask for what stands there. Returns early when a newer question overtakes this one."""
        turn = self._begin()
        question = self.question
        if question is None:
            self.reply = None
            self.trouble = self.trouble if self.is_away else None
            self.changed()
            return
        call = asyncio.ensure_future(self.predict([question]))
        self._call = call
        await asyncio.wait([call])
        if turn == self._turn and not call.cancelled():
            self._take(call.result())

    def forget(self) -> None:
        """Empty the history; what stands there now is not put in again by itself."""
        if self._later is not None and self.trouble is None:
            self._later.cancel()
        self.history.clear()
        self.changed()

    def close(self) -> None:
        """Drop whatever is under way: the page is gone."""
        self._begin()
        self.changed = lambda: None

    def _begin(self) -> int:
        self._turn += 1
        if self._call is not None:
            self._call.cancel()
        if self._later is not None:
            self._later.cancel()
            self._later = None
        return self._turn

    def _take(self, outcome: Reply | Trouble) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(outcome, Reply):
            self.reply, self.trouble = outcome, None
            self._later = loop.call_later(SETTLE_S, self._remember)
        else:
            self.reply, self.trouble = None, outcome  # an older text's answer beside a trouble would mislead
            may_retry = outcome.code == BUSY_CODE and self._num_retries < MAX_RETRIES
            if may_retry and outcome.retry_s is not None:
                self._num_retries += 1
                self._later = loop.call_later(outcome.retry_s, self._ask_again)
        self.changed()

    def _ask_again(self) -> None:
        self._retry = asyncio.ensure_future(self.ask())  # kept: the loop holds tasks by weak references only

    def _remember(self) -> None:
        if self.reply is not None:
            self.history.add(Try.of(self.text, self.pair, self.reply.answers[0]))
            self.changed()

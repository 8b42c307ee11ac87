"""Dialogues as people's tools write them, to turns.

    columns                                       as written by
    messages: [{role, content}]                   OpenAI, TRL, LLaMA-Factory
    conversations: [{from, value}]                ShareGPT; ``human`` is the user, ``gpt`` the assistant
    instruction, input, output                    Alpaca; a system prompt and ``history`` [[question, answer]] too
    prompt, completion                            and question, answer; anything of two columns

A dialogue may begin with a system's turn; then user and assistant take turns, the user first. What is to be learned
ends with the assistant's. Lists may stand in a cell as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from triga.core.errors import DataError
from triga.tasks.texts import written_text

__all__ = ["Speaker", "Turn", "read_turns"]

Speaker = Literal["system", "user", "assistant"]
SPEAKERS: Mapping[str, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}
MAX_SHOWN_CHARS = 60


class Turn(NamedTuple):
    speaker: Speaker
    text: str


def read_turns(values: Mapping[str, Any]) -> list[Turn]:
    """The dialogue of a row from its values by role; the last turn is the assistant's.

    Raises ``DataError`` (without ``where``): nothing asked, an empty turn, an unknown speaker, turns in a wrong order,
    no answer.
    """
    messages = _parsed(values.get("messages"))
    turns = list(_of_columns(values) if _is_nothing(messages) else _of_messages(messages))
    if system := written_text(values.get("system"), "system").strip():
        turns = turns if turns and turns[0].speaker == "system" else [Turn("system", system), *turns]
    _check(turns)
    return turns


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str | Sequence) and not len(value))


def _of_columns(values: Mapping[str, Any]) -> Iterator[Turn]:
    """Earlier questions and answers, then this one; an ``input`` stands below its instruction."""
    for pair in _history(_parsed(values.get("history"))):
        yield Turn("user", pair[0].strip())
        yield Turn("assistant", pair[1].strip())
    parts = (written_text(values.get(name), name).strip() for name in ("prompt", "input"))
    yield Turn("user", "\n".join(part for part in parts if part))
    yield Turn("assistant", written_text(values.get("answer"), "answer").strip())


def _history(value: Any) -> list[tuple[str, str]]:
    if _is_nothing(value):
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _not_turns(value)
    pairs = [list(pair) if isinstance(pair, Sequence) and not isinstance(pair, str) else [] for pair in value]
    if any(len(pair) != 2 or not all(isinstance(one, str) for one in pair) for pair in pairs):
        raise _not_turns(value)
    return [(pair[0], pair[1]) for pair in pairs]


def _of_messages(messages: Any) -> Iterator[Turn]:
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise _not_turns(messages)
    for message in messages:
        if not isinstance(message, Mapping):
            raise _not_turns(message)
        yield Turn(_speaker(message), _content(message))


def _speaker(message: Mapping[str, Any]) -> Speaker:
    name = message.get("role", message.get("from", message.get("speaker")))
    speaker = SPEAKERS.get(str(name).strip().lower())
    if speaker is None:
        raise DataError(
            "turn-speaker-unknown",
            "a turn is of '{name}', which is none of: {names}",
            fix="write role: user, assistant or system in each turn",
            name=str(name)[:MAX_SHOWN_CHARS],
            names=", ".join(SPEAKERS),
        )
    return speaker


def _content(message: Mapping[str, Any]) -> str:
    """A text, or OpenAI's list of parts of which all are texts."""
    content = message.get("content", message.get("value", message.get("text")))
    if isinstance(content, Sequence) and not isinstance(content, str):
        parts = [part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
        if len(parts) < len(content):
            raise _not_turns(content)
        content = "".join(parts)
    return written_text(content, "turn").strip()


def _check(turns: Sequence[Turn]) -> None:
    if not turns or turns[-1].speaker != "assistant":
        raise DataError(
            "turn-no-answer",
            "the dialogue does not end with an answer of the assistant",
            fix="add the answer, or let triga check --fix delete the row",
        )
    for number, turn in enumerate(turns, start=1):
        if not turn.text:
            raise DataError(
                "turn-empty",
                "turn {number} of the dialogue ({speaker}) is empty",
                fix="fill it, or let triga check --fix delete the row",
                number=number,
                speaker=turn.speaker,
            )
    spoken = turns[1:] if turns[0].speaker == "system" else turns
    for number, turn in enumerate(spoken, start=1 + len(turns) - len(spoken)):
        expected = ("user", "assistant")[(number - 1 - len(turns) + len(spoken)) % 2]
        if turn.speaker != expected:
            raise DataError(
                "turn-order",
                "turn {number} of the dialogue is the {speaker}'s, where the {expected}'s belongs",
                fix="let user and assistant take turns, the user first; join two turns of one speaker",
                number=number,
                speaker=turn.speaker,
                expected=expected,
            )


def _not_turns(value: Any) -> DataError:
    return DataError(
        "turns-unreadable",
        "the dialogue is not a list of turns: {value}",
        fix='write [{{"role": "user", "content": "…"}}, {{"role": "assistant", "content": "…"}}]',
        value=str(value)[:MAX_SHOWN_CHARS],
    )

"""Dialogues as one text, by the template of a tokenizer's folder: what a model of instructions was taught to read.

    user: where is it?  ─▶  <|im_start|>user\\nwhere is it?<|im_end|>\\n<|im_start|>assistant\\n

Templates are Jinja as transformers has them (``chat_template.jinja``, or in ``tokenizer_config.json``), run in the
same sandbox. What a speaker says can forge no turn: special tokens in it are written apart (``< |im_end|>``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.ext import LoopControlExtension
from jinja2.sandbox import ImmutableSandboxedEnvironment

from triga.core.errors import ModelError

__all__ = ["CHATML", "CHATML_TOKENS", "CHAT_FILE", "Chat", "load_chat"]

CHAT_FILE = "chat_template.jinja"
CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")
CHATML = (
    "{{ bos_token }}{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""OpenAI's ChatML, for tokenizers that have no template of their own."""
Message = Mapping[str, str]
"""``{"role", "content"}``."""


@dataclass(frozen=True)
class Chat:
    """A template, and what it must know of the tokenizer."""

    template: str
    tokens: Mapping[str, str]
    """``bos_token``, ``eos_token`` … by name, as the template asks for them."""
    special: frozenset[str]
    """All special tokens, none of which may come from what a speaker says."""

    def render(self, messages: Sequence[Message], *, is_open: bool = False) -> str:
        """The dialogue; ``is_open``: up to where the assistant begins to answer. Raises ``ModelError``."""
        plain = [{**message, "content": self._apart(message["content"])} for message in messages]
        try:
            return str(self._compiled.render(messages=plain, add_generation_prompt=is_open, **self.tokens))
        except (TemplateError, TypeError, KeyError) as error:
            raise ModelError(
                "chat-template-fails",
                "the model's chat template cannot write this dialogue: {reason}",
                where=CHAT_FILE,
                fix="correct the template, or leave out what it refuses (often a system's turn)",
                reason=" ".join(str(error).split())[:200],
            ) from error

    def spans(self, messages: Sequence[Message]) -> tuple[str, list[tuple[int, int]]]:
        """The whole dialogue and the characters of each of the assistant's turns, with what ends it.

        Where a template writes an earlier turn another way once more is said, only the last ones count. Raises
        ``ModelError`` where not even the last one stands as it would be asked for.
        """
        whole = self.render(messages)
        spans = []
        for i, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before, after = self.render(messages[:i], is_open=True), self.render(messages[: i + 1])
            if whole.startswith(after) and after.startswith(before):
                spans.append((len(before), len(after.rstrip("\n"))))
        if not spans or spans[-1][1] < len(whole.rstrip("\n")):
            raise ModelError(
                "chat-template-unsteady",
                "the model's chat template does not ask for an answer as it writes one",
                where=CHAT_FILE,
                fix="a template that writes the assistant's turn right behind add_generation_prompt is needed",
            )
        return whole, spans

    @cached_property
    def _compiled(self) -> Any:
        """As transformers compiles it."""
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[LoopControlExtension]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        try:
            return environment.from_string(self.template)
        except TemplateError as error:
            raise ModelError(
                "chat-template-invalid",
                "the model's chat template is not valid Jinja: {reason}",
                where=CHAT_FILE,
                fix="copy the model's folder again",
                reason=str(error)[:200],
            ) from error

    def _apart(self, text: str) -> str:
        for token in self.special:
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text


def load_chat(folder: Path, special: Iterable[str]) -> Chat | None:
    """The template of a model's folder; None where it has none. One of several is the one named ``default``."""
    config = folder / "tokenizer_config.json"
    settings = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    template: Any = settings.get("chat_template")
    if (folder / CHAT_FILE).is_file():
        template = (folder / CHAT_FILE).read_text(encoding="utf-8")
    if isinstance(template, list):
        template = next((one["template"] for one in template if one.get("name") == "default"), None)
    if not isinstance(template, str):
        return None
    return Chat(template, _named(settings), frozenset(special))


def _named(settings: Mapping[str, Any]) -> dict[str, str]:
    """``bos_token`` and its like: written out, or as an object with ``content``."""
    found = {name: value for name, value in settings.items() if name.endswith("_token")}
    plain = {name: value.get("content") if isinstance(value, dict) else value for name, value in found.items()}
    return {name: value for name, value in plain.items() if isinstance(value, str)}


def _to_json(value: Any, **options: Any) -> str:
    """Jinja's own escapes HTML, which no model was taught."""
    return json.dumps(value, ensure_ascii=False, **options)


def _refuse(message: str) -> None:
    raise TemplateError(message)

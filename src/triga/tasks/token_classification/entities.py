"""Texts with entities as people's tools write them, to a text and its spans in characters.

    text                what holds the entities                          as written by
    ["EU", "said"]      ["B-ORG", "O"], or numbers (task.tag_names)      Hugging Face, CoNLL
    "EU said"           "B-ORG O"                                        CSV files
    ["EU", "said"]      [[0, 0, "ORG"]]   tokens, the last included      GLiNER
    "EU said"           [[0, 2, "ORG"]]                                  doccano, spaCy
    "EU said"           [{"start": 0, "end": 2, "label": "ORG"}]         Prodigy, doccano, pipelines, Label Studio (min)
    {"text": "EU said"} [{"result": [{"value": {"start": 0, …}}]}]       Label Studio
    "EU said"           {"ORG": {"EU": [[0, 1]]}}   last included        CLUENER

Lists and mappings may stand in a cell as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from triga.core.errors import DataError
from triga.tasks.texts import written_text
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.tags import Scheme, spans_of_tags
from triga.text.words import is_spaceless

__all__ = ["join_tokens", "read_entities"]

LABEL_KEYS = ("label", "labels", "type", "entity_group", "entity")
MAX_SHOWN_CHARS = 60


class _Found(NamedTuple):
    """An entity as it was written, in characters, nothing checked; ``said`` is its text, where that was written too."""

    start: Any
    end: Any
    label: Any
    said: Any = None


def read_entities(
    text_value: Any, entities_value: Any, *, scheme: Scheme, tag_names: Sequence[str] | None = None
) -> tuple[str, list[Span]]:
    """The text and its spans in characters, sorted, without spaces at their ends; each once, none over another.

    No entities are None, ``""`` or an empty list. Raises ``DataError`` (without ``where``).
    """
    text, written = _text(text_value), _parsed(entities_value)
    if isinstance(written, str):
        written = written.split()
    if not written:
        return (text if isinstance(text, str) else join_tokens(text)[0]), []
    if isinstance(written, list) and all(isinstance(tag, str | int) for tag in written):
        tokens = _split(text, len(written)) if isinstance(text, str) else text
        return _read_tags(tokens, [_tag(value, tag_names) for value in written], scheme)
    if isinstance(text, list):
        return _read_token_spans(text, written)
    return text, _checked(_written_spans(written), text)


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """The text of tokens, and the characters ``(start, end)`` of each.

    Where all tokens are single characters they are a text cut by character; an empty one was a space. Else a space
    stands between two tokens, but beside a script that has none (Chinese, Japanese …) and beside a space.
    """
    by_character = all(len(token) <= 1 for token in tokens)
    text, spans = "", []
    for token in (token or " " for token in tokens):
        if text and not by_character and not (_needs_no_space(text[-1]) or _needs_no_space(token[0])):
            text += " "
        spans.append((len(text), len(text) + len(token)))
        text += token
    return text, spans


def _needs_no_space(character: str) -> bool:
    return character.isspace() or is_spaceless(character)


# -- the two values -----------------------------------------------------------------------------------------------


def _text(value: Any) -> str | list[str]:
    """A text, or its tokens."""
    if isinstance(value, Mapping) and "text" in value:
        value = value["text"]
    if isinstance(value, str):
        tokens = _json(value)
        is_tokens = isinstance(tokens, list) and tokens and all(isinstance(token, str) for token in tokens)
        return list(tokens) if is_tokens else value
    if isinstance(value, list | tuple):
        return [written_text(token) for token in value]
    return written_text(value)


def _parsed(value: Any) -> Any:
    """What holds the entities, read where it is JSON; a tuple is a list."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        parsed = _json(value)
        if parsed is None:
            raise _unreadable(value)
        return parsed
    return value


def _json(value: str) -> Any:
    """The list or mapping that a text holds as JSON; None where it holds none."""
    try:
        return json.loads(value) if value.lstrip()[:1] in ("[", "{") else None
    except (ValueError, RecursionError):
        return None


# -- tokens -------------------------------------------------------------------------------------------------------


def _split(text: str, num_tags: int) -> list[str]:
    """A text cut at its spaces; by character where only so each has a tag."""
    tokens = text.split()
    return list(text) if len(tokens) != num_tags == len(text) else tokens


def _tag(value: str | int, names: Sequence[str] | None) -> str:
    """A tag by its name or its number, which may be written as a text."""
    if isinstance(value, str) and not value.isdecimal():
        return value.strip()
    if names is None:
        raise DataError(
            "tag-names-missing",
            "tags are numbers ({value}), and nothing says what they mean",
            fix="name them in order in task.tag_names: [O, B-PER, I-PER, …]",
            value=value,
        )
    if not 0 <= int(value) < len(names):
        raise DataError(
            "tag-not-in-names",
            "tag {value} is not among the {count} of task.tag_names, which are counted from 0",
            fix="correct the tag or the list",
            value=value,
            count=len(names),
        )
    return names[int(value)]


def _read_tags(tokens: Sequence[str], tags: Sequence[str], scheme: Scheme) -> tuple[str, list[Span]]:
    if len(tokens) != len(tags):
        raise DataError(
            "tags-count-differs",
            "there are {tags} tags for {tokens} tokens",
            fix="write one tag for each token",
            tags=len(tags),
            tokens=len(tokens),
        )
    text, places = join_tokens(tokens)
    spans = spans_of_tags(tags, scheme)
    return text, _checked([_Found(places[one.start][0], places[one.end - 1][1], one.label) for one in spans], text)


def _read_token_spans(tokens: Sequence[str], written: Any) -> tuple[str, list[Span]]:
    """GLiNER's ``[first token, last token, label]``."""
    text, places = join_tokens(tokens)
    found = []
    for item in _items(written):
        if not (isinstance(item, list | tuple) and len(item) == 3 and _are_positions(*item[:2])):
            raise _unreadable(item)
        first, last, label = item
        if not 0 <= first <= last < len(tokens):
            raise _outside(_Found(*item), len(tokens) - 1)
        found.append(_Found(places[first][0], places[last][1], label))
    return text, _checked(found, text)


# -- spans of a text ----------------------------------------------------------------------------------------------


def _written_spans(written: Any) -> list[_Found]:
    if isinstance(written, Mapping):
        return _of_cluener(written)
    items = _items(written)
    if all(isinstance(item, Mapping) and isinstance(item.get("result"), list) for item in items):
        items = _of_label_studio(items)
    return [found for item in items for found in _of_item(item)]


def _items(written: Any) -> list[Any]:
    if not isinstance(written, list):
        raise _unreadable(written)
    return written


def _of_item(item: Any) -> list[_Found]:
    """``[start, end, label]``, or a mapping that names them; one for each of several labels."""
    if isinstance(item, list | tuple) and len(item) == 3:
        return [_Found(*item)]
    if not isinstance(item, Mapping):
        raise _unreadable(item)
    start, end = _first(item, ("start", "start_offset")), _first(item, ("end", "end_offset"))
    label, said = _first(item, LABEL_KEYS), _first(item, ("text", "word"))
    labels = label or [""] if isinstance(label, list) else [label]
    return [_Found(start, end, one, said) for one in labels]


def _of_cluener(types: Mapping[Any, Any]) -> list[_Found]:
    """``{label: {text: [[start, last], …]}}``. A column of Parquet holds None for what a row has not."""
    found = []
    for label, texts in types.items():
        if not isinstance(texts or {}, Mapping):
            raise _unreadable(types)
        for said, places in (texts or {}).items():
            for place in places or []:
                if not (isinstance(place, list | tuple) and len(place) == 2 and _are_positions(*place)):
                    raise _unreadable(types)
                found.append(_Found(place[0], place[1] + 1, label, said))
    return found


def _of_label_studio(annotations: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Spans of the first annotation that was not taken back; relations and answers to other questions are no spans."""
    kept = next((each["result"] for each in annotations if not each.get("was_cancelled")), None)
    if kept is None:
        raise DataError(
            "annotation-cancelled",
            "whoever was to mark the text skipped it",
            fix="mark it, or let triga check --fix delete the row",
        )
    if not all(isinstance(result, Mapping) for result in kept):
        raise _unreadable(kept)
    return [result.get("value") for result in kept if str(result.get("type", "labels")).endswith("labels")]


def _first(item: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)


# -- what holds for all -------------------------------------------------------------------------------------------


def _checked(found: Iterable[_Found], text: str) -> list[Span]:
    spans = sorted({_span(one, text) for one in found})
    for one, other in pairwise(spans):
        if other.start < one.end:
            raise DataError(
                "spans-overlap",
                "the entities {first} and {second} overlap",
                fix="keep one of them: a token has one tag",
                first=_shown(one, text),
                second=_shown(other, text),
            )
    return spans


def _span(found: _Found, text: str) -> Span:
    if not _are_positions(found.start, found.end):
        raise _unreadable(list(found[:3]))
    there = text[found.start : found.end]
    if not 0 <= found.start < found.end <= len(text) or not there.strip():
        raise _outside(found, len(text))
    if found.said is not None and str(found.said).strip() != there.strip():
        raise DataError(
            "span-text-differs",
            "the entity at {start}-{end} should be '{said}', but there stands '{there}'",
            fix="count characters (not bytes, not UTF-16) from 0, in the text as it is in the file",
            start=found.start,
            end=found.end,
            said=str(found.said)[:MAX_SHOWN_CHARS],
            there=there[:MAX_SHOWN_CHARS],
        )
    start = found.start + len(there) - len(there.lstrip())
    return Span(start, start + len(there.strip()), _label(found))


def _label(found: _Found) -> str:
    if not isinstance(found.label, str | int | None):
        raise _unreadable(list(found[:3]))
    label = "" if found.label is None else str(found.label).strip()
    if not label:
        raise DataError(
            "entity-label-empty",
            "the entity at {start}-{end} has no label",
            fix="say what it is, or take it out",
            start=found.start,
            end=found.end,
        )
    return label


def _are_positions(*values: Any) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values)


def _shown(span: Span, text: str) -> str:
    return f"'{text[span.start : span.end][:MAX_SHOWN_CHARS]}' ({span.label}, {span.start}-{span.end})"


def _outside(found: _Found, end: int) -> DataError:
    return DataError(
        "span-outside",
        "the entity {label} at {start}-{end} is empty or not within the text, which ends at {text_end}",
        fix="count characters from 0, the end behind the last one (in a list of tokens: tokens, the last one included)",
        label=found.label,
        start=found.start,
        end=found.end,
        text_end=end,
    )


def _unreadable(value: Any) -> DataError:
    return DataError(
        "entities-unreadable",
        "entities cannot be read from {type} {value}",
        fix="write [[start, end, label], …] in characters, or a tag for each token, or as common tools export them",
        type=type(value).__name__,
        value=repr(value)[:MAX_SHOWN_CHARS],
    )

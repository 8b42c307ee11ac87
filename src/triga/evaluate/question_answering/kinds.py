"""What a question asks for, by its question word: ``who``, ``when`` … in English, ``谁``, ``何时`` … in Chinese."""

from __future__ import annotations

import re

__all__ = ["OTHER", "kind_of_question"]

OTHER = "…"
"""No question word was found."""
_KINDS = {
    "who": r"\bwho(?:m|se)?\b",
    "when": r"\bwhen\b",
    "where": r"\bwhere\b",
    "why": r"\bwhy\b",
    "how many": r"\bhow (?:many|much)\b",
    "how": r"\bhow\b",
    "which": r"\bwhich\b",
    "what": r"\bwhat\b",
    "谁": "谁|誰|何人",
    "何时": "什么时候|什麼時候|何时|何時|哪年|哪一年|几时|幾時",
    "哪里": "哪里|哪裡|哪裏|哪儿|何处|何處|何地",
    "为什么": "为什么|為什麼|为何|為何",
    "多少": "多少|几|幾",
    "怎么": "怎么|怎麼|怎样|怎樣|如何",
    "哪": "哪",
    "什么": "什么|什麼|甚麼|何",
}
_WORD = re.compile("|".join(f"({pattern})" for pattern in _KINDS.values()), re.IGNORECASE)
_NAMES = tuple(_KINDS)


def kind_of_question(question: str) -> str:
    """The first question word of it (``In what year`` asks ``what``); ``OTHER`` where there is none."""
    found = _WORD.search(question)
    return OTHER if found is None or found.lastindex is None else _NAMES[found.lastindex - 1]

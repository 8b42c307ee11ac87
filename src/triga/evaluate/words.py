"""What the numbers mean, in sentences: the summary of a dossier, in English and Chinese.

The sentences are in ``templates/sentences.json``; here is when each is said. Nothing that can be chance is called
better, worse or weak.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Literal

from triga.evaluate.gates import Gate

__all__ = ["Sentence", "p_value", "percent", "points", "sentences", "signed", "summarise"]

Level = Literal["good", "bad", "warn", "info"]
Sentence = Mapping[str, str]
"""``{"code", "level", "en", "zh"}``."""

WIDE = 0.03
"""Half width of accuracy's interval from which the reader is told."""
CLEARLY_WEAKER = 0.05
"""F1 below the macro average by which a class is called weak."""
NUM_WEAK = 3
WELL_CALIBRATED, BELIEVABLE = 0.02, 0.05
"""Calibration error that is small whatever chance allows, and one too large to be called small however few the rows."""
SLICE_KINDS = {
    "length": ("length {}", "长度 {}"),
    "language": ("language {}", "语言 {}"),
    "labels": ("{} labels", "{} 个标签"),
}
"""Kinds of slices that are worth a sentence; that unsure answers are wrong more often is no news."""


def summarise(dossier: Mapping[str, Any], gates: Sequence[Gate]) -> list[Sentence]:
    """Sentences for a dossier's plain values, the most important first."""
    verdict, *rest = _verdict(dossier)
    parts = (_majority, _macro, _leaks, _weak_classes, _weak_slices, _calibration, _refusing, _doubtful)
    return [verdict, *_gates(gates), *rest, *(sentence for part in parts for sentence in part(dossier))]


@functools.cache
def sentences() -> dict[str, tuple[str, str]]:
    """Code to its English and its Chinese template."""
    file = resources.files("triga.evaluate").joinpath("templates/sentences.json")
    return {code: (pair[0], pair[1]) for code, pair in json.loads(file.read_text(encoding="utf-8")).items()}


def percent(share: float) -> str:
    return f"{share:.1%}"


def points(difference: float) -> str:
    """A difference of two shares, in percentage points."""
    return f"{100 * abs(difference):.1f}"


def signed(difference: float) -> str:
    """A difference of two shares, in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def p_value(p: float) -> str:
    """With spaces that do not break."""
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    return shown.replace(" ", "\u00a0")


def _say(code: str, level: Level, **params: object) -> Sentence:
    """``params`` may be a pair (English, Chinese)."""
    english, chinese = sentences()[code]
    chosen = [{name: value[i] if isinstance(value, tuple) else value for name, value in params.items()} for i in (0, 1)]
    return {"code": code, "level": level, "en": english.format(**chosen[0]), "zh": chinese.format(**chosen[1])}


def _verdict(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    rows, metric, comparison = dossier["rows"]["test"], dossier["task"]["headline"][0], dossier["comparison"]
    score = _scores(dossier, "model")[metric]
    shares = {"rows": f"{rows:,}", "model": percent(score["value"])}
    if comparison is None:
        yield _say("no-baseline", "info", **shares)
    else:
        shares["baseline"] = percent(_scores(dossier, "tfidf")[metric]["value"])
        said = _say("scores-one" if metric == "accuracy" else "scores-several", "info", **shares)
        code, level = _VERDICTS[comparison["winner"]]
        yield _say(code, level, scores=(said["en"], said["zh"]), test=_test_in_words(dossier))
        needed = comparison["rows_to_decide"]
        if code == "undecided" and needed and needed > rows:
            yield _say("rows-to-decide", "info", needed=f"{needed:,}")
    half = (score["high"] - score["low"]) / 2
    if half > WIDE:
        yield _say(
            "few-rows", "warn", rows=f"{rows:,}", half=(f"{100 * half:.1f} points", f"{100 * half:.1f} 个百分点")
        )


_VERDICTS: Mapping[str | None, tuple[str, Level]] = {
    "model": ("better", "good"),
    "tfidf": ("worse", "bad"),
    None: ("undecided", "warn"),
}


def _test_in_words(dossier: Mapping[str, Any]) -> tuple[str, str]:
    comparison = dossier["comparison"]
    if not dossier["task"]["multi_label"]:
        p = p_value(comparison["mcnemar"]["p_value"])
        return f"McNemar's test, {p}", f"McNemar 检验，{p}"
    gap = comparison["differences"]["micro_f1"]
    value, low, high = (signed(gap[key]) for key in ("value", "low", "high"))
    return f"micro F1 {value} points, {low} to {high}", f"微平均 F1 相差 {value} 个百分点，{low} 至 {high}"


def _majority(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    usual = next((system for system in dossier["systems"] if system["key"] == "majority"), None)
    metric = dossier["task"]["headline"][0]
    if usual and usual["scores"][metric]["value"] >= _scores(dossier, "model")[metric]["low"]:
        share = percent(usual["scores"][metric]["value"])
        yield _say("majority-not-beaten", "bad", label=", ".join(usual["settings"]["labels"]), share=share)


def _macro(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    """Only where it says something else than the verdict."""
    if dossier["comparison"] is None:
        return
    gap, winner = dossier["comparison"]["differences"]["macro_f1"], dossier["comparison"]["winner"]
    low, high = sorted((gap["low"], gap["high"]), key=abs)
    bounds = {"low": points(low), "high": (f"{points(high)} points", f"{points(high)} 个百分点")}
    if gap["low"] > 0 and winner != "model":
        yield _say("macro-ahead", "good", points=points(gap["value"]), **bounds)
    if gap["high"] < 0 and winner != "tfidf":
        yield _say("macro-behind", "bad", points=points(gap["value"]), **bounds)


def _weak_classes(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    macro = _scores(dossier, "model")["macro_f1"]["value"]
    weak = [one for one in dossier["classes"] if one["support"] and one["f1"]["high"] < macro - CLEARLY_WEAKER]
    weak.sort(key=lambda one: one["f1"]["value"])
    if weak:
        named = [(one["label"], f"{one['f1']['value']:.2f}") for one in weak[:NUM_WEAK]]
        english = ", ".join(f"{label} ({f1})" for label, f1 in named)
        chinese = "、".join(f"{label}（{f1}）" for label, f1 in named)
        yield _say("weak-classes", "warn", classes=(english, chinese))


def _weak_slices(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    found: list[tuple[str, str]] = []
    for group in dossier["slices"]:
        names = SLICE_KINDS.get(group["kind"])
        for one in group["slices"] if names else ():
            if one["weak"] and names:
                share = percent(one["accuracy"]["value"])
                english, chinese = (name.format(one["slice"]) for name in names)
                found.append((f"{english} ({share} right)", f"{chinese}（正确 {share}）"))
    if found:
        yield _say("weak-slice", "warn", slices=("; ".join(en for en, _ in found), "；".join(zh for _, zh in found)))


def _calibration(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    calibration = dossier["calibration"]
    served = calibration["after"] if calibration["applied"] else calibration["before"]
    gap = served["confidence"] - served["accuracy"]
    params = {key: percent(served[key]) for key in ("confidence", "accuracy", "error")}
    if served["error"] <= min(max(served["error_by_chance"], WELL_CALIBRATED), BELIEVABLE):
        yield _say("calibrated", "good", error=params["error"])
    elif served["error"] <= served["error_by_chance"]:
        yield _say("calibration-unknown", "info", error=params["error"], chance=percent(served["error_by_chance"]))
    elif abs(gap) < served["error"] / 2:
        yield _say("miscalibrated", "warn", error=params["error"])
    else:
        code = "overconfident" if gap > 0 else "underconfident"
        yield _say(code, "warn", confidence=params["confidence"], accuracy=params["accuracy"])


def _refusing(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    """The first operating point that halves the share of mistakes and still answers most rows."""
    accuracy = _scores(dossier, "model")["accuracy"]["value"]
    for point in dossier["selective"]["points"]:
        if 0.5 <= point["coverage"] < 1 and 1 - point["accuracy"]["value"] <= (1 - accuracy) / 2:
            refused, reached = percent(1 - point["coverage"]), percent(point["accuracy"]["value"])
            yield _say("refuse", "info", refused=refused, accuracy=reached)
            return


def _leaks(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    leakage = dossier["leakage"]
    if not leakage or not leakage["count"]:
        return
    if leakage["scores"] is None:
        yield _say("leaked-all", "bad", count=leakage["count"])
    else:
        shares = {key: percent(value) for key, value in (("share", leakage["share"]), *leakage["scores"].items())}
        yield _say("leaked", "warn", count=leakage["count"], share=shares["share"], accuracy=shares["accuracy"])


def _doubtful(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    shown = dossier["mistakes"]["shown"]
    doubtful = sum(mistake["label_doubtful"] for mistake in shown)
    if doubtful:
        yield _say("doubtful-labels", "info", shown=len(shown), count=doubtful)


def _gates(gates: Sequence[Gate]) -> Iterator[Sentence]:
    missed = [gate for gate in gates if not gate.passed]
    if missed:
        yield _say("gates-missed", "bad", gates=_gate_names(missed))
    elif gates:
        yield _say("gates-passed", "good", count=len(gates))
    uncertain = [gate for gate in gates if gate.uncertain]
    if uncertain:
        names = [gate.name for gate in uncertain]
        yield _say("gates-uncertain", "info", gates=(", ".join(names), "、".join(names)))


def _gate_names(gates: Sequence[Gate]) -> tuple[str, str]:
    english = ", ".join(f"{gate.name} {gate.value:.3f} (wanted {gate.bound:g})" for gate in gates)
    chinese = "、".join(f"{gate.name} {gate.value:.3f}（要求 {gate.bound:g}）" for gate in gates)
    return english, chinese


def _scores(dossier: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    scores: Mapping[str, Any] = next(system["scores"] for system in dossier["systems"] if system["key"] == key)
    return scores

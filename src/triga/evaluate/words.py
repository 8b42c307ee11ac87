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
from triga.evaluate.written import BARE, gap_text, is_share, measured_text, p_value, percent, points, score_text, signed

__all__ = ["Sentence", "p_value", "percent", "points", "sentences", "signed", "summarise"]

Level = Literal["good", "bad", "warn", "info"]
Sentence = Mapping[str, str]
"""``{"code", "level", "en", "zh"}``."""

WIDE = 0.03
"""Half width of the first score's interval from which the reader is told."""
SCORES = {
    "accuracy": "scores-one",
    "micro_f1": "scores-several",
    "spearman": "scores-ranks",
    "f1": "scores-answers",
    "bleu": "scores-translated",
    "rouge_l": "scores-written",
}
LEAKED = {
    "accuracy": "leaked",
    "micro_f1": "leaked-f1",
    "spearman": "leaked-ranks",
    "f1": "leaked-answers",
    "bleu": "leaked-translated",
    "rouge_l": "leaked-written",
}
"""Sentences by the first score of the task."""
SHORT = {"f1": "F1", **BARE}
"""What a score is called in a sentence, in both languages."""
CLEARLY_WEAKER = 0.05
"""F1 below the macro average by which a class is called weak."""
NUM_WEAK = 3
WELL_CALIBRATED, BELIEVABLE = 0.02, 0.05
"""Calibration error that is small whatever chance allows, and one too large to be called small however few the rows."""
SLICE_KINDS = {
    "length": ("length {}", "长度 {}"),
    "language": ("language {}", "语言 {}"),
    "labels": ("{} labels", "{} 个标签"),
    "entities": ("{} entities", "{} 个实体"),
    "question": ('questions with "{}"', "含“{}”的问题"),
    "answer": ("answers of {} characters", "{} 个字符的答案"),
    "target": ("true texts of {} characters", "{} 个字符的参考文本"),
}
"""Kinds of slices that are worth a sentence; that unsure answers are wrong more often is no news."""


def summarise(dossier: Mapping[str, Any], gates: Sequence[Gate]) -> list[Sentence]:
    """Sentences for a dossier's plain values, the most important first."""
    verdict, *rest = _verdict(dossier)
    parts = (_majority, _errors, _macro, _leaks, _weak_classes, _weak_slices, _calibration, _refusing, _doubtful)
    return [verdict, *_gates(gates), *rest, *(sentence for part in parts for sentence in part(dossier))]


@functools.cache
def sentences() -> dict[str, tuple[str, str]]:
    """Code to its English and its Chinese template."""
    file = resources.files("triga.evaluate").joinpath("templates/sentences.json")
    return {code: (pair[0], pair[1]) for code, pair in json.loads(file.read_text(encoding="utf-8")).items()}


def _say(code: str, level: Level, **params: object) -> Sentence:
    """``params`` may be a pair (English, Chinese)."""
    english, chinese = sentences()[code]
    chosen = [{name: value[i] if isinstance(value, tuple) else value for name, value in params.items()} for i in (0, 1)]
    return {"code": code, "level": level, "en": english.format(**chosen[0]), "zh": chinese.format(**chosen[1])}


def _verdict(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    rows, metric, comparison = dossier["rows"]["test"], dossier["task"]["headline"][0], dossier["comparison"]
    score = _scores(dossier, "model")[metric]
    shares = {"rows": f"{rows:,}", "model": score_text(score["value"], metric)}
    if comparison is None:
        yield _say("no-baseline" if is_share(metric) else "no-baseline-ranks", "info", **shares)
    else:
        shares["baseline"] = score_text(_scores(dossier, comparison["baseline"])[metric]["value"], metric)
        said = _say(SCORES[metric], "info", **shares)
        code, level = _VERDICTS[comparison["winner"]]
        name = dossier["task"]["baseline_name"]
        yield _say(code, level, name=name, scores=(said["en"], said["zh"]), test=_test_in_words(dossier))
        needed = comparison["rows_to_decide"]
        if code == "undecided" and needed and needed > rows:
            yield _say("rows-to-decide", "info", needed=f"{needed:,}")
    half = (score["high"] - score["low"]) / 2
    if half > WIDE:
        shown = (f"{points(half)} points", f"{points(half)} 个百分点") if is_share(metric) else f"{half:.3f}"
        yield _say("few-rows", "warn", rows=f"{rows:,}", half=shown)


_VERDICTS: Mapping[str | None, tuple[str, Level]] = {
    "model": ("better", "good"),
    "baseline": ("worse", "bad"),
    None: ("undecided", "warn"),
}


def _test_in_words(dossier: Mapping[str, Any]) -> tuple[str, str]:
    comparison, metric = dossier["comparison"], dossier["task"]["headline"][0]
    if metric == "accuracy":
        p = p_value(comparison["mcnemar"]["p_value"])
        return f"McNemar's test, {p}", f"McNemar 检验，{p}"
    gap = comparison["differences"][metric]
    value, low, high = (gap_text(gap[key], metric) for key in ("value", "low", "high"))
    if is_share(metric):
        name, chinese = (SHORT[metric], SHORT[metric]) if metric in SHORT else ("micro F1", "微平均 F1")
        return f"{name} {value} points, {low} to {high}", f"{chinese} 相差 {value} 个百分点，{low} 至 {high}"
    return f"difference {value}, {low} to {high}", f"相差 {value}，{low} 至 {high}"


def _majority(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    usual = next((system for system in dossier["systems"] if system["role"] == "simple"), None)
    metric = dossier["task"]["headline"][0]
    if usual and usual["scores"][metric]["value"] >= _scores(dossier, "model")[metric]["low"]:
        share, labels = score_text(usual["scores"][metric]["value"], metric), usual["settings"].get("labels", ())
        yield _say(f"{usual['key']}-not-beaten", "bad", label=", ".join(labels), share=share)


def _errors(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    """How far answers are off, beside what else could be answered."""
    if "errors" not in dossier["parts"]:
        return
    off = {one["key"]: one["error"] for one in dossier["parts"]["errors"]["systems"]}
    model, mean = off["model"], off.get("mean")
    shown = {key: measured_text(model[key]) for key in ("value", "low", "high")}
    others = [("", "")]
    if dossier["comparison"] is not None:
        name, value = dossier["task"]["baseline_name"], measured_text(off[dossier["comparison"]["baseline"]]["value"])
        others.append((f"; those of the {name} baseline by {value}", f"；{name} 基线为 {value}"))
    if mean is not None:
        said = _say("off-by-mean", "info", **_mean(dossier), value=measured_text(mean["value"]))
        others.append((said["en"], said["zh"]))
    english, chinese = ("".join(parts) for parts in zip(*others, strict=True))
    yield _say("off-by", "info", **shown, others=(english, chinese))
    if mean is not None and model["high"] >= mean["value"]:
        yield _say("mean-as-near", "bad", **_mean(dossier))


def _mean(dossier: Mapping[str, Any]) -> dict[str, str]:
    usual = next(system for system in dossier["systems"] if system["key"] == "mean")
    return {"mean": measured_text(usual["settings"]["score"])}


def _macro(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    """Only where it says something else than the verdict."""
    if dossier["comparison"] is None or "macro_f1" not in dossier["comparison"]["differences"]:
        return
    gap, winner = dossier["comparison"]["differences"]["macro_f1"], dossier["comparison"]["winner"]
    low, high = sorted((gap["low"], gap["high"]), key=abs)
    bounds = {"low": points(low), "high": (f"{points(high)} points", f"{points(high)} 个百分点")}
    if gap["low"] > 0 and winner != "model":
        yield _say("macro-ahead", "good", points=points(gap["value"]), **bounds)
    if gap["high"] < 0 and winner != "baseline":
        yield _say("macro-behind", "bad", points=points(gap["value"]), **bounds)


def _weak_classes(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    if "classes" not in dossier["parts"]:
        return
    macro = _scores(dossier, "model")["macro_f1"]["value"]
    weak = [one for one in dossier["parts"]["classes"] if one["support"] and one["f1"]["high"] < macro - CLEARLY_WEAKER]
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
                english, chinese = (name.format(one["slice"]) for name in names)
                said, chinese_said = _how_weak(one, dossier["task"].get("row_metric"))
                found.append((f"{english} ({said})", f"{chinese}（{chinese_said}）"))
    if found:
        yield _say("weak-slice", "warn", slices=("; ".join(en for en, _ in found), "；".join(zh for _, zh in found)))


def _how_weak(one: Mapping[str, Any], row_metric: str | None) -> tuple[str, str]:
    """``row_metric``: what a row's error is lacking of, where that is a score."""
    if row_metric is not None:
        score = f"{BARE[row_metric]} {score_text(1 - one['error']['value'], row_metric)}"
        return score, score
    if "error" in one:
        off = measured_text(one["error"]["value"])
        return f"off by {off}", f"平均偏离 {off}"
    share = percent(one["accuracy"]["value"])
    return f"{share} right", f"正确 {share}"


def _calibration(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    if "confidence" not in dossier["parts"]:
        return
    calibration = dossier["parts"]["confidence"]["calibration"]
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
    selective = dossier["parts"].get("confidence", {}).get("selective")
    if not selective:
        return
    accuracy = _scores(dossier, "model")["accuracy"]["value"]
    for point in selective["points"]:
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
        first = dossier["task"]["headline"][0]
        shares = {"share": percent(leakage["share"]), "score": score_text(leakage["scores"][first], first)}
        yield _say(LEAKED[first], "warn", count=leakage["count"], **shares)


def _doubtful(dossier: Mapping[str, Any]) -> Iterator[Sentence]:
    shown = dossier["mistakes"]["shown"]
    doubtful = sum(bool(mistake.get("label_doubtful")) for mistake in shown)
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

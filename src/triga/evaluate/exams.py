"""The one place that picks a task's exam."""

from __future__ import annotations

from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Exam
from triga.evaluate.question_answering.exam import AnsweringExam
from triga.evaluate.sequence_to_sequence.exam import WritingExam
from triga.evaluate.text_classification.exam import ClassificationExam
from triga.evaluate.text_generation.exam import GenerationExam
from triga.evaluate.text_regression.exam import RegressionExam
from triga.evaluate.token_classification.exam import TaggingExam
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.text_generation.spec import TextGeneration
from triga.tasks.text_regression.spec import TextRegression
from triga.tasks.token_classification.spec import TokenClassification

__all__ = ["open_exam"]


def open_exam(evidence: Evidence, *, with_baseline: bool, seed: int) -> Exam:
    """The evidence, once scored, beside the baselines, which are fitted here."""
    match evidence.spec:
        case TextClassification():
            return ClassificationExam.open(evidence, with_baseline=with_baseline, seed=seed)
        case TokenClassification():
            return TaggingExam.open(evidence, with_baseline=with_baseline, seed=seed)
        case TextRegression():
            return RegressionExam.open(evidence, with_baseline=with_baseline, seed=seed)
        case QuestionAnswering():
            return AnsweringExam.open(evidence, with_baseline=with_baseline, seed=seed)
        case SequenceToSequence():
            return WritingExam.open(evidence, with_baseline=with_baseline, seed=seed)
        case TextGeneration():
            return GenerationExam.open(evidence, with_baseline=with_baseline, seed=seed)
        case other:
            raise TypeError(f"no exam for {type(other).__name__}")

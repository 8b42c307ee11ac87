"""Text classification: one label, several labels, sentence pairs. Sentiment is this task with other labels."""

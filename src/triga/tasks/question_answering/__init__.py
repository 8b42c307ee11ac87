"""Question answering: the words of a text that answer a question, or that there are none."""

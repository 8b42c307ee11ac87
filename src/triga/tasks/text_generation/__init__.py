"""Text generation: answers in words, to instructions and in dialogues."""

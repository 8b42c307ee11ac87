"""What data, corpus, tasks and models share about text: tokenizers, normal forms, language, shingles. No torch."""

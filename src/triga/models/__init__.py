"""Open, size, save and convert models. Everything here is a plain Hugging Face folder plus ``triga.json``."""

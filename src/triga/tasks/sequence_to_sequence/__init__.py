"""Translation and summarisation: an encoder reads a text, a decoder writes another."""

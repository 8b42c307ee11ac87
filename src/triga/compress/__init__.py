"""Make a model small and fast, and prove that it still gives the same answers."""

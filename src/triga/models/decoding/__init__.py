"""How a model writes: a token at a time, the likeliest or a drawn one, or several beginnings side by side."""

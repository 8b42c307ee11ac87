"""How a decoder writes: a token at a time, the likeliest or a drawn one, or several texts side by side."""

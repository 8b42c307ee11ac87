"""How scores of texts are scored: correlations, how far answers are off; TF-IDF with ridge regression beside them."""

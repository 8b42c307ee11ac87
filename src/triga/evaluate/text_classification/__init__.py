"""How labels of texts are scored: classes, confusions, confidence; TF-IDF and the most frequent class beside them."""

"""How entities in texts are scored: types, faults, known and new ones; a CRF and a dictionary beside them."""

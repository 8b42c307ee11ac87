"""Answer requests over HTTP from a runtime bundle: bounded, batched, measured. No torch."""

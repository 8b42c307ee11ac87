"""Self-supervised objectives: what a network learns from text alone. One file each, all kept to ``base.Objective``."""

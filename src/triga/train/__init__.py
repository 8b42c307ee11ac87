"""The one training loop, its batches, optimizers, schedules, guards and checkpoints."""

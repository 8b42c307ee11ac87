"""One file a stage: each reads artifacts of the run's folder and writes one."""

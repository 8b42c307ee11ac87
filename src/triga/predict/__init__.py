"""Run a model, whatever the engine. Never imports torch: engines that need it are passed in from outside."""

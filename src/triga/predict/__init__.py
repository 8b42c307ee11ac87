"""Run a model, whatever the engine. Never imports torch: engines that need it are passed in from outside.

predictor  the seam: encodings to outputs       onnx      the engine: onnxruntime on the CPU
batching   rows to batches and back in order    cores     how many threads that may use
pipeline   texts to answers, from a bundle      settings  ``triga.json``
"""

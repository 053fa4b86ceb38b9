"""A server of models over HTTP: the Open Inference Protocol, TensorFlow Serving's routes, and pictures."""

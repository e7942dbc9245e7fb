"""Turns packaged weights into ONNX files, once, on the user's machine: no torch, no TensorFlow, no unpickling."""

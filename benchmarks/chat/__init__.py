"""A local endpoint to call: what the benchmark of model calls measures against."""

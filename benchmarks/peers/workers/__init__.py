"""One script an engine, each run by its own interpreter. They share `protocol`, `rows` and `kernels`."""

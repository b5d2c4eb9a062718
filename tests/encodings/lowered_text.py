"""What is in programs as text; `benchmarks.operations.text_for` writes them."""

KERNEL = "@__gpu$xla.gpu.triton"
"""Calls a kernel of a GPU."""

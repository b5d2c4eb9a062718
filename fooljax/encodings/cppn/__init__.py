"""CPPN images: the paper's indirect encoding."""

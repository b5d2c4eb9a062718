"""fooljax beside two peers, each in an environment of its own: `make bench-peers`.

Workers (`run_*.py`) are processes that talk through files (`protocol.py`), so that what a peer imports never
meets what fooljax imports; `compare.py` lets them take turns. What they all import needs only JAX and NumPy.
"""

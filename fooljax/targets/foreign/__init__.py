"""Networks of other frameworks as targets: one file a framework, one function in each.

Their packages are extras, and are imported when a function is called.
"""

from fooljax.targets.preprocessing import Preprocessing

__all__ = ["Preprocessing"]

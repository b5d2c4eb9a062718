"""Networks of other frameworks as targets: one file a framework, one function in each.

Their packages are extras, and are imported when a function is called.
"""

from fooljax.targets.foreign.equinox_modules import from_equinox
from fooljax.targets.foreign.haiku_functions import from_haiku
from fooljax.targets.foreign.keras_models import from_keras
from fooljax.targets.foreign.nnx_modules import from_nnx
from fooljax.targets.foreign.onnx_files import from_onnx
from fooljax.targets.foreign.programs import from_program
from fooljax.targets.foreign.sklearn_models import from_sklearn
from fooljax.targets.foreign.tflite_files import from_tflite
from fooljax.targets.foreign.torch_modules import from_torch
from fooljax.targets.preprocessing import Preprocessing

__all__ = [
    "Preprocessing",
    "from_equinox",
    "from_haiku",
    "from_keras",
    "from_nnx",
    "from_onnx",
    "from_program",
    "from_sklearn",
    "from_tflite",
    "from_torch",
]

"""Settings of JAX with which fooljax computes, whatever the user's are; and failures of JAX that are no bugs.

They hold while a function of fooljax runs, in the thread that called it, and are then as the user had them.
"""

import functools
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ParamSpec, TypeVar

import jax

from fooljax.engine.placement import a_mesh_is_set, why_no_device, writing_for
from fooljax.engine.precision import in_float32
from fooljax.errors import FaultError, InputError, shown

logger = logging.getLogger("fooljax")

Given = ParamSpec("Given")
Result = TypeVar("Result")

NEEDED = {
    "jax_disable_jit": False,  # whole searches are one program
    "jax_debug_infs": False,  # an empty cell has log-odds of minus infinity
    "jax_debug_key_reuse": False,  # it follows keys through loops less well than it must
    "jax_numpy_dtype_promotion": "standard",
    "jax_transfer_guard": "allow",  # it stands for the three that follow
    "jax_transfer_guard_host_to_device": "allow",
    "jax_transfer_guard_device_to_device": "allow",
    "jax_transfer_guard_device_to_host": "allow",
}
"""What is needed, by the name of the setting, where it has a value at all; 64-bit types are switched off too,
see `in_float32`."""


def with_own_settings(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same function, run with the settings that fooljax needs and with no mesh of the user's.

    A setting that is replaced is told in a warning, the first time.

    Raises:
      FaultError: JAX failed for want of memory or of a device.
    """
    single = in_float32(function)

    @functools.wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with ExitStack() as stack:
            for name, needed in NEEDED.items():
                if (found := getattr(jax.config, name)) not in (needed, None):
                    _tell(name, found)
                    stack.enter_context(_SET[name](needed))
            if a_mesh_is_set():
                stack.enter_context(writing_for(None))
            try:
                return single(*args, **kwargs)
            except (InputError, FaultError):
                raise
            except Exception as error:
                if (fault := fault_of_jax(error)) is None:
                    raise
                raise FaultError(fault) from error

    return run


@functools.lru_cache(maxsize=16)
def _tell(name: str, found: Any) -> None:
    """Warns of a setting that is replaced, once."""
    logger.warning("%s is %s; fooljax computes with %s", name, found, NEEDED[name])


_SET: dict[str, Callable[[Any], Any]] = {
    "jax_disable_jit": jax.disable_jit,
    "jax_debug_infs": jax.debug_infs,
    "jax_debug_key_reuse": jax.debug_key_reuse,
    "jax_numpy_dtype_promotion": jax.numpy_dtype_promotion,
    "jax_transfer_guard": jax.transfer_guard,
    "jax_transfer_guard_host_to_device": jax.transfer_guard_host_to_device,
    "jax_transfer_guard_device_to_device": jax.transfer_guard_device_to_device,
    "jax_transfer_guard_device_to_host": jax.transfer_guard_device_to_host,
}


def fault_of_jax(error: Exception) -> str | None:
    """What the environment lacks, where that is what made JAX raise; None where it is a bug."""
    text = str(error)
    if isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in text:
        return f"out of memory: {shown(text)}"
    return why_no_device()

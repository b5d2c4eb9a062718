"""Programs as text, written for a platform that this machine need not have."""

import jax

KERNEL = "@__gpu$xla.gpu.triton"
"""Calls a kernel of a GPU."""
CARD = jax.sharding.AbstractDevice("NVIDIA H100", None, "gpu")


def text_for(platform, program, *arguments):
    """StableHLO of a jitted program; JAX 0.11 wants to know the card that a kernel is for."""
    with jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((), (), abstract_device=CARD)):
        return program.trace(*arguments).lower(lowering_platforms=(platform,)).as_text()

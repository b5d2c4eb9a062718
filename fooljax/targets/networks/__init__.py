"""Networks in Flax and JAX, one file each, and the layers that they share."""

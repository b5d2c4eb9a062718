# The command fooljax in a container.
#   docker build --tag fooljax .
#   docker build --tag fooljax-cuda --build-arg ACCELERATOR=cuda12 .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" fooljax evolve --target lenet
# For CUDA add `--gpus all` behind `run`. The host needs NVIDIA's driver and its container toolkit.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim

# cpu, or one of the extras of JAX, as cuda12 or cuda13.
ARG ACCELERATOR=cpu
ARG EXTRAS=digits,analysis,imagenet

WORKDIR /opt/fooljax
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY fooljax fooljax
RUN pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]" \
    && if [ "${ACCELERATOR}" != cpu ]; then \
        pip install --no-cache-dir --constraint constraints.txt "jax[${ACCELERATOR}]"; \
    fi

# Whoever the container runs as can write here.
ENV HOME=/tmp FOOLJAX_CACHE=/tmp/fooljax
RUN useradd --no-create-home --uid 1000 fooljax && install --directory --owner=fooljax /work
USER 1000
WORKDIR /work

ENTRYPOINT ["fooljax"]
CMD ["--help"]

"""Random weights in the shapes of networks' files, drawn alike by the scripts and by the tests."""

import numpy as np

VARIANCES, SCALES = ("running_var", "moving_variance"), (".weight", "/gamma")
"""Endings of names of batch norm: its variances are positive, its scales about 1."""


def random_weights(shapes, seed=0):
    """Weights that leave activations of about one; equal seeds give equal weights."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        fan_in = np.prod(shape[:-1] if name.endswith("/kernel") else shape[1:])
        scale = np.sqrt(2.0 / fan_in) if len(shape) > 1 else 0.1
        weights[name] = (random.standard_normal(shape, np.float32) * scale).astype(np.float32)
        if name.endswith(VARIANCES):
            weights[name] = np.abs(weights[name]) + np.float32(0.5)
        elif name.endswith(SCALES) and len(shape) == 1:
            weights[name] += np.float32(1.0)
    return weights


def caffe_shapes():
    """Shapes of CaffeNet's and of AlexNet's blobs."""
    return {
        "conv1.weight": (96, 3, 11, 11),
        "conv1.bias": (96,),
        "conv2.weight": (256, 48, 5, 5),
        "conv2.bias": (256,),
        "conv3.weight": (384, 256, 3, 3),
        "conv3.bias": (384,),
        "conv4.weight": (384, 192, 3, 3),
        "conv4.bias": (384,),
        "conv5.weight": (256, 192, 3, 3),
        "conv5.bias": (256,),
        **_dense("fc6", "fc7", "fc8"),
    }


def torchvision_shapes():
    """Shapes of torchvision's AlexNet."""
    return {
        "features.0.weight": (64, 3, 11, 11),
        "features.0.bias": (64,),
        "features.3.weight": (192, 64, 5, 5),
        "features.3.bias": (192,),
        "features.6.weight": (384, 192, 3, 3),
        "features.6.bias": (384,),
        "features.8.weight": (256, 384, 3, 3),
        "features.8.bias": (256,),
        "features.10.weight": (256, 256, 3, 3),
        "features.10.bias": (256,),
        **_dense("classifier.1", "classifier.4", "classifier.6"),
    }


def _dense(*names):
    sizes = ((4096, 9216), (4096, 4096), (1000, 4096))
    shapes = {}
    for name, (width, inputs) in zip(names, sizes, strict=True):
        shapes |= {f"{name}.weight": (width, inputs), f"{name}.bias": (width,)}
    return shapes


def squeezenet_shapes():
    """Shapes of SqueezeNet's arrays, as decoded from its compressed form."""
    shapes, channels = {"conv1.w": (96, 3, 7, 7), "conv1.b": (96,)}, 96
    for index, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64), start=2):
        for name, shape in (
            ("s", (squeezed, channels, 1, 1)),
            ("e1", (4 * squeezed, squeezed, 1, 1)),
            ("e3", (4 * squeezed, squeezed, 3, 3)),
        ):
            shapes |= {f"fire{index}/{name}.w": shape, f"fire{index}/{name}.b": shape[:1]}
        channels = 8 * squeezed
    return shapes | {"final.w": (1000, channels, 1, 1), "final.b": (1000,)}


def tiny_darknet_shapes():
    """Shapes of Tiny Darknet's arrays, as Keras has them."""
    shapes, channels = {}, 3
    widths = (16, 32, 16, 128, 16, 128, 32, 256, 32, 256, 64, 512, 64, 512, 128)
    for index, width in enumerate(widths, start=1):
        side = 3 if index in (1, 2) or index % 2 == 0 else 1
        shapes[f"conv2d_{index}/kernel"] = (side, side, channels, width)
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"batch_normalization_{index}/{part}"] = (width,)
        channels = width
    return shapes | {"conv2d_16/kernel": (1, 1, channels, 1000), "conv2d_16/bias": (1000,)}


def darknet_order():
    """A made order of Tiny Darknet's outputs."""
    return np.random.default_rng(16).permutation(1000)


def cifar_resnet_shapes(blocks):
    """Shapes of a ResNet's tensors for CIFAR-10, so many blocks a stage."""
    shapes, channels = {}, 16

    def norm(name, width):
        return {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}

    shapes |= {"conv1.weight": (16, 3, 3, 3), **norm("bn1", 16)}
    for stage, width in enumerate((16, 32, 64), start=1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            shapes |= {f"{name}.conv1.weight": (width, channels, 3, 3), **norm(f"{name}.bn1", width)}
            shapes |= {f"{name}.conv2.weight": (width, width, 3, 3), **norm(f"{name}.bn2", width)}
            channels = width
    return shapes | {"linear.weight": (10, 64), "linear.bias": (10,)}

"""Random weights in the shapes of AlexNet's relatives, drawn alike by the script and by the tests."""

import numpy as np


def random_weights(shapes, seed=0):
    """Weights that leave activations of about one; equal seeds give equal weights."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        scale = np.sqrt(2.0 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        weights[name] = (random.standard_normal(shape, np.float32) * scale).astype(np.float32)
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

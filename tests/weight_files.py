"""Writes weight files as PyTorch and Caffe write them, without either; what a file claims can be false."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np

EXPECTED = {
    "layer.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "layer.bias": np.asarray([1.5, -2.0], np.float16),
    "steps": np.asarray(7, np.int64),
    "transposed": np.arange(6, dtype=np.float64).reshape(2, 3).T,
}
KINDS = {"float32": "Float", "float16": "Half", "int64": "Long", "float64": "Double"}


# A pickler that writes what PyTorch writes, without PyTorch: globals and references by name.


class Global:
    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Stored:
    def __init__(self, *reference):
        self.reference = reference


class Writer(pickle._Pickler):
    """The pickler of the standard library, in Python, with the instructions that PyTorch's files hold."""

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Global):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(value, Stored):
            self.save(value.reference)
            self.write(pickle.BINPERSID)
        else:
            super().save(value, save_persistent_id)


def pickled(value, protocol=2):
    stream = io.BytesIO()
    Writer(stream, protocol=protocol).dump(value)
    return stream.getvalue()


def tensor(key, array, *, shape=None, strides=None, size=None, offset=0, kind=None, old=True):
    base = array if array.flags["C_CONTIGUOUS"] else array.T
    steps = tuple(step // array.itemsize for step in array.strides)
    storage = Global("torch", f"{kind or KINDS[array.dtype.name]}Storage")
    reference = ("storage", storage, key, "cpu", base.size if size is None else size)
    reference = Stored(*reference, None) if old else Stored(*reference)
    function = Global("torch._utils", "_rebuild_tensor_v2")
    shape, strides = shape or array.shape, steps if strides is None else strides
    return Call(function, reference, offset, tuple(shape), tuple(strides), False, {})


def state(arrays, old=True):
    return {name: tensor(str(index), array, old=old) for index, (name, array) in enumerate(arrays.items())}


def base_bytes(array):
    return (array if array.flags["C_CONTIGUOUS"] else array.T).tobytes()


def zipped(path, content, data, compression=zipfile.ZIP_STORED, protocol=2):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("model/data.pkl", pickled(content, protocol))
        archive.writestr("model/byteorder", "little")
        for key, numbers in data.items():
            archive.writestr(f"model/data/{key}", numbers)
    return path


def streamed(path, content, data, sizes):
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled({"little_endian": True})]
    parts += [pickled(content), pickled(list(data))]
    parts += [struct.pack("<q", sizes[key]) + numbers for key, numbers in data.items()]
    path.write_bytes(b"".join(parts))
    return path


def numbers():
    return {str(index): base_bytes(array) for index, array in enumerate(EXPECTED.values())}


def sizes():
    return {str(index): array.size for index, array in enumerate(EXPECTED.values())}


# Caffe's protocol buffers, written by hand.


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array, *, legacy=False, packed=True):
    data = array.astype("<f4").tobytes()
    if legacy:
        shape = (1,) * (4 - array.ndim) + array.shape
        head = b"".join(field(number, size) for number, size in zip((1, 2, 3, 4), shape, strict=True))
    else:
        dims = b"".join(map(varint, array.shape))
        head = field(7, field(1, dims) if packed else b"".join(field(1, size) for size in array.shape))
    if not packed:
        numbers = (data[start : start + 4] for start in range(0, len(data), 4))
        return head + b"".join(varint(5 << 3 | 5) + number for number in numbers)
    return head + field(5, data)


BLOBS = {
    "conv1.weight": np.random.default_rng(0).random((4, 3, 2, 2), np.float32),
    "conv1.bias": np.arange(4, dtype=np.float32),
    "fc8.weight": np.random.default_rng(1).random((5, 16), np.float32),
    "fc8.bias": np.arange(5, dtype=np.float32),
}


def caffemodel(*, old=False, packed=True):
    name, blobs, layer = (4, 6, 2) if old else (1, 7, 100)
    content = field(1, b"net")
    for prefix in ("conv1", "fc8"):
        parts = field(name, prefix.encode()) + field(2 if not old else 3, b"something")
        for what in ("weight", "bias"):
            parts += field(blobs, blob(BLOBS[f"{prefix}.{what}"], legacy=old, packed=packed))
        content += field(layer, parts)
    return content + field(layer, field(name, b"relu"))


# Safetensors.

NAMES = {"float32": "F32", "float16": "F16", "int64": "I64", "float64": "F64"}


def safetensors(arrays, kinds=None, header=None):
    """The file, with kinds of number or a header other than the right ones."""
    entries, numbers = {}, b""
    for name, array in arrays.items():
        content = np.ascontiguousarray(array).tobytes()
        entries[name] = {
            "dtype": (kinds or {}).get(name, NAMES.get(array.dtype.name)),
            "shape": list(array.shape),
            "data_offsets": [len(numbers), len(numbers) + len(content)],
        }
        numbers += content
    text = json.dumps(entries | {"__metadata__": {"format": "pt"}} if header is None else header).encode()
    return struct.pack("<Q", len(text)) + text + numbers

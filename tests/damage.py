"""Damages files at random, as disks, broken downloads and hostile strangers do.

Most damages know nothing of a file's form. Others take a zip, a pickle, a tree file or JSON apart and put it
together again with one thing changed, because random bytes seldom come past the first check.
"""

import io
import json
import pickletools
import tempfile
import warnings
import zipfile
from pathlib import Path
from random import Random

import numpy as np

from fooljax.storage.trees import load_arrays, save_tree

NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63,
    2**64 - 1,
)
TEXTS = (
    *(b"", b"0", b"-1", b"00", b"1.5", b"1e999", b"-inf", b"NaN", b"None", b"True", b"null", b"9" * 25),
    *(
        b"9" * 5000,
        b"1" * 200_000,
        b"[" * 5000,
        b"(" * 5000,
        b"{'a':" * 2000,
        b"'",
        b'"',
        b",",
        b"\n",
        b"\r\n",
    ),
    *(
        b"\0",
        b"\x1b[31m",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"../../x",
        b"/dev/zero",
        b"=1+1",
        b"<f8",
        b"|O",
    ),
    *(b"__reduce__", b"cos\nsystem\n", b"%s%n", b"\xe2\x80\xae"),
)
VALUES = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        2**64,
        10**30,
        10**400,
        0.5,
        -0.0,
        1e308,
        float("inf"),
        float("nan"),
    ),
    *(
        "",
        "a",
        "a" * 3000,
        "\x1b[31m",
        "\ud800",
        "\0",
        "../x",
        "os:system",
        "1",
        "nan",
        [],
        {},
        [None],
        [[[[[]]]]],
    ),
    *([0] * 1000, {"a": {"b": {}}}, {"": ""}),
)
INSTRUCTIONS = (
    *(
        b"}",
        b"]",
        b")",
        b"(",
        b"0",
        b"1",
        b"2",
        b"N",
        b"R",
        b"b",
        b"s",
        b"u",
        b"a",
        b"e",
        b"t",
        b"l",
        b"d",
        b"o",
    ),
    *(
        b"\x81",
        b"\x92",
        b"\x93",
        b"\x94",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"Q",
        b"Pname\n",
        b"cos\nsystem\n",
        b"ios\nsystem\n",
    ),
    *(
        b"}" * 3000,
        b"\x85" * 3000,
        b"(" * 3000,
        b"2\x86" * 300,
        b"h\x00",
        b"q\x00",
        b"j\xff\xff\xff\xff",
        b"p-1\n",
    ),
    *(
        b"I" + b"9" * 5000 + b"\n",
        b"\x8a\xff" + b"\x7f" * 255,
        b"\x8b\xff\xff\xff\x7f",
        b"X\xff\xff\xff\xff",
        b"B\0\0\0\x80",
    ),
    *(
        b"\x8d" + b"\xff" * 8,
        b"G\x7f\xf8\0\0\0\0\0\0",
        b"J\xff\xff\xff\xff",
        b"Fx\n",
        b"S'a\n",
        b"\x82\x01",
        b"\x97",
        b".",
    ),
)


def damaged(content: bytes, chance: Random) -> bytes:
    """The content with one to four damages."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        ways = [*_ANY_FORM, *(way for fits, way in _KNOWN_FORMS if fits(content) for _ in range(4))]
        content = chance.choice(ways)(content, chance)
    return content


# Damages that know no form.


def _place(content: bytes, chance: Random) -> int:
    """Anywhere, but more often near the begin or the end, where headers and directories are."""
    near = chance.choice((len(content), 40, 400))
    place = chance.randrange(min(near, len(content)) + 1)
    return place if chance.random() < 0.6 else len(content) - place


def _replaced(content: bytes, place: int, new: bytes, removed: int) -> bytes:
    return content[:place] + new + content[place + removed :]


def _bits(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if changed:
            changed[min(_place(content, chance), len(changed) - 1)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _number(content: bytes, chance: Random) -> bytes:
    width = chance.choice((1, 2, 4, 8))
    number = (chance.choice(NUMBERS) % 256**width).to_bytes(width, chance.choice(("little", "big")))
    return _replaced(content, _place(content, chance), number, chance.choice((0, width)))


def _text(content: bytes, chance: Random) -> bytes:
    text = chance.choice(TEXTS)
    return _replaced(
        content, _place(content, chance), text, chance.choice((0, 1, len(text), chance.randrange(20)))
    )


def _cut(content: bytes, chance: Random) -> bytes:
    place = _place(content, chance)
    return chance.choice((content[:place], content[place:], content[:place] + bytes(len(content) - place)))


def _moved(content: bytes, chance: Random) -> bytes:
    first, size = _place(content, chance), chance.choice((1, 4, 16, 64, 1000))
    part = content[first : first + size]
    return _replaced(content, _place(content, chance), part, chance.choice((0, len(part))))


def _removed(content: bytes, chance: Random) -> bytes:
    return _replaced(content, _place(content, chance), b"", chance.choice((1, 2, 4, 8, 100)))


def _noise(content: bytes, chance: Random) -> bytes:
    size = chance.choice((1, 4, 16, 256))
    fill = chance.choice((chance.randbytes(size), bytes(size), b"\xff" * size))
    return _replaced(content, _place(content, chance), fill, size)


_ANY_FORM = (_bits, _bits, _number, _number, _text, _cut, _moved, _removed, _noise)


# Zips.


def _is_zip(content: bytes) -> bool:
    return content.startswith(b"PK")


def _zip_field(content: bytes, chance: Random) -> bytes:
    """A field of the directory, of an entry's header or of the end is another."""
    mark = chance.choice((b"PK\1\2", b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6"))
    place = content.find(mark, chance.randrange(len(content)))
    if place < 0:
        return content
    width = chance.choice((2, 4))
    number = chance.choice((*NUMBERS, chance.randrange(100), len(content)))
    return _replaced(
        content, place + 4 + chance.randrange(21) * 2, (number % 256**width).to_bytes(width, "little"), width
    )


def _entry(content: bytes, chance: Random) -> bytes:
    """One entry is damaged, left out, doubled, renamed or packed, and the zip written anew around it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # damaged before
        return content
    if not entries:
        return content
    which = chance.randrange(len(entries))
    name, inner = entries[which]
    text = chance.choice(TEXTS)[:60].decode("latin-1").replace("\0", "")
    new = [
        *[[(name, damaged(inner, chance))]] * 6,
        [],
        [(name, inner)] * 2,
        [(name + text, inner)],
        [(text, inner)],
        [(name, inner), (text + name, inner)],
    ]
    entries[which : which + 1] = chance.choice(new)
    stream = io.BytesIO()
    packing = chance.choice(
        [zipfile.ZIP_STORED] * 6 + [zipfile.ZIP_DEFLATED] * 2 + [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", packing) as archive:
        warnings.simplefilter("ignore")  # two entries of one name
        for name, inner in entries:
            archive.writestr(name or "x", inner)
    return stream.getvalue()


# Pickles, and the older form of PyTorch, which is several of them.


def _is_pickle(content: bytes) -> bool:
    return content[:1] == b"\x80"


def _pickle(content: bytes, chance: Random) -> bytes:
    pickles, stream = [], io.BytesIO(content)
    try:
        while stream.tell() < len(content) and len(pickles) < 5:
            begin = stream.tell()
            places = [place for _, _, place in pickletools.genops(stream)]
            pickles.append(list(zip(places, [*places[1:], stream.tell()], strict=True)))
            assert stream.tell() > begin
    except Exception:  # damaged before, or what follows the pickles
        pass
    if not pickles:
        return content
    spans = chance.choice(pickles)
    begin, end = chance.choice(spans)
    other = chance.choice(spans)
    code = chance.choice(pickletools.opcodes).code.encode("latin-1")
    return chance.choice(
        (
            _replaced(content, begin, b"", end - begin),
            _replaced(content, begin, content[begin:end] * chance.choice((2, 3, 1000)), end - begin),
            _replaced(content, begin, content[slice(*other)], end - begin),
            _replaced(content, begin, content[slice(*other)], 0),
            _replaced(content, begin, code, 1),
            _replaced(content, begin, chance.choice(INSTRUCTIONS), chance.choice((0, end - begin))),
            _replaced(content, begin, chance.choice(INSTRUCTIONS), 0),
        )
    )


# Protocol buffers.


def _is_message(content: bytes) -> bool:
    return (
        len(content) > 0 and content[0] >> 3 != 0 and content[0] & 7 in (0, 2, 5) and bool(_fields(content))
    )


def _fields(content: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a message, tag and value each; none where it is no message."""
    fields, at = [], 0
    try:
        while at < len(content):
            tag, at = _varint(content, at)
            if tag & 7 == 0:
                value, at = _varint(content, at)
            else:
                size, at = _varint(content, at) if tag & 7 == 2 else ({1: 8, 5: 4}[tag & 7], at)
                value, at = content[at : at + size], at + size
            fields.append((tag, value))
    except (IndexError, KeyError):
        return []
    return fields if at == len(content) else []


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while content[at] > 0x7F:
        value |= (content[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | content[at] << shift, at + 1


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _message(content: bytes, chance: Random) -> bytes:
    """A field at any depth is another, left out or doubled, and the lengths around it are right."""
    fields = _fields(content)
    which = chance.randrange(len(fields))
    tag, value = fields[which]
    if isinstance(value, bytes) and _fields(value) and chance.random() < 0.8:
        new = [(tag, _message(value, chance))]
    elif isinstance(value, bytes):
        new = chance.choice(([(tag, damaged(value, chance))], [], [(tag, value)] * 2, [(tag, value[:-1])]))
    else:
        new = chance.choice(
            ([(tag, chance.choice(NUMBERS))], [(tag, 0)], [], [(tag, value)] * 2, [(tag ^ 8, value)])
        )
    fields[which : which + 1] = new
    parts = []
    for tag, value in fields:
        length = _as_varint(len(value)) if isinstance(value, bytes) and tag & 7 == 2 else b""
        parts += [_as_varint(tag), length, value if isinstance(value, bytes) else _as_varint(value)]
    return b"".join(parts)


# Arrays, and the tree files made of them.


def _is_array(content: bytes) -> bool:
    return content.startswith(b"\x93NUMPY")


def _other_array(array: np.ndarray, chance: Random) -> np.ndarray:
    """An array of other numbers, of another type or of another shape."""
    if array.dtype == np.uint8 and array.ndim == 1 and _is_json(array.tobytes()):
        return np.frombuffer(_json(array.tobytes(), chance), np.uint8)
    kinds = (
        "bool",
        "int8",
        "uint8",
        "int32",
        "int64",
        "uint64",
        "float16",
        "float32",
        ">f8",
        "complex64",
        "U3",
        "M8[s]",
    )
    changed = np.array(array)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if changed.size:
            value = chance.choice((0, -1, 1, 2**31 - 1, 2**40, 2**62, np.nan, np.inf, -np.inf, 1e30, 0.5))
            if changed.dtype.kind in "iub":
                value = 0 if not np.isfinite(value) else int(value)
            changed.reshape(-1)[chance.randrange(changed.size)] = np.asarray(value).astype(changed.dtype)
        ways = (
            changed,
            changed,
            changed,
            array[None],
            array.reshape(-1),
            array.T,
            array[:0],
            array[..., None, None],
        )
        other = chance.choice((*ways, np.repeat(array.reshape(-1)[:1], 3), np.zeros((0, 2**40), array.dtype)))
        return other.astype(chance.choice(kinds)) if chance.random() < 0.3 else other


def _array(content: bytes, chance: Random) -> bytes:
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings(action="ignore"):
            array = np.load(io.BytesIO(content))
        np.save(stream, _other_array(array, chance))
    except Exception:  # damaged before, or numbers that do not become others
        return content
    return stream.getvalue()


def _is_tree(content: bytes) -> bool:
    return _is_zip(content) and b"__header__.npy" in content


def _tree(content: bytes, chance: Random) -> bytes:
    """A tree file of other content, whose checksum is right."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree.npz"
        path.write_bytes(content)
        try:
            arrays, _, facts = load_arrays(path)
            name = chance.choice(sorted(arrays))
            change = chance.random()
            if change < 0.7:
                arrays[name] = _other_array(arrays[name], chance)
            elif change < 0.8:
                del arrays[name]
            else:
                facts = json.loads(_json(json.dumps(facts).encode(), chance))
            save_tree(path, arrays, facts)
        except Exception:  # damaged before, or a change that cannot be written
            return content
        return path.read_bytes()


# JSON.


def _is_json(content: bytes) -> bool:
    return content[:1] in (b"{", b"[")


def _json(content: bytes, chance: Random) -> bytes:
    """One value anywhere is another, left out or doubled."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return content
    within = []
    waiting = [whole]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict | list) and inner:
            keys = list(inner) if isinstance(inner, dict) else range(len(inner))
            within += [(inner, key) for key in keys]
            waiting += [inner[key] for key in keys]
    if not within:
        return content
    inner, key = chance.choice(within)
    change = chance.randrange(8)
    if change == 0:
        del inner[key]
    elif change == 1 and isinstance(inner, dict):
        inner[chance.choice([one for one in VALUES if isinstance(one, str)])] = inner[key]
    elif change == 1:
        inner.append(inner[key])
    elif change == 2:
        inner[key] = chance.choice(within)[0]
    else:
        inner[key] = chance.choice(VALUES)
    try:
        return json.dumps(whole).encode()
    except (ValueError, RecursionError):  # within itself
        return content


def _is_headed_json(content: bytes) -> bool:
    return len(content) > 9 and _is_json(content[8:])


def _headed_json(content: bytes, chance: Random) -> bytes:
    """As `_json`, for a header of safetensors, whose length is right again."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = _json(content[8:end], chance)
    return len(header).to_bytes(8, "little") + header + content[end:]


_KNOWN_FORMS = (
    (_is_message, _message),
    (_is_headed_json, _headed_json),
    (_is_zip, _zip_field),
    (_is_zip, _entry),
    (_is_pickle, _pickle),
    (_is_array, _array),
    (_is_tree, _tree),
    (_is_json, _json),
)

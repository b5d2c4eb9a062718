"""Networks in other processes: the program of the guide, and programs that die, hang and print rubbish."""

import sys
import textwrap
import time

import numpy as np
import pytest
from written_pages import ROOT, blocks

from fooljax.errors import FaultError, InputError
from fooljax.targets.foreign import from_program
from fooljax.targets.foreign.programs import _digest

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).random((5, *SHAPE), np.float32)
ANSWER = """
import io, sys
import numpy as np

def say(content):
    sys.stdout.buffer.write(len(content).to_bytes(8, "little") + content)
    sys.stdout.flush()

def answer(array, **how):
    message = io.BytesIO()
    np.save(message, array, **how)
    say(message.getvalue())

while length := sys.stdin.buffer.read(8):
    images = np.load(io.BytesIO(sys.stdin.buffer.read(int.from_bytes(length, "little"))))
    {}
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="net.py"):
        (tmp_path / name).write_text(textwrap.dedent(text))
        return [sys.executable, name]

    return write


def test_the_program_of_the_guide_is_asked(program):
    (text,) = [
        block.text
        for block in blocks(ROOT / "docs/guide/own-network.md")
        if block.text.startswith("# my_program.py")
    ]
    command = program(text)
    target = from_program(command, image_shape=SHAPE, class_names=("top", "bottom", "busy"))
    halves = IMAGES[:, :4].mean((1, 2, 3)), IMAGES[:, 4:].mean((1, 2, 3))
    expected = np.stack([*halves, IMAGES.std((1, 2, 3))], axis=1)
    np.testing.assert_allclose(target.apply((), IMAGES), expected, rtol=1e-5)
    # A large batch is written while the answer to it is read; the same process answers again.
    many = np.repeat(IMAGES, 400, axis=0)
    np.testing.assert_allclose(target.apply((), many), np.repeat(expected, 400, axis=0), rtol=1e-5)
    assert target.class_names == ("top", "bottom", "busy")
    # The digest is that of the program's content, not of its name.
    same = from_program(program(text, "moved.py"), image_shape=SHAPE)
    other = from_program(program(text.replace(".std(", ".max("), "net.py"), image_shape=SHAPE)
    digests = [one.provenance["params_sha256"] for one in (target, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_a_program_that_was_built_again_is_another_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digests = set()
    for content in (b"one", b"two"):
        (tmp_path / "net").write_bytes(content)
        digests |= {_digest(["./net", "4"]), _digest([str(tmp_path / "net"), "4"])}
        of_the_system = _digest(["net", "4"])
    assert len(digests) == 2
    (tmp_path / "net").unlink()
    assert _digest(["net", "4"]) == of_the_system


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("print('hello, world', flush=True)", r"got b'hello, w'; what people shall read belongs on "),
        ("answer(images[:2, 0, :, 0])", r"expected outputs \[8, C\] .*, got float32 of shape \[2, 8\]$"),
        ("answer(np.zeros((8, 3), int))", r"got int64 of shape \[8, 3\]$"),
        ("answer(np.array([None] * 8), allow_pickle=True)", r"got ValueError: Object arrays cannot be "),
        ("say(b'rubbish')", r"got ValueError: "),
        ("say(b'')", r"got EOFError: "),
        ("answer(np.full((len(images), 3), np.nan)); 1 / 0", None),
    ],
)  # fmt: skip
def test_rubbish_is_one_line(program, answer, told):
    command = program(ANSWER.format(answer))
    if told is None:  # it dies after its first answer, and is begun again for the next one
        target = from_program(command, image_shape=SHAPE)
        with pytest.raises(FaultError, match=r"ended with status 1 .*; it said: ZeroDivisionError: "):
            target.apply((), IMAGES)
        assert np.isnan(target.apply((), IMAGES)).all()
        return
    with pytest.raises(InputError, match=told) as caught:
        from_program(command, image_shape=SHAPE)
    assert "\n" not in str(caught.value)


def test_a_program_that_dies_says_its_last_words(program):
    command = program("import sys; print('no such weights', file=sys.stderr); sys.exit(3)")
    with pytest.raises(FaultError, match=r"^program .*: ended with status 3 .*; it said: no such"):
        from_program(command, image_shape=SHAPE)


def test_a_program_that_hangs_is_ended(program):
    begun = time.monotonic()
    command = program("import sys, time; sys.stdin.buffer.read(1); time.sleep(1000)")
    with pytest.raises(FaultError, match=r"^program .*: no answer within 1 seconds$"):
        from_program(command, image_shape=SHAPE, seconds=1.0)
    assert time.monotonic() - begun < 100


def test_what_cannot_be_begun():
    with pytest.raises(InputError, match=r"^program /nowhere/at/all: cannot be begun: No such file"):
        from_program(["/nowhere/at/all"], image_shape=SHAPE)
    with pytest.raises(InputError, match=r"^command: expected a program"):
        from_program([], image_shape=SHAPE)
    with pytest.raises(InputError, match=r"^image_shape: expected \(H, W, K\)"):
        from_program(["true"], image_shape=(8, 8))

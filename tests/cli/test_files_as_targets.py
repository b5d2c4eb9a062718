"""`--target FILE`: a network in a file is fooled, its run gone on with and scored again."""

import json

import pytest
from onnx_writing import dense
from pages import one_line

from fooljax.cli.ascend import main as ascend
from fooljax.cli.audit import main as audit
from fooljax.cli.evolve import main
from fooljax.cli.report import main as report
from fooljax.errors import InputError
from fooljax.targets import find_target
from fooljax.targets.file_choice import FileSettings, is_file_name, load_file

SMALL = ["--encoding", "direct", "--children", "8", "--runs", "1", "--judges", "none"]


@pytest.fixture
def network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, weights = dense(("n", 1, 4, 4), last="Softmax")
    (tmp_path / "net.onnx").write_bytes(content)
    (tmp_path / "other.onnx").write_bytes(dense(("n", 1, 4, 4), last="Softmax", weights=2 * weights)[0])
    (tmp_path / "names.txt").write_text("crane\nlorry\ntram\nferry\n")
    return tmp_path / "net.onnx"


def test_a_file_is_fooled(network, tmp_path, capsys, caplog):
    pytest.importorskip("onnxruntime")
    flags = ["--range=-1,1", "--class-names", "names.txt"]
    assert main(["--target", "net.onnx", *SMALL, *flags, "--generations", "1", "--outdir", "run"]) == 0
    assert "levels from -1 to 1; its outputs are probabilities" in caplog.text
    assert "range" not in caplog.text.partition("Guessed: ")[2]
    facts = json.loads((tmp_path / "run" / "target.json").read_text())
    assert facts["class_names"] == ["crane", "lorry", "tram", "ferry"]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert facts["preprocessing"] == summary["preprocessing"]
    assert facts["preprocessing"] in (tmp_path / "run" / "index.html").read_text()
    # Another file, another preprocessing, or none that was named.
    for words, told in (
        (["--target", "other.onnx"], "the run was begun against another target (parameters differ)"),
        (["--target", "net.onnx", "--range", "0,1"], "--range: the run in run was begun with -1,1, got 0,1"),
        ([], "--target: the run in run uses what is not built in; if you trust it, add --target net.onnx"),
    ):
        assert main(["--resume", "run", *words]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_goes_on_with_the_file_in_another_place(network, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    assert main(["--target", "net.onnx", *SMALL, "--generations", "2", "--outdir", "run"]) == 0
    (tmp_path / "moved").mkdir()
    network.rename(tmp_path / "moved" / "renamed.onnx")
    assert main(["--resume", "run", "--target", "moved/renamed.onnx", "--generations", "4"]) == 0
    capsys.readouterr()
    assert report(["run", "--rescore", "--target", "moved/renamed.onnx"]) == 0
    assert "scored again: all 4 images have the log-odds of elites.csv" in capsys.readouterr().out
    assert ascend(["--target", "other.onnx", "--outdir", "climb"]) == 2
    assert "has no gradient; this needs a JAX function" in capsys.readouterr().err


def test_a_file_in_python(network):
    pytest.importorskip("onnxruntime")
    target = load_file(str(network))
    assert (target.name, target.image_shape, target.class_names) == ("net", (4, 4, 1), ())
    # `fooljax.evolve("net.onnx", ...)` asks by the name, too.
    choice = find_target("net.onnx").choose(FileSettings())
    assert choice.load(print).provenance["params_sha256"] == target.provenance["params_sha256"]
    assert choice.facts["preprocessing"] == target.provenance["preprocessing"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"range": "black"}, r"^range: expected numbers .*, got 'black'; a negative one "),
        ({"range": "1"}, r"^range: expected two numbers, for black and for white"),
        ({"image_shape": "28x28"}, r"^image_shape: expected whole numbers .*, got 28x28$"),
        ({"image_shape": "28,28"}, r"^image_shape: expected \(H, W, K\), all positive"),
        ({"left_out": "a"}, r"^left_out: expected whole numbers"),
        ({"left_out": "7"}, r"^left_out: expected numbers of outputs from 0 to 3, got \(7,\)$"),
        ({"class_names": "nowhere.txt"}, r"^class_names: cannot read nowhere\.txt: No such file"),
        ({"output_name": "z"}, r"^output_name: expected one of answer .*, got z$"),
        ({"mean": "1,2,3"}, r"^mean: expected one number, or .* of the 1 channels, got 3$"),
        ({"order": "bgr"}, r"^order: bgr is of images with 3 channels, got 1$"),
        ({"classes": "4"}, r"^classes: expected classes from 0 to 3"),
    ],
)  # fmt: skip
def test_wrong_flags_are_named(network, flags, told):
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match=told):
        find_target("net.onnx").choose(FileSettings(**flags))


def test_files_are_told_by_their_ending():
    assert is_file_name("a/b.ONNX")
    assert not any(map(is_file_name, ("lenet", "onnx", "my.onnx:net")))
    with pytest.raises(InputError, match=r"^target: expected a file ending in \.onnx.*, got weights\.bin$"):
        load_file("weights.bin")
    with pytest.raises(InputError, match=r"^weights\.pth: opening a file of PyTorch can run code"):
        find_target("weights.pth").choose(FileSettings())
    with pytest.raises(InputError, match=r"^cannot read nowhere\.onnx: No such file"):
        find_target("nowhere.onnx").choose(FileSettings())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["net.h5"], "target: expected a file ending in .onnx, .tflite, .keras, got the file net.h5"),
        (["lenet", "--classes", "nowhere.txt"], "--classes: cannot read nowhere.txt: No such file"),
        (["lenet", "--compare", "names.txt"], "--compare: names.txt: expected JSON, found something else ("),
        (["lenet", "--compare", "x.json"], "--compare: x.json: expected the audit.json of an audit, found"),
        (["lenet", "--compare", "nowhere"], "--compare: cannot read nowhere: No such file"),
        (["lenet", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_what_an_audit_cannot_take_is_told_by_its_argument(words, told, network, tmp_path, capsys):
    (tmp_path / "net.h5").write_bytes(b"")
    (tmp_path / "x.json").write_text("{}")
    assert audit([*words, "--images", "photographs"]) == 2
    line = one_line(capsys)
    assert line.startswith(f"error: {told}")
    assert "did you mean" not in line
    assert not (tmp_path / "audits").exists()


def test_too_few_class_names_of_an_audit_are_told_by_its_own_flag(network, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    (tmp_path / "three.txt").write_text("crane\nlorry\ntram\n")
    assert audit(["net.onnx", "--images", "photographs", "--classes", "three.txt"]) == 2
    assert capsys.readouterr().err.startswith("error: --classes: expected 4 names")
    assert not (tmp_path / "audits").exists()

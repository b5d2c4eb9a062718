"""What `benchmarks.device` found on a GPU, and beside it what other benchmarks found on a CPU."""

from typing import Any

from docs.rows import row

LOOPS = (
    ("search by network", "loop_over_forward", "loop_over_forward"),
    ("images scored each second", "loop_evaluations_per_second", "evaluations_per_second"),
)
"""What is told of whole searches, and its entry in rows of searches on digits and on ImageNet."""


def on_a_gpu() -> dict[str, Any]:
    """The machine, `calls` of the command, figures of some checks by short names, and a table.

    Each row of the table has `what`, and the spreads `cpu`, which may be None, and `gpu`.
    """
    record = row("benchmarks/device.json")
    figures = {name: check["figures"] for name, check in record["checks"].items()}
    mutation = figures["mutation of 4096"]
    return {
        "machine": record["machine"],
        "model": record["machine"]["device"].removeprefix("gpu: "),
        "calls": record["calls"],
        "table": [*_loops(figures), *_drawings(figures)],
        "cppn": figures["loop cppn 28x28, 4096 children"],
        "imagenet": figures["loop cppn Lite0, 1000 children"],
        "mutated": mutation["genomes"],
        "microseconds_to_mutate": 1e6 * mutation["seconds"]["median"],
        "products": figures["products"]["teraflops"],
        "pictures": figures["pictures of the form kernel"],
        "mutants": figures["mutants"],
        "command": figures["mnist_cppn as a command"],
        "pytorch": figures["Lite0 against PyTorch"],
        "deterministic": figures["repeats itself with --deterministic"],
    }


def _loops(figures: dict[str, Any]) -> list[dict[str, Any]]:
    alone = [one for one in row("benchmarks/evolution.json")["rows"] if one["runs"] == 1]
    digits = {(one["encoding"], one["batch"]): one for one in alone}
    imagenet = {100: row("benchmarks/targets.json")["loop"]}
    table = []
    for what, entry, of_imagenet in LOOPS:
        for encoding, words in (("direct", "pixels"), ("cppn", "CPPNs")):
            for children in (200, 4096):
                cpu, gpu = digits[encoding, children], figures[f"loop {encoding} 28x28, {children} children"]
                name = f"{what}: {words}, digits, {children:,} children"
                table.append({"what": name, "cpu": cpu[entry], "gpu": gpu[entry]})
        for children in (100, 1000):
            name = f"{what}: CPPNs, ImageNet, {children:,} children"
            cpu, gpu = imagenet.get(children, {}), figures[f"loop cppn Lite0, {children} children"]
            table.append({"what": name, "cpu": cpu.get(of_imagenet), "gpu": gpu[of_imagenet]})
    return table


def _drawings(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Of as many nodes as the GPU's genomes have, in a genome's usual room."""
    drawn = {
        one["side"]: one["images_per_second"]
        for one in row("benchmarks/render.json")["rows"]
        if one["room"] == 64 and one["live"] == [8, 20]
    }
    return [
        {
            "what": f"CPPNs drawn each second, {side} x {side}",
            "cpu": drawn[side],
            "gpu": figures[f"drawing {count} of {side}x{side}"]["images_per_second"],
        }
        for side, count in ((28, 4096), (256, 1000))
    ]

"""What a study is: tasks, a row for each, tables and figures of the rows. And what a measurement may use."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.host_targets import HostFunction
from fooljax.storage.json_files import plain
from fooljax.storage.trees import digest_tree
from fooljax.study.images import images_of, sheet_of
from fooljax.study.parts import Say
from fooljax.study.task import Row, Task, digest_of


def no_figures(rows: Sequence[Row]) -> Mapping[str, bytes]:
    """For a study without figures."""
    del rows
    return {}


def any_network(config: Any, name: str) -> None:
    """For a study that tells a wrong name only when it loads the network."""
    del config, name


@dataclass(frozen=True)
class Study:
    """What tells one study from another. `docs/extending.md` has a small one whole.

    Attributes:
      name: of the study, which its folder is known by.
      title: one line for `--help`.
      config: the frozen dataclass of its settings, each made by `fooljax.settings.option`.
      tasks: `(config, rows) -> tasks`, those that can be named when `rows` are there. It is asked again after
        they are done, with their rows, until it names no new ones. So a later stage can choose by an earlier
        one.
      network: `(config, name, say) -> Target`, for the names in `Task.networks`. It is called once for each.
        `say` prints a line about work that takes long.
      measure: `(workspace, tasks) -> numbers of each`, in order. It is given the tasks of one group; each of
        its results becomes a row when it comes, so a generator loses the least when it is killed.
      tables: `rows -> text`, the content of `table.md`.
      figures: `rows -> PNG by file name`.
      check_network: `(config, name)`, which raises InputError where `network` knows no such name. It is asked
        of all names before any network is loaded or trained.
    """

    name: str
    title: str
    config: type[Any]
    tasks: Callable[[Any, Sequence[Row]], Iterable[Task]]
    network: Callable[[Any, str, Say], Target]
    measure: Callable[["Workspace", Sequence[Task]], Iterable[Mapping[str, Any]]]
    tables: Callable[[Sequence[Row]], str]
    figures: Callable[[Sequence[Row]], Mapping[str, bytes]] = no_figures
    check_network: Callable[[Any, str], None] = any_network


@dataclass
class Workspace:
    """What a measurement may use: the networks that its tasks name, and a place for images.

    Attributes:
      study: the study.
      config: its settings.
      say: prints a line.
      networks: those that are there already, with their digests, by name. Others are added.
      sheets: what is to be saved beside the rows: by the name of its task, a PNG.
    """

    study: Study
    config: Any
    say: Say
    networks: dict[str, tuple[Target, str]] = field(default_factory=dict)
    sheets: dict[str, bytes] = field(default_factory=dict)

    def network(self, name: str) -> Target:
        """A network by its name, which is loaded or trained once."""
        return self._known(name)[0]

    def digest(self, name: str) -> str:
        """The digest of a network, see `network_digest`."""
        return self._known(name)[1]

    def _known(self, name: str) -> tuple[Target, str]:
        if name not in self.networks:
            with named_by_its_setting(self.config, name):
                target = self.study.network(self.config, name, self.say)
            self.networks[name] = (target, network_digest(name, target))
        return self.networks[name]

    def save_images(self, task: Task, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Saves a task's images `[N, H, W, K]` beside its row and gives back what the file holds.

        Saved images are measured on what is given back.

        Raises:
          InputError: they are not 8-bit images.
        """
        sheet = self.sheets[task.name] = sheet_of(images)
        return images_of(sheet, images.shape)


@contextmanager
def named_by_its_setting(config: Any, name: str) -> Iterator[None]:
    """Lets an error about a network name the setting that asks for it: settings for judges name some, too."""
    try:
        yield
    except InputError as error:
        if not (message := str(error)).startswith("network: "):
            raise
        texts = {one.name: getattr(config, one.name) for one in dataclasses.fields(config)}
        asks = (
            key for key, text in texts.items() if isinstance(text, str) and name in (text, *text.split(","))
        )
        raise InputError(f"{next(asks, 'network')}: {message.removeprefix('network: ')}") from error


def network_digest(name: str, target: Target) -> str:
    """SHA-256 (hex) that tells networks apart: of their parameters, and of a user's own also of its program.

    What the code of a built-in network is, the version of fooljax says. A network that is asked on the host
    is known by the digest of its file, or else by what it says of itself.

    Args:
      name: of the network, for errors.
      target: the network. One that says where its parameters came from is a built-in one.
    Raises:
      InputError: it is a user's own and has no image shape, so that its program cannot be made.
    """
    params = digest_tree(target.params)
    if target.provenance.get("params_sha256") == params and jax.tree.leaves(target.params):
        return params
    if isinstance(target.apply, HostFunction):
        facts = (target.name, target.image_shape, target.class_names, target.provenance)
        return digest_of({"host": plain(facts)})
    if target.image_shape is None:
        raise InputError(f"network {shown(name)}: expected a target with its image_shape, got one without")
    images = jax.ShapeDtypeStruct((1, *target.image_shape), np.float32)
    program = jax.jit(target.apply).lower(target.params, images).as_text()
    return digest_of({"params": params, "program": program})

"""What an optimizer remembers between steps, as arrays in flat memory; to and from dicts and .npz files."""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from derive.errors import InputError
from numeric.compile import Array
from numeric.parameters import Layout, Tree, shown

Flat = Mapping[np.dtype[Any], Array]
HEADER = "state"  # the array of a file that says in JSON what the others are


class OptimizerState:
    """The state of an optimizer after `t` steps; made by `Optimizer.init`, advanced by `update` and `step`.

    `arrays` has flat memory for each name of the rule's state that is one number for each parameter, `scalars` the
    others, one dict for each group of hyperparameters. Numbers may be written into the arrays; put in the place of an
    array cannot be another one. `copy`, the module `copy` and pickling give a state with memory of its own.

    >>> import numeric
    >>> state = numeric.optimizer("momentum", lr=0.1).init(np.zeros(2))
    >>> state.t, state["m"]
    (0, array([0., 0.]))
    """

    def __init__(
        self, rule: str, t: int, layout: Layout, arrays: Mapping[str, Flat], scalars: list[dict[str, float]]
    ) -> None:  # fmt: skip
        self.rule, self.t, self.layout, self.scalars = rule, t, layout, scalars
        self._arrays = MappingProxyType({name: MappingProxyType(dict(flat)) for name, flat in arrays.items()})
        # What an engine cuts out of the arrays, kept from step to step, with the plan that it is cut for.
        self.cut: tuple[Any, list[list[Any]]] = (None, [])

    @property
    def arrays(self) -> Mapping[str, Flat]:
        return self._arrays

    def __repr__(self) -> str:
        return f"OptimizerState(rule={self.rule!r}, t={self.t}, scalars={self.scalars})"

    def __getitem__(self, name: str) -> Tree:
        """The state of that name in the shape of w, as views: an array, or a tuple or dict of arrays."""
        if name in self.arrays:
            return self.layout.views(self.arrays[name])
        if name in self.scalars[0]:
            return self.scalars[0][name] if len(self.scalars) == 1 else tuple(each[name] for each in self.scalars)
        known = ", ".join((*self.arrays, *self.scalars[0])) or "no state"
        raise InputError(f"the state of {self.rule} has no {name}", remedy=f"it has {known}")

    def copy(self) -> OptimizerState:
        """The same state in memory of its own."""
        arrays = {
            name: {dtype: array.copy() for dtype, array in flat.items()} for name, flat in self.arrays.items()
        }  # fmt: skip
        return OptimizerState(self.rule, self.t, self.layout, arrays, [dict(each) for each in self.scalars])

    def __copy__(self) -> OptimizerState:
        return self.copy()

    def __deepcopy__(self, _: Any) -> OptimizerState:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        arrays = {name: dict(flat) for name, flat in self.arrays.items()}
        return OptimizerState, (self.rule, self.t, self.layout, arrays, self.scalars)

    def become(self, other: OptimizerState) -> None:
        """Take over the numbers of a state of the same layout."""
        for name, flat in self.arrays.items():
            for dtype, array in flat.items():
                np.copyto(array, other.arrays[name][dtype])
        self.t, self.scalars = other.t, [dict(each) for each in other.scalars]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and arrays of their own: `Optimizer.from_dict` reads it.

        >>> import numeric
        >>> numeric.optimizer("momentum", lr=0.1).init(np.zeros(2)).to_dict()
        {'rule': 'momentum', 't': 0, 'scalars': [{}], 'arrays': {'m': array([0., 0.])}}
        """
        own = self.copy()
        return {
            "rule": own.rule, "t": own.t, "scalars": own.scalars, "arrays": {name: own[name] for name in own.arrays},
        }  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write an .npz file that `Optimizer.load` reads; no pickle. It is written whole, or not at all.

        Errors: InputError for a name that does not end in .npz, and where the file cannot be written.
        """
        write_npz(Path(path), packed(self))


# --- as the arrays of a file -----------------------------------------------------------------------------------------


def packed(state: OptimizerState) -> dict[str, Array]:
    """A state as named arrays. Keys of w are in the header only: the names in a file are numbered."""
    header = {"rule": state.rule, "t": state.t, "scalars": state.scalars, "w": _plain(state.layout)}
    found: dict[str, Any] = {HEADER: np.array(json.dumps(header))}
    for name in state.arrays:
        found |= numbered(f"array/{name}", state.layout.leaves(state[name], name))
    return found


def numbered(name: str, leaves: list[Array]) -> dict[str, Array]:
    """The arrays of a tree under names of a file."""
    return {f"{name}/{number}": leaf for number, leaf in enumerate(leaves)}


def leaves_of(stored: Mapping[str, Any], name: str, places: Layout) -> list[Any]:
    """What `numbered` put into a file, not looked at yet. Raises InputError where one is missing."""
    names = [f"{name}/{number}" for number in range(len(places.keys))]
    for each in names:
        if each not in stored:
            raise InputError(f"there is no {each} in it", remedy="save it again")
    return [stored[each] for each in names]


def unpacked(stored: Mapping[str, Any], rule: str, names: tuple[str, ...], places: Layout) -> dict[str, Any]:
    """What `packed` wrote, as `Optimizer.from_dict` reads it. Raises InputError for another rule, or another w."""
    try:
        header = json.loads(str(stored[HEADER][()]))
        found = {key: header[key] for key in ("rule", "t", "scalars")}
        was, now = header["w"], _plain(places)
        differing = [key for key in now if was[key] != now[key]]
    except (KeyError, TypeError, IndexError, ValueError, RecursionError):
        raise InputError("this is no state of an optimizer", remedy="use a file that save wrote") from None
    if found["rule"] != rule:
        raise InputError(f"this is the state of {shown(found['rule'])}", remedy=f"load one of {rule}")
    if differing:
        what = differing[0]
        raise InputError(
            f"the w of this state has the {what} {shown(was[what])}, and not {shown(now[what])}",
            remedy="load it for the arrays and with the groups that it was made with",
        )
    return found | {"arrays": {name: places.tree(leaves_of(stored, f"array/{name}", places)) for name in names}}


def _plain(places: Layout) -> dict[str, Any]:
    """A layout as JSON has it."""
    return {
        "kind": places.kind, "keys": list(places.keys), "shapes": [list(shape) for shape in places.shapes],
        "dtypes": [dtype.name for dtype in places.dtypes], "groups": list(places.groups),
    }  # fmt: skip


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """An .npz file, whole or not at all: a temporary file beside it takes its name when it is complete."""
    if path.suffix != ".npz":
        raise InputError("the name does not end in .npz", file=str(path), remedy="name the file so")
    temporary = path.parent / f".{path.name[:100]}-{secrets.token_hex(8)}"
    try:
        with open(temporary, "xb") as stream:
            with zipfile.ZipFile(stream, "w", allowZip64=True) as archive:
                for name, array in arrays.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise InputError(
            f"cannot write: {error.strerror or error}", file=str(path), remedy="check the folder and its permissions"
        ) from None
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def read_npz(path: str | Path) -> dict[str, Any]:
    """The arrays of an .npz file; nothing in it is run. Raises InputError for what is none, or holds Python objects."""
    if not isinstance(path, str | Path):
        raise InputError(f"the file is {shown(path)}", remedy="give the path of an .npz file")
    try:
        with open(path, "rb") as stream, zipfile.ZipFile(stream) as archive:
            found: dict[str, Any] = {}
            for name in archive.namelist():
                if name.endswith(".npy"):
                    with archive.open(name) as member:
                        found[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
                        if member.read(1):
                            raise ValueError(f"{name} is longer than its array")
            return found
    except FileNotFoundError:
        raise InputError("no such file", file=str(path), remedy="check the path") from None
    except Exception as error:  # what zipfile, zlib and NumPy raise for a broken file is listed nowhere
        what = str(error).split("\n")[0][:100]
        raise InputError(f"not an .npz file of arrays: {what}", file=str(path), remedy="save one first") from None

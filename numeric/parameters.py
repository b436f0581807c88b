"""Parameters at the door: an array, or a tuple or dict of arrays, and where each of them lives in flat memory.

Small arrays share one stretch of flat memory and are updated in one go; a large one is updated where it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from derive.errors import InputError
from numeric.compile import DTYPES, Array

Tree = Any  # an array, a tuple of arrays, or a dict of arrays
Key = str | int
SMALL = 16_384  # elements; below, the calls cost more than copying to and fro
WHOLE = -1  # the key of an array that is alone


@dataclass(frozen=True)
class Unit:
    """What one call updates: elements start ... stop of the flat memory of a dtype, all of one group.

    `leaves` are the numbers of the arrays in it, each with its first and last element.
    """

    dtype: np.dtype[Any]
    group: int
    start: int
    stop: int
    leaves: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Layout:
    """The arrays of a tree: keys, shapes, dtypes, and the group of hyperparameters that each belongs to."""

    kind: str  # "array", "tuple" or "dict"
    keys: tuple[Key, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype[Any], ...]
    groups: tuple[int, ...]

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The arrays in the order of flat memory: by dtype, by group, small ones that follow each other together."""
        order = sorted(range(len(self.keys)), key=lambda leaf: (self.dtypes[leaf].itemsize, self.groups[leaf]))
        found: list[Unit] = []
        ends: dict[np.dtype[Any], int] = {}
        for leaf in order:
            dtype, group, size = self.dtypes[leaf], self.groups[leaf], self.size(leaf)
            start = ends.get(dtype, 0)
            ends[dtype] = start + size
            place = (leaf, start, start + size)
            last = found[-1] if found else None
            if last and size <= SMALL and (last.dtype, last.group) == (dtype, group) and self.small(last):
                found[-1] = Unit(dtype, group, last.start, start + size, (*last.leaves, place))
            else:
                found.append(Unit(dtype, group, start, start + size, (place,)))
        return tuple(found)

    def small(self, unit: Unit) -> bool:
        return all(stop - start <= SMALL for _, start, stop in unit.leaves)

    def size(self, leaf: int) -> int:
        return int(np.prod(self.shapes[leaf], dtype=np.int64))

    def sizes(self) -> dict[np.dtype[Any], int]:
        """How many elements there are of each dtype."""
        found: dict[np.dtype[Any], int] = {}
        for unit in self.units:
            found[unit.dtype] = max(found.get(unit.dtype, 0), unit.stop)
        return found

    def views(self, flat: Mapping[np.dtype[Any], Array]) -> Tree:
        """The tree of the arrays in flat memory, each in its shape."""
        leaves: list[Any] = [None] * len(self.keys)
        for unit in self.units:
            for leaf, start, stop in unit.leaves:
                leaves[leaf] = flat[unit.dtype][start:stop].reshape(self.shapes[leaf])
        return self.tree(leaves)

    def tree(self, leaves: Sequence[Any]) -> Tree:
        if self.kind == "array":
            return leaves[0]
        return tuple(leaves) if self.kind == "tuple" else dict(zip(self.keys, leaves, strict=True))

    def name(self, what: str, leaf: int) -> str:
        """What an error calls an array."""
        return what if self.kind == "array" else f"{what}[{self.keys[leaf]!r}]"

    def leaves(self, tree: Tree, what: str) -> list[Array]:
        """The arrays of a tree of this layout. Raises InputError for another one, and names the array."""
        found = self.taken(tree, what)
        for leaf, (array, shape, dtype) in enumerate(zip(found, self.shapes, self.dtypes, strict=True)):
            if type(array) is not np.ndarray or array.shape != shape or array.dtype != dtype:
                expected = f"expected a NumPy array of shape {self.shapes[leaf]} and dtype {self.dtypes[leaf]}, as w is"
                raise InputError(f"{self.name(what, leaf)} is {described(array)}", remedy=expected)
        return found

    def taken(self, tree: Tree, what: str) -> list[Any]:
        """What stands where this layout has arrays. Raises InputError for another structure."""
        if self.kind == "array":
            return [tree]
        if self.kind == "tuple":
            if not isinstance(tree, tuple) or len(tree) != len(self.keys):
                raise InputError(f"{what} is {described(tree)}", remedy=f"expected a tuple of {len(self.keys)} arrays")
            return list(tree)
        if not isinstance(tree, Mapping) or tree.keys() != set(self.keys):
            names = ", ".join(map(repr, self.keys))
            raise InputError(f"{what} is {described(tree)}", remedy=f"expected a dict with the keys {names}")
        return [tree[key] for key in self.keys]


def layout(w: Tree, groups: Mapping[Key, int]) -> Layout:
    """The layout of the parameters; `groups` has the group of each key that is not in group 0.

    Errors: InputError for what is no array of float32 or float64, and for a group of a key that w does not have.

    >>> layout({"a": np.zeros((2, 3)), "b": np.zeros(3)}, {}).units[0].leaves
    ((0, 0, 6), (1, 6, 9))
    """
    keys: tuple[Key, ...]
    if isinstance(w, Mapping):
        kind, keys, leaves = "dict", tuple(w), list(w.values())
        for key in keys:
            if not isinstance(key, str) or not key:
                raise InputError(f"w has the key {key!r}", remedy="name each array with a text")
    elif isinstance(w, tuple):
        kind, keys, leaves = "tuple", tuple(range(len(w))), list(w)
    else:
        kind, keys, leaves = "array", (WHOLE,), [w]
    if not leaves:
        raise InputError("w has no array in it", remedy="give an array, or a tuple or dict of arrays")
    for key in groups:
        if key not in keys:
            names = ", ".join(map(repr, keys)) if kind != "array" else "none: w is one array"
            raise InputError(f"groups has {key!r}, which w does not have", remedy=f"its keys are {names}")
    for key, leaf in zip(keys, leaves, strict=True):
        name = "w" if kind == "array" else f"w[{key!r}]"
        if type(leaf) is not np.ndarray or leaf.dtype not in DTYPES:
            raise InputError(f"{name} is {described(leaf)}", remedy="expected a NumPy array of float32 or float64")
    shapes, dtypes = tuple(leaf.shape for leaf in leaves), tuple(leaf.dtype for leaf in leaves)
    return Layout(kind, keys, shapes, dtypes, tuple(groups.get(key, 0) for key in keys))


def in_flat_order(places: Layout, dtype: np.dtype[Any], leaves: Sequence[Array]) -> list[Array]:
    """The arrays of a dtype in the order of flat memory."""
    return [leaves[leaf] for unit in places.units if unit.dtype == dtype for leaf, _, _ in unit.leaves]


def finite(array: Array, name: str, what: str = "a gradient") -> None:
    """Refuse an array with nan or inf in it, and name the first such place."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.ravel()
    # One pass without a temporary; only where the sum of squares is no finite number, each number is looked at.
    with np.errstate(all="ignore"):
        if np.isfinite(np.dot(flat, flat)):
            return
        wrong = ~np.isfinite(array)
    if wrong.any():
        place = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), array.shape))
        where = f"{name}[{', '.join(map(str, place))}]" if place else name
        raise InputError(
            f"{where} is {array[place]}", remedy=f"expected {what} without nan and inf; nothing was changed"
        )


def apart(written: Sequence[tuple[str, Array]], read: Sequence[tuple[str, Array]]) -> None:
    """Refuse arrays of which one is written where another one, or itself once more, has its elements.

    >>> apart([("w", np.zeros(3))], [("g", np.zeros(3))])
    >>> both = np.zeros(4)
    >>> apart([("w", both[:3])], [("g", both[1:])])
    Traceback (most recent call last):
    derive.errors.InputError: g shares memory with w; copy one of them
    """
    for name, array in written:
        if _folded(array):
            raise InputError(f"elements of {name} share memory with each other", remedy="copy it")
    found = [(*_bounds(array), place, name, array)
             for place, (name, array) in enumerate((*written, *read)) if array.size]  # fmt: skip
    open_: list[tuple[int, int, int, str, Array]] = []  # those that reach beyond the start of the next
    for here in sorted(found, key=lambda each: each[0]):
        open_ = [each for each in open_ if each[1] > here[0]]
        for other in open_:
            first, second = sorted((here, other), key=lambda each: each[2])
            if first[2] < len(written) and _shared(first[4], second[4]):
                raise InputError(f"{second[3]} shares memory with {first[3]}", remedy="copy one of them")
        open_.append(here)


def _bounds(array: Array) -> tuple[int, int]:
    """The addresses of the first byte of an array and of the one after the last."""
    start = stop = array.__array_interface__["data"][0]
    if array.flags.c_contiguous:
        return start, start + array.nbytes
    for size, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            start += (size - 1) * stride
        else:
            stop += (size - 1) * stride
    return start, stop + array.itemsize


def _folded(array: Array) -> bool:
    """Whether elements may share memory: an axis takes steps that are smaller than what lies within one of them."""
    if array.flags.c_contiguous:
        return False
    extent = array.itemsize
    for stride, size in sorted((abs(stride), size) for size, stride in zip(array.shape, array.strides, strict=True)):
        if size > 1:
            if stride < extent:
                return True
            extent = stride * (size - 1) + extent
    return False


def _shared(one: Array, other: Array) -> bool:
    try:
        return bool(np.shares_memory(one, other, max_work=100_000))  # type: ignore[arg-type]  # any integer will do
    except np.exceptions.TooHardError:
        return True


# --- what a person gave ----------------------------------------------------------------------------------------------


def real(value: Any) -> float:
    """A real number as a float; nan for what is none, or is too large."""
    try:
        return math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:
        return math.nan


def number(name: str, value: Any) -> float:
    """A finite number as a float. Raises InputError for anything else, also for True and False."""
    found = real(value)
    if not math.isfinite(found):
        raise InputError(f"{name} is {shown(value)}", remedy="expected a finite number")
    return found


def shown(value: Any) -> str:
    """A value as an error shows it: of what kind it is, and not too long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of too many digits
        text = f"an integer of {value.bit_length()} bits" if isinstance(value, int) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:60]}..."


def described(value: Any) -> str:
    """What a value is that should have been an array, or a tuple or dict of arrays."""
    if isinstance(value, np.ndarray):
        kind = "an array" if type(value) is np.ndarray else f"a {type(value).__name__}, no plain array,"
        return f"{kind} of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, Mapping):
        return f"a dict with the keys {', '.join(map(repr, list(value)[:8])) or 'none'}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of length {len(value)}"
    return f"{type(value).__name__} {shown(value)}"

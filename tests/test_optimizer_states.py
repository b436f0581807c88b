"""States to dicts and files and back, bit for bit; broken and foreign ones are refused; copies share no memory."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import os
import pickle
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
from derive.errors import InputError
from derive.library.optimizers import OPTIMIZERS
from derive.update_rule import State
from numeric.states import HEADER, read_npz, write_npz
from tests.unchanged import begun, memory

every_rule = pytest.mark.parametrize("name", OPTIMIZERS)
NAMES = (
    "m",
    "v",
    "a/b",
    "..",
    "../x",
    "a.b",
    "x",
    "x.npy",
    "가중치",
    "a\0b",
    "a\0c",
    " ",
    "\ud800",
    "C:\\x",
    "file",
    "t",
)


def trees() -> dict[str, Any]:
    random = np.random.default_rng(6)
    return {
        "array": random.normal(size=(3, 2)),
        "float32": random.normal(size=5).astype(np.float32),
        "no axes": np.array(0.5),
        "tuple": (random.normal(size=3), random.normal(size=(2, 2)).astype(np.float32), np.zeros((0, 2))),
        "dict": {name: random.normal(size=(number, 2)) for number, name in enumerate(NAMES)},
        "large": {"large": random.normal(size=20_000), "small": random.normal(size=3)},
    }


def gradient(w: Any, t: int) -> Any:
    random = np.random.default_rng(t)
    if isinstance(w, dict):
        return {key: gradient(leaf, t + number) for number, (key, leaf) in enumerate(w.items())}
    if isinstance(w, tuple):
        return tuple(gradient(leaf, t + number) for number, leaf in enumerate(w))
    return np.asarray(random.normal(size=w.shape), w.dtype)


def going_on(opt: numeric.Optimizer, w: Any, state: Any, steps: int = 3) -> Any:
    for _ in range(steps):
        w, state = opt.update(w, gradient(w, state.t), state)
    return memory((w, state))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "tuple") for name in OPTIMIZERS),
        *((name, kind) for name in ("adam", "nadam", "gd") for kind in trees()),
    ],
)
def test_a_stored_state_goes_on_to_the_bit(name: str, kind: str, tmp_path: Path) -> None:
    w = trees()[kind]
    groups = {"m": {"lr": 0.02}, "..": {"lr": 0.0}} if kind == "dict" else {1: {"lr": 0.03}} if kind == "tuple" else {}
    opt = numeric.optimizer(name, lr=lambda t: 0.1 / t, groups=groups)
    state = opt.init(w)
    for _ in range(2):
        w, state = opt.update(w, gradient(w, state.t), state)
    stored = state.to_dict()
    state.save(tmp_path / "state.npz")
    for found in (
        opt.from_dict(stored, w),
        opt.load(tmp_path / "state.npz", w),
        opt.load(str(tmp_path / "state.npz"), w),
    ):
        assert memory(found) == memory(state)
        assert going_on(opt, w, found) == going_on(opt, w, state)
    assert os.listdir(tmp_path) == ["state.npz"]
    for array in stored["arrays"].values():  # what to_dict gave is memory of its own
        leaves = array.values() if isinstance(array, dict) else array if isinstance(array, tuple) else [array]
        for leaf in leaves:
            leaf[...] = 7.0
    assert memory(opt.load(tmp_path / "state.npz", w)) == memory(state)


def test_what_an_overflow_left_in_a_state_is_stored_too(tmp_path: Path) -> None:
    opt, w = numeric.optimizer("yogi"), np.ones(3, np.float32)
    state = opt.init(w)
    for _ in range(2):
        opt.step(w, np.array([1e20, 1.0, -3e38], np.float32), state)
    assert not np.isfinite(state["v"]).all()
    state.save(tmp_path / "s.npz")
    assert memory(opt.load(tmp_path / "s.npz", w)) == memory(opt.from_dict(state.to_dict(), w)) == memory(state)


# --- what is refused ------------------------------------------------------------------------------------------------


def broken(opt: numeric.Optimizer, w: Any, message: str, stored: Any) -> None:
    with pytest.raises(InputError) as caught:
        opt.from_dict(stored, w)
    assert message in str(caught.value)


def test_dicts_that_are_no_state_are_refused() -> None:
    opt, w, state = begun("nadam")
    right = state.to_dict()
    broken(opt, w, "the stored state is 5; use what to_dict gave", 5)
    for key in right:
        broken(opt, w, f"the stored state has no {key!r}", {name: each for name, each in right.items() if name != key})
    for key, value, message in (
        ("rule", "adam", "this is the state of 'adam'; use one of nadam"),
        ("rule", None, "this is the state of None"),
        ("t", 1.0, "t of the stored state is 1.0; expected a whole number >= 0"),
        ("t", -1, "t of the stored state is -1"),
        ("t", True, "t of the stored state is True"),
        ("t", "1", "t of the stored state is '1'"),
        ("scalars", 3, "the stored state has other scalars"),
        ("scalars", [], "the stored state has other scalars"),
        ("scalars", [3], "the stored state has other scalars"),
        ("scalars", [{"q": 1.0}], "the stored state has other scalars"),
        ("scalars", [{"p": float("nan")}], "p is nan; expected a finite number"),
        ("scalars", [{"p": "1"}], "p is '1'; expected a finite number"),
        ("arrays", 3, "the stored state has other arrays; this rule has m, v"),
        ("arrays", {"m": np.ones(3)}, "the stored state has other arrays"),
        ("arrays", {"m": np.ones(3), "v": np.ones(4)}, "the stored v is an array of shape (4,)"),
        ("arrays", {"m": np.ones(3), "v": np.ones(3, int)}, "the stored v is an array of shape (3,) and dtype int64"),
        ("arrays", {"m": np.ones(3), "v": [1.0, 1.0, 1.0]}, "the stored v is a list of length 3"),
    ):
        broken(opt, w, message, {**right, key: value})
    assert memory(opt.from_dict({**right, "t": np.int64(3)}, w).t) == "3"


def test_files_of_other_rules_shapes_and_groups_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    for name in ("adam", "sgd"):
        opt, w, state = begun(name, w={"a": np.ones(3), "b": np.ones(2)})
        state.save(path)
        for other, given, message in (
            (numeric.optimizer("lion"), w, f"this is the state of '{name}'; load one of lion"),
            (opt, {"a": np.ones(4), "b": np.ones(2)}, "has the shapes [[3], [2]], and not [[4], [2]]"),
            (opt, {"a": np.ones(3), "c": np.ones(2)}, "has the keys ['a', 'b'], and not ['a', 'c']"),
            (opt, {"a": np.ones(3), "b": np.ones(2, np.float32)}, "has the dtypes ['float64', 'float64'], and not"),
            (opt, (np.ones(3), np.ones(2)), "has the kind 'dict', and not 'tuple'"),
            (numeric.optimizer(name, groups={"b": {}}), w, "has the groups [0, 0], and not [0, 1]"),
        ):
            with pytest.raises(InputError) as caught:
                other.load(path, given)
            assert message in str(caught.value)
            assert str(path) in str(caught.value)


def npz(**arrays: Any) -> bytes:
    """An .npz as an attacker makes it."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


class Bomb:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


HUGE = b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000000,), }".ljust(
    117
) + b"\n"  # fmt: skip


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"PK", b"garbage" * 100, b"\x93NUMPY", pickle.dumps({"rule": "adam"}), zipped("state.npy", b""),
        zipped("state.npy", b"no array"), zipped("state.npy", HUGE), zipped("x.txt", b"1"),
        npz(state=np.array([Bomb()], dtype=object)), npz(state=np.array(5)), npz(state=np.array("[")),
        npz(state=np.array("[" * 100_000)), npz(state=np.array('{"rule": "adam"}')), npz(state=np.zeros(0)),
        npz(state=np.array('{"rule": "adam", "t": 0, "scalars": [{}], "w": 3}')), npz(x=np.ones(3)),
    ],
    ids=range(17),
)  # fmt: skip
def test_files_that_are_no_state_are_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "s.npz"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        numeric.optimizer("adam").load(path, np.ones(3))
    assert str(path) in str(caught.value)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match="no such file"):
        numeric.optimizer("adam").load(tmp_path / "other.npz", np.ones(3))
    with pytest.raises(InputError, match="not an"):
        numeric.optimizer("adam").load(tmp_path, np.ones(3))
    with pytest.raises(InputError, match="the file is None"):
        numeric.optimizer("adam").load(None, np.ones(3))  # type: ignore[arg-type]


def test_cut_and_changed_files_are_refused_or_are_the_same(tmp_path: Path) -> None:
    """The checksums of the file cover all numbers and the header."""
    opt, w, state = begun("nadam")
    path = tmp_path / "s.npz"
    state.save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            opt.load(path, w)
    for place in range(0, len(whole), 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            found = opt.load(path, w)
        except InputError:
            continue
        assert memory(found) == memory(state), place


def test_a_file_with_an_array_missing_or_of_another_shape_is_refused(tmp_path: Path) -> None:
    opt, w, state = begun("adam")
    path = tmp_path / "s.npz"
    state.save(path)
    stored = read_npz(path)
    assert json.loads(str(stored[HEADER]))["rule"] == "adam"
    for changed, message in (
        ({name: array for name, array in stored.items() if name != "array/v/0"}, "there is no array/v/0 in it"),
        (stored | {"array/v/0": np.ones(4)}, "the stored v is an array of shape (4,)"),
        (stored | {"array/v/0": np.ones(3, int)}, "the stored v is an array of shape (3,) and dtype int64"),
    ):
        write_npz(path, changed)
        with pytest.raises(InputError) as caught:
            opt.load(path, w)
        assert message in str(caught.value)


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_failing_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opt, w, state = begun("adam")
    path = tmp_path / "s.npz"
    state.save(path)
    before = path.read_bytes()
    opt.step(w, np.ones(3), state)
    written = np.lib.format.write_array
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()):

        def full(stream: Any, array: Any, error: BaseException = error, **how: Any) -> None:
            if array.ndim:
                raise error
            written(stream, array, **how)

        monkeypatch.setattr(np.lib.format, "write_array", full)
        with pytest.raises(InputError if isinstance(error, OSError) else type(error)) as caught:
            state.save(path)
        assert not isinstance(error, OSError) or "s.npz: cannot write: No space left on device" in str(caught.value)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["s.npz"]
    monkeypatch.undo()
    state.save(path)
    assert opt.load(path, w).t == 2


def test_places_that_cannot_be_written_to_are_refused(tmp_path: Path) -> None:
    state = begun("adam")[2]
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.npz").mkdir()
    for path in (tmp_path / "no" / "s.npz", tmp_path / "file" / "s.npz", tmp_path / "folder.npz"):
        with pytest.raises(InputError, match=r"cannot write: .*; check the folder and its permissions"):
            state.save(path)
    for name in ("s", "s.npy", ".npz"):
        with pytest.raises(InputError, match=r"the name does not end in \.npz; name the file so"):
            state.save(tmp_path / name)
    if os.name == "posix" and os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(InputError, match="cannot write: Permission denied"):
            state.save(tmp_path / "closed" / "s.npz")
    assert sorted(os.listdir(tmp_path)) == sorted({"file", "folder.npz", *os.listdir(tmp_path)} - {"s.npz"})


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_has_the_permissions_that_other_programs_give(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        begun("adam")[2].save(tmp_path / "s.npz")
    finally:
        os.umask(mask)
    assert (tmp_path / "s.npz").stat().st_mode & 0o777 == 0o640


# --- copies, threads ------------------------------------------------------------------------------------------------


@every_rule
def test_copies_of_a_state_share_no_memory(name: str) -> None:
    for kind in ("array", "tuple"):
        w = trees()[kind]
        opt = numeric.optimizer(name, lr=0.1)
        state = opt.init(w)
        opt.step(w, gradient(w, 0), state)  # from here on the engine keeps views of the state
        copies = [state.copy(), copy.copy(state), copy.deepcopy(state), pickle.loads(pickle.dumps(state))]
        right = going_on(opt, w, state)
        before = memory(state)
        assert all(memory(each) == before for each in copies)
        for each in copies:
            others = [array for other in (state, *copies) if other is not each
                      for flat in other.arrays.values() for array in flat.values()]  # fmt: skip
            own = [array for flat in each.arrays.values() for array in flat.values()]
            assert not any(np.may_share_memory(one, other) for one in own for other in others)
            theirs = copy.deepcopy(w)
            for _ in range(3):
                opt.step(theirs, gradient(theirs, each.t), each)
            assert memory((theirs, each)) == right
            assert memory(state) == before
        again = pickle.loads(pickle.dumps(dataclasses.replace(opt, groups={})))
        assert going_on(again, w, state) == going_on(copy.deepcopy(opt), w, state) == right


def test_arrays_of_a_state_are_written_into_but_not_exchanged() -> None:
    opt, w, state = begun("momentum", lr=0.5, beta1=0.5)
    flat = state.arrays["m"]
    with pytest.raises(TypeError):
        flat[np.dtype(float)] = np.zeros(3)  # type: ignore[index]
    with pytest.raises(TypeError):
        state.arrays["m"] = flat  # type: ignore[index]
    with pytest.raises(AttributeError):
        state.arrays = {}  # type: ignore[misc]
    state["m"][...] = [2.0, 4.0, 6.0]
    opt.step(w, np.zeros(3), state)
    assert state["m"].tolist() == [1.0, 2.0, 3.0]


def test_rules_of_one_name_do_not_share_what_was_cut_for_another() -> None:
    rule = OPTIMIZERS["adam"]
    other = dataclasses.replace(rule, lines=("v = g + v + w", "m = g", "w = w - eta*v"))
    _, w, state = begun("adam")
    mine = numeric.optimizer(other)
    right = memory(mine.update(w, np.ones(3), state.copy()))
    assert memory(mine.update(w, np.ones(3), state)) == right
    mine.step(w, np.ones(3), state)
    assert memory((w, state)) == right
    fewer = dataclasses.replace(OPTIMIZERS["sgd"], name="adam")
    with pytest.raises(InputError, match="the state has m, v in it"):
        numeric.optimizer(fewer).step(w, np.ones(3), state)


def test_a_rule_of_ones_own_may_begin_anywhere() -> None:
    rule = dataclasses.replace(OPTIMIZERS["momentum"], state=(State("m", "2*w + beta1"),))
    w = {"a": np.arange(4.0).reshape(2, 2), "b": np.ones(1, np.float32)}
    state = numeric.optimizer(rule, beta1=0.5).init(w)
    assert state["m"]["a"].tolist() == [[0.5, 2.5], [4.5, 6.5]]
    assert state["m"]["b"].dtype == np.float32


@pytest.mark.parametrize("name", ["adam", "nadam", "rprop"])
def test_two_threads_update_from_one_state(name: str) -> None:
    opt = numeric.optimizer(name, lr=lambda t: 0.1 / t)
    w = {"a": np.ones(3000), "b": np.ones(40_000)}
    state = opt.init(w)
    opt.step(w, gradient(w, 0), state)
    before, right = memory((w, state)), memory(opt.update(w, gradient(w, 1), state))
    found: list[bool] = []

    def work() -> None:
        g = gradient(w, 1)
        found.extend(memory(opt.update(w, g, state)) == right for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 30
    assert memory((w, state)) == before

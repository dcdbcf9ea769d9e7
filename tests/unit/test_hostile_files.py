"""Files made to hurt: flow of any bytes, and safetensors that promise more than they hold."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillbrush.core.errors import StillbrushError, UnreadableFile
from stillbrush.core.looks import load_look
from stillbrush.core.media.images import probe
from stillbrush.core.media.video import VideoSource
from stillbrush.core.motion.flow_files import MAGIC, read_flo, write_flo
from stillbrush.core.networks.weights import load_weights
from stillbrush.core.state import load_state
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.shot_statistics import ShotStatistics

QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SIDES = st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 9)


def read(content: bytes) -> torch.Tensor | None:
    """Read bytes as a flow file; None where they are refused in one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flo"
        path.write_bytes(content)
        try:
            return read_flo(path)
        except StillbrushError as error:
            told = str(error)
    assert "\n" not in told
    assert "a.flo" in told
    return None


@QUICK
@given(content=st.binary(max_size=200) | st.binary(max_size=200).map(lambda b: MAGIC + b))
def test_no_bytes_make_the_flow_reader_stumble(content: bytes) -> None:
    read(content)


@QUICK
@given(width=SIDES, height=SIDES, body=st.binary(max_size=400))
def test_a_flow_is_as_large_as_its_file_or_refused(width: int, height: int, body: bytes) -> None:
    tracemalloc.start()
    flow = read(MAGIC + struct.pack("<ii", width, height) + body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
    if flow is not None:
        assert flow.shape == (1, height, width, 2)
        assert len(body) == 8 * width * height
        assert torch.isfinite(flow).all()


@QUICK
@given(values=st.lists(st.floats(width=32), min_size=12, max_size=12))
def test_a_flow_comes_back_and_what_is_no_number_is_unknown(values: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flo"
        body = np.array(values, "<f4").tobytes()
        path.write_bytes(MAGIC + struct.pack("<ii", 3, 2) + body)
        once = read_flo(path)
        write_flo(path, once, overwrite=True)
        assert torch.equal(read_flo(path), once)
    plain = np.array(values, np.float32).reshape(1, 2, 3, 2)
    known = (np.abs(np.nan_to_num(plain, nan=np.inf)) < 1e9).all(-1)
    np.testing.assert_array_equal(once.numpy()[known], plain[known])


def bomb(path: Path, header: object, body: bytes = b"", length: int | None = None) -> Path:
    """Write a safetensors file with any header, and any length of it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)
    return path


def tensor(shape: list[int], start: int, end: int, kind: str = "F32") -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


BOMBS = {
    "a header of 2^63 bytes": lambda p: bomb(p, {}, length=2**63),
    "a header of 99 MB that is not there": lambda p: bomb(p, {}, length=99_000_000),
    "a header of brackets": lambda p: bomb(p, b"[" * 100_000),
    "no JSON": lambda p: bomb(p, b"\xff\xfe" * 50),
    "a tensor of 2^62 values": lambda p: bomb(p, {"a": tensor([2**31, 2**31], 0, 8)}, bytes(8)),
    "a tensor of a terabyte": lambda p: bomb(p, {"a": tensor([2**38], 0, 2**40)}, bytes(64)),
    "tensors that overlap": lambda p: bomb(
        p, {"a": tensor([4], 0, 16), "b": tensor([4], 8, 24)}, bytes(24)
    ),
    "a hole between tensors": lambda p: bomb(
        p, {"a": tensor([4], 0, 16), "b": tensor([4], 32, 48)}, bytes(48)
    ),
    "offsets backwards": lambda p: bomb(p, {"a": tensor([4], 16, 0)}, bytes(16)),
    "a negative side": lambda p: bomb(p, {"a": tensor([-4], 0, 16)}, bytes(16)),
    "an unknown type": lambda p: bomb(p, {"a": tensor([4], 0, 16, "PICKLE")}, bytes(16)),
    "ten thousand tensors": lambda p: bomb(
        p, {f"t{n}": tensor([1], 4 * n, 4 * n + 4) for n in range(10_000)}, bytes(40_000)
    ),
    "nothing": lambda p: bomb(p, {}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_safetensors_bomb_is_refused_before_it_grows(kind: str, tmp_path: Path) -> None:
    path = BOMBS[kind](tmp_path / "bomb.safetensors")
    readers = (
        load_weights,
        lambda file: ShotStatistics.load(file, torch.device("cpu")),
        lambda file: load_state(PaintState, file),
    )
    for reader in readers:
        tracemalloc.start()
        with pytest.raises(UnreadableFile, match=r"bomb\.safetensors") as raised:
            reader(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 * 2**20
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 600


READERS = {
    "plate.exr": probe,
    "flow.flo": read_flo,
    "video.mp4": VideoSource,
    "statistics.safetensors": lambda path: ShotStatistics.load(path, torch.device("cpu")),
    "weights.safetensors": load_weights,
    "look.yaml": load_look,
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    """Opening a pipe that nobody writes never comes back, hence the thread."""
    path, told = tmp_path / name, []
    os.mkfifo(path)

    def read_it() -> None:
        try:
            READERS[name](path)
        except StillbrushError as error:
            told.append(str(error))

    reading = threading.Thread(target=read_it, daemon=True)
    reading.start()
    reading.join(60)
    assert len(told) == 1
    assert name in told[0]
    assert "\n" not in told[0]

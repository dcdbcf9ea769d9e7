from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.material import TINY, tiny_look

from stillbrush.core.errors import BadInput, StillbrushError, UnreadableFile
from stillbrush.core.look import Look
from stillbrush.core.networks import weights as weights_file
from stillbrush.core.networks.weights import load_weights
from stillbrush.core.stylizers.load import load_painter


def with_weights(look: Look, file: str) -> Look:
    return replace(look, weights=replace(look.weights, file=file))


@pytest.mark.parametrize("outside", ["../tiny.safetensors", "/etc/tiny.safetensors", "a/../../t"])
def test_weights_never_leave_the_look_s_folder(outside: str, tmp_path: Path) -> None:
    tiny_look(tmp_path)
    look = with_weights(tiny_look(tmp_path / "inner"), outside)
    with pytest.raises(BadInput, match="in the look's own folder"):
        look.weights_path()


def test_weights_do_not_leave_it_by_a_link_either(tmp_path: Path) -> None:
    tiny_look(tmp_path)
    look = tiny_look(tmp_path / "inner")
    link = tmp_path / "inner" / "link.safetensors"
    loop = tmp_path / "inner" / "loop.safetensors"
    try:
        link.symlink_to(tmp_path / "tiny.safetensors")
        loop.symlink_to(loop)
    except OSError:
        pytest.skip("no links on this file system")
    with pytest.raises(BadInput, match="in the look's own folder"):
        with_weights(look, link.name).verified_weights()
    with pytest.raises(StillbrushError):
        with_weights(look, loop.name).verified_weights()


def test_weights_of_another_hash_are_refused(tmp_path: Path) -> None:
    look = tiny_look(tmp_path)
    (tmp_path / "tiny.safetensors").write_bytes(b"something else")
    with pytest.raises(UnreadableFile, match="damaged or replaced"):
        load_painter(look)


def test_a_style_that_the_weights_lack_is_refused(tmp_path: Path) -> None:
    look = tiny_look(tmp_path)
    with pytest.raises(BadInput, match="expected 0 to 1; got 2"):
        load_painter(replace(look, weights=replace(look.weights, style=2)))


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_others_may_read_the_weights_as_the_user_s_mask_says(tmp_path: Path) -> None:
    look = tiny_look(tmp_path)
    assert look.path is not None
    assert look.weights_path().stat().st_mode == look.path.stat().st_mode


def forged(folder: Path, metadata: dict[str, str], **tensors: torch.Tensor) -> Path:
    """The tiny weights with another header, or with some tensors replaced."""
    tiny_look(folder)
    kept = load_file(folder / "tiny.safetensors") | tensors
    save_file(kept, folder / "forged.safetensors", TINY.metadata() | metadata)
    return folder / "forged.safetensors"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("styles", "1000000000"),
        ("blocks", "1000000000"),
        ("blocks", "0"),
        ("width", "-8"),
        ("width", "9" * 5000),
        ("stem", "²"),
        ("decoder", "8"),
        ("decoder", "8,99999"),
    ],
)
def test_an_absurd_header_is_refused_before_a_network_is_made(
    key: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = forged(tmp_path, {key: value})
    monkeypatch.setattr(weights_file, "StyleNetwork", None)
    with pytest.raises(UnreadableFile, match=f"{key}: expected") as caught:
        load_weights(path)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_header_that_is_larger_than_its_file_allocates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {"width": "256", "stem": "256", "blocks": "32", "styles": "1024", "decoder": "256,256"}
    path = forged(tmp_path, large)
    monkeypatch.setattr(weights_file, "read_tensor", None)
    with pytest.raises(UnreadableFile, match="tensor"):
        load_weights(path)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (torch.full((8,), torch.nan), "NaN or infinity"),
        (torch.full((8,), torch.inf, dtype=torch.float16), "NaN or infinity"),
        (torch.zeros(9), "not \\[8\\]"),
        (torch.zeros(8, dtype=torch.int64), "is I64"),
    ],
)
def test_weights_that_no_network_can_have_are_refused(
    tensor: torch.Tensor, expected: str, tmp_path: Path
) -> None:
    path = forged(tmp_path, {}, **{"stages.0.convolution.bias": tensor})
    with pytest.raises(UnreadableFile, match=expected):
        load_weights(path)


def test_tensors_too_many_and_headers_too_few_are_refused(tmp_path: Path) -> None:
    path = forged(tmp_path, {}, more=torch.zeros(1))
    with pytest.raises(UnreadableFile, match="'more' is too many"):
        load_weights(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(UnreadableFile, match="its header says nothing of stem"):
        load_weights(path)


def test_a_tensor_is_never_larger_than_its_file(tmp_path: Path) -> None:
    side = 10**6
    tensor = {"dtype": "F32", "shape": [side, side], "data_offsets": [0, 4 * side * side]}
    path = tmp_path / "bomb.safetensors"
    for header, size in ((json.dumps({"a": tensor}).encode(), None), (b"{}", 2**62)):
        path.write_bytes(struct.pack("<Q", size or len(header)) + header)
        with pytest.raises(UnreadableFile):
            load_weights(path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_weights_load_whole_or_not_at_all(tmp_path: Path, data: st.DataObject) -> None:
    source = tmp_path / "tiny.safetensors"
    if not source.exists():
        tiny_look(tmp_path)
    content = bytearray(source.read_bytes())
    near = st.integers(0, len(content) - 1) | st.integers(0, 600)  # the header is in front
    for at in data.draw(st.lists(near, min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content)) | st.just(len(content))) :]
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    line = ""
    try:
        network = load_weights(path)
    except UnreadableFile as error:
        line = str(error)
    else:
        assert all(value.isfinite().all() for value in network.parameters())
    assert "\n" not in line


def test_weights_in_memory_do_not_hang_on_the_file(tmp_path: Path) -> None:
    tiny_look(tmp_path)
    path = tmp_path / "tiny.safetensors"
    kept = {name: value.float() for name, value in load_file(path).items()}
    save_file(kept, path, TINY.metadata())  # float32: nothing to convert
    network = load_weights(path)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with path.open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(b"\0" * 4096)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_loading_weights_leaves_randomness_alone(tmp_path: Path) -> None:
    tiny_look(tmp_path)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_weights(tmp_path / "tiny.safetensors")
    assert torch.equal(torch.rand(1), expected)

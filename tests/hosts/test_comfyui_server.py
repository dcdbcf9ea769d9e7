"""A real ComfyUI on the processor, with the pack under a hostile folder name.

Set STILLBRUSH_COMFYUI (and STILLBRUSH_COMFYUI_PYTHON); see CONTRIBUTING.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.comfyui import (
    HOSTILE,
    Graph,
    Server,
    api_defaults,
    api_graph,
    maker,
    node,
    running,
)
from support.comfyui_shot import LENGTH, STROKE, WIDTH, assert_same_pixels, files, stylize
from support.material import ROOT, SHARED, any_style
from support.rendering import assert_untouched, channels

from stillbrush.core.media.images import read_plate

pytestmark = [pytest.mark.comfy, pytest.mark.heavy]
EXAMPLES = sorted((ROOT / "example_workflows").glob("*.json"))
COLOURS = {"R", "G", "B"}


@pytest.fixture(scope="module")
def command_line(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same shot, look and settings from the command line."""
    folder = tmp_path_factory.mktemp("cli")
    stylize(plates, folder, "--stroke-size", str(STROKE))
    return folder


def chain(make, plates: Path, out: str) -> Graph:
    """Wire the chain node by node, from files to files."""
    return {
        "read": make("StillbrushRead", file=str(plates)),
        "look": make("StillbrushLoadLook"),
        "flow": make("StillbrushFlowEstimator", frame=["read", 0], plate=["read", 2]),
        "mask": make("StillbrushOcclusionMask", flow=["flow", 0]),
        "prior": make("StillbrushPriorWarper", flow=["flow", 0], mask=["mask", 0]),
        "paint": make(
            "StillbrushStylizer",
            frame=["read", 0],
            look=["look", 0],
            prior=["prior", 0],
            plate=["read", 2],
            stroke_size=STROKE,
        ),
        "write": make(
            "StillbrushWrite",
            images=["paint", 0],
            plate=["read", 2],
            file=f"{out}/plate.####.exr",
        ),
    }


def whole(make, plates: Path, out: str, **knobs: Any) -> Graph:
    """Paint with Stylize Shot, from files to files."""
    return {
        "read": make("StillbrushRead", file=str(plates)),
        "look": make("StillbrushLoadLook"),
        "paint": make(
            "StillbrushStylizeShot",
            images=["read", 0],
            look=["look", 0],
            plate=["read", 2],
            **({"stroke_size": STROKE} | knobs),
        ),
        "write": make(
            "StillbrushWrite",
            images=["paint", 0],
            plate=["read", 2],
            file=f"{out}/plate.####.exr",
        ),
    }


def stream(make, plates: Path, output: str, **knobs: Any) -> Graph:
    return {
        "look": make("StillbrushLoadLook"),
        "paint": make(
            "StillbrushStylizeShotStream",
            look=["look", 0],
            file=str(plates),
            output=output,
            **({"stroke_size": STROKE} | knobs),
        ),
    }


# --- it loads, and says what the declarations say ------------------------------------------------


def test_every_node_is_there_under_its_id_with_sockets_of_our_own(info) -> None:
    ours = {name: found for name, found in info.items() if name.startswith("Stillbrush")}
    assert len(ours) >= 15
    for name, found in ours.items():
        assert found["category"].startswith("Stillbrush/")
        assert found["description"], name
        assert "stillbrush" in found["search_aliases"]
        assert found["python_module"].endswith(HOSTILE)
        for section in ("required", "optional"):
            for field, spec in found["input"].get(section, {}).items():
                assert spec[1]["tooltip"], f"{name}.{field}"
        core = {"IMAGE", "MASK", "STRING", "FLOAT", "VIDEO"}
        assert {kind for kind in found["output"] if not kind.startswith("STILLBRUSH_")} <= core


def test_every_node_has_a_help_page_and_every_example_is_offered(server, info) -> None:
    for name in info:
        if name.startswith("Stillbrush"):
            page = server.text(f"/extensions/{HOSTILE}/docs/{name}.md")
            assert page.startswith("# ")
    offered = server.get("/workflow_templates")[HOSTILE]
    assert sorted(offered) == [path.stem for path in EXAMPLES]
    for path in EXAMPLES:
        assert path.with_suffix(".jpg").is_file(), "a thumbnail"


# --- promise 1: every door gives the same pixels -------------------------------------------------


def test_the_graph_node_by_node_gives_the_pixels_of_the_command_line(
    server, make, plates, command_line
) -> None:
    outcome = server.run(chain(make, plates, "chain"))
    assert outcome.status == "success", outcome.error
    assert_same_pixels(command_line, server.base / "output/chain")


def test_stylize_shot_gives_the_pixels_of_the_command_line(
    server, make, plates, command_line
) -> None:
    outcome = server.run(whole(make, plates, "whole"))
    assert outcome.status == "success", outcome.error
    assert_same_pixels(command_line, server.base / "output/whole")
    for plate, painted in zip(files(plates), files(server.base / "output/whole"), strict=True):
        assert_untouched(plate, painted, but={f"0:{c}" for c in "RGB"})


def test_the_stream_writes_the_very_files_of_the_command_line(
    server, make, plates, command_line
) -> None:
    outcome = server.run(stream(make, plates, "stream/plate.####.exr"))
    assert outcome.status == "success", outcome.error
    for a, b in zip(files(command_line), files(server.base / "output/stream"), strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize(
    "knobs",
    [
        {"normalise": "shot"},
        {"mix": 0.4, "strength": 0.7, "keep_colours": 0.5, "temporal": 0.6, "fill": "noise"},
    ],
    ids=["frozen statistics", "every dial"],
)
def test_knobs_mean_the_same_at_every_door(server, make, plates, tmp_path, knobs) -> None:
    options = [str(t) for k, v in knobs.items() for t in (f"--{k.replace('_', '-')}", v)]
    stylize(plates, tmp_path, "--stroke-size", str(STROKE), *options)
    name = "-".join(knobs)
    outcome = server.run(whole(make, plates, name, **knobs))
    assert outcome.status == "success", outcome.error
    assert_same_pixels(tmp_path, server.base / "output" / name)
    graph = chain(make, plates, f"{name}-chain")
    for id_ in ("prior", "paint"):
        own = graph[id_]["inputs"]
        own |= {k: v for k, v in knobs.items() if k in own}
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    assert_same_pixels(tmp_path, server.base / f"output/{name}-chain")


def test_a_real_clip_gives_the_same_pixels_too(server, make, tmp_path) -> None:
    clip = SHARED / "data/clips_dev/davis_car-shadow.mp4"
    if not clip.is_file():
        pytest.skip(f"no {clip}")
    stylize(clip, tmp_path, "--stroke-size", str(STROKE), "--frames", "1-6")
    for name, made in (("real", whole), ("real-chain", chain)):
        graph = made(make, clip, name)
        graph["read"]["inputs"]["frames"] = "1-6"
        outcome = server.run(graph)
        assert outcome.status == "success", outcome.error
        assert_same_pixels(tmp_path, server.base / "output" / name)


def test_chunks_that_hand_their_state_on_are_one_shot(server, make, plates) -> None:
    """A loop's body, run twice: the second half begins where the first one ended."""
    count = len(files(plates))
    half = count // 2
    frames = [int(path.stem.split(".")[-1]) for path in files(plates)]
    spans = {"a": frames[:half], "b": frames[half:]}
    graph: Graph = {"look": make("StillbrushLoadLook")}
    for id_, span in spans.items():
        part = chain(make, plates, f"chunks-{id_}")
        part.pop("look")
        text = f"{span[0]}-{span[-1]}"
        part["read"]["inputs"]["frames"] = text
        for name, box in part.items():
            links = {
                k: [v[0] if v[0] == "look" else id_ + v[0], v[1]]
                for k, v in box["inputs"].items()
                if isinstance(v, list)
            }
            graph[id_ + name] = node(box["class_type"], **(box["inputs"] | links))
    for name, slot in (("flow", 1), ("prior", 3), ("paint", 2)):
        graph["b" + name]["inputs"]["state"] = ["a" + name, slot]
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    server.run(chain(make, plates, "unchunked"))
    for span, id_ in ((spans["a"], "a"), (spans["b"], "b")):
        for number in span:
            name = f"plate.{number:04d}.exr"
            parts = channels(server.base / f"output/chunks-{id_}" / name)
            for channel, values in channels(server.base / "output/unchunked" / name).items():
                np.testing.assert_array_equal(parts[channel], values)


# --- the cache -----------------------------------------------------------------------------------


def test_what_did_not_change_is_not_run_again_and_a_touched_look_is(
    server, make, plates, tmp_path
) -> None:
    looks = server.base / "models/stillbrush"
    for path in (ROOT / "presets/starry-night.yaml", ROOT / "presets/painters.safetensors"):
        shutil.copy(path, looks)
    mine = looks / "touched.yaml"
    mine.write_text((looks / "starry-night.yaml").read_text().replace("starry-night", "touched"))
    graph = whole(make, plates, "cache")
    graph["look"]["inputs"]["name"] = "touched"
    graph["flow"] = make("StillbrushFlowEstimator", frame=["read", 0], plate=["read", 2])
    graph["mask"] = make("StillbrushOcclusionMask", flow=["flow", 0])
    graph["seen"] = node("PreviewImage", images=["viewed", 0])
    graph["viewed"] = make("StillbrushMaskViewer", mask=["mask", 0])
    graph["write"]["inputs"]["overwrite"] = True
    assert server.run(graph).status == "success"
    assert server.run(graph).cached == set(graph)
    later = time.time_ns() + 10**9
    os.utime(mine, ns=(later, later))
    assert server.run(graph).cached == set(graph) - {"look", "paint", "write"}
    assert server.run(graph).cached == set(graph)
    mine.unlink()
    server.run(graph)  # what does not need the look is shown all the same
    assert set(server.faults) == {"look"}
    assert "touched" in json.dumps(server.faults)


def test_a_look_that_is_put_there_is_offered_without_a_restart(server) -> None:
    looks = server.base / "models/stillbrush"
    text = (ROOT / "presets/starry-night.yaml").read_text()
    (looks / "fresh.yaml").write_text(text.replace("starry-night", "fresh"))
    shutil.copy(ROOT / "presets/painters.safetensors", looks)
    found = server.get("/object_info/StillbrushLoadLook")["StillbrushLoadLook"]
    assert "fresh" in found["input"]["required"]["name"][1]["options"]


# --- looks are saved where they belong, and nowhere else -----------------------------------------


def test_save_look_saves_the_knobs_of_the_graph_into_its_own_folder(server, make, plates) -> None:
    graph = whole(make, plates, "looks", mix=0.25, dilate=3)
    graph["write"]["inputs"]["overwrite"] = True
    graph["save"] = make("StillbrushSaveLook", look=["paint", 1], name="dusk", title="Dusk")
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    saved = (server.base / "models/stillbrush/dusk.yaml").read_text()
    assert "mix: 0.25" in saved
    assert "dilate: 3" in saved
    there = looks_below(server.base.parent)
    assert server.base / "models/stillbrush/dusk.yaml" in there
    for name in ("../../dusk", str(server.base.parent / "dusk"), "starry-night", "Dusk"):
        graph["save"]["inputs"]["name"] = name
        refused = server.run(graph)
        assert refused.status == "error"
        assert "look" in refused.error
        assert looks_below(server.base.parent) == there, f"{name} was written"


def looks_below(folder: Path) -> dict[Path, int]:
    """Return every file under a folder that may be a look, and when it was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.yaml")}


def test_any_style_is_painted_like_a_picture_wired_or_named(server, make, plates, tmp_path) -> None:
    look = any_style(server.base / "models/stillbrush")
    picture = np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)
    cv2.imwrite(str(server.base / "input/style.png"), picture)
    graph = whole(make, plates, "like")
    graph["look"]["inputs"]["name"] = look.name
    bare = server.run(graph)
    assert bare.status == "error"
    assert "style picture" in bare.error
    graph["picture"] = make("StillbrushStylePicture", look=["look", 0], file="style.png")
    graph["paint"]["inputs"]["look"] = ["picture", 0]
    named = server.run(graph)
    assert named.status == "success", named.error
    style = str(server.base / "input/style.png")
    stylize(plates, tmp_path, "--stroke-size", str(STROKE), "--look", str(look.path),
            "--style-image", style)  # fmt: skip
    assert_same_pixels(tmp_path, server.base / "output/like")
    graph["file"] = node("LoadImage", image="style.png")
    graph["picture"]["inputs"] |= {"picture": ["file", 0], "file": ""}
    graph["write"]["inputs"]["file"] = "wired/plate.####.exr"
    wired = server.run(graph)
    assert wired.status == "success", wired.error
    assert_same_pixels(tmp_path, server.base / "output/wired")


# --- bad input reads well ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        ("StillbrushRead", "file", "/no/such/plate.####.exr", "no"),
        ("StillbrushWrite", "file", "/etc/plate.####.exr", "inside ComfyUI's output folder"),
        ("StillbrushWrite", "file", "../../plate.####.exr", "inside ComfyUI's output folder"),
        ("StillbrushWrite", "file", "plate.####.py", "expected a name that ends in"),
        ("StillbrushStylizeShot", "mix", 7.0, "bigger than max"),
        ("StillbrushStylizeShot", "normalise", "often", "not in list"),
        ("StillbrushLoadLook", "name", "no-such-look", "there is no such look"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    server, make, plates, kind, field, value, expected
) -> None:
    graph = whole(make, plates, "never")
    box = next(box for box in graph.values() if box["class_type"] == kind)
    box["inputs"][field] = value
    refused = server.run(graph)
    assert refused.status == "refused"
    assert expected in json.dumps(refused.refused, ensure_ascii=False)
    assert not (server.base / "output/never").exists()


def test_errors_while_running_say_what_to_do(server, make, plates) -> None:
    graph = whole(make, plates, "twice")
    assert server.run(graph).status == "success"
    graph["paint"]["inputs"]["mix"] = 0.5
    outcome = server.run(graph)
    assert outcome.status == "error"
    error = outcome.message("execution_error")
    assert error["node_id"] == "write"
    assert "are there already" in error["exception_message"]
    assert "`overwrite` replaces them" in error["exception_message"]
    assert "--" not in error["exception_message"]
    assert error["exception_type"] in ("OSError", "builtins.OSError")
    sliced = whole(make, plates, "sliced")
    sliced["some"] = node("ImageFromBatch", image=["read", 0], batch_index=0, length=2)
    sliced["paint"]["inputs"]["images"] = ["some", 0]
    outcome = server.run(sliced)
    assert "expected 6 pictures" in outcome.error or "as the plate has" in outcome.error


LONG = "x" * 5000
HOSTILE_VALUES = [
    ("file", ""),
    ("file", "   "),
    ("file", "/no/such/plate.####.exr"),
    ("file", "empty"),
    ("file", "garbage.exr"),
    ("file", "cut.exr"),
    ("file", "plate\0.exr"),
    ("file", "two\nlines.####.exr"),
    ("file", LONG),
    ("file", f"{LONG}.mp4"),
    ("output", ""),
    ("output", "plate.exe"),
    ("output", "/etc/plate.####.exr"),
    ("output", "a/../../plate.####.exr"),
    ("output", "nul\0.####.exr"),
    ("output", f"{LONG}.####.exr"),
    ("output", f"{LONG}.mp4"),
    ("frames", "abc"),
    ("frames", "99999999999999999999"),
    ("frames", "1-2"),
    ("frames", "1001-999999999"),
    ("matte", "/no/such/matte.png"),
    ("matte", "garbage.exr"),
    ("vector_files", "garbage.exr"),
    ("vectors", "blender"),
    ("layer", "no such layer"),
    ("colour", "no such space"),
    ("proxy", 10**9),
    ("mix", float("1e300")),
    ("seed", -1),
]


@pytest.fixture(scope="module")
def litter(server: Server, plates: Path) -> None:
    """Files that are not what their names say, in ComfyUI's input folder."""
    folder = server.base / "input"
    (folder / "empty").mkdir(parents=True, exist_ok=True)
    (folder / "garbage.exr").write_bytes(b"not an EXR at all" * 50)
    (folder / "cut.exr").write_bytes(files(plates)[0].read_bytes()[:3000])


@pytest.mark.parametrize(
    ("field", "value"), HOSTILE_VALUES, ids=lambda v: ascii(v)[:24] if isinstance(v, str) else ""
)
@pytest.mark.usefixtures("litter")
def test_whatever_is_typed_gets_one_line_that_names_it(server, make, plates, field, value) -> None:
    graph = stream(make, plates, "hostile/plate.####.exr")
    graph["paint"]["inputs"][field] = value
    outcome = server.run(graph)
    assert outcome.status in ("refused", "error")
    if outcome.status == "refused":
        first = outcome.refused["node_errors"]["paint"]["errors"][0]
        said = f"{first['message']}: {first['details']}"
    else:
        said = outcome.error
        assert outcome.message("execution_error")["node_id"] == "paint"
    sys.stdout.write(f"{field}={ascii(value)[:40]}: {said.strip()}\n")
    assert 10 < len(said) < 700
    if field == "output":
        assert "output" in said
    assert "\n" not in said.strip()
    assert "--" not in said
    assert "Traceback" not in said
    assert not list((server.base / "output/hostile").glob("*.exr"))


def test_the_stream_takes_a_matte_and_rendered_vectors(server, make, plates, tmp_path) -> None:
    from PIL import Image

    matte = np.zeros((108, WIDTH), np.uint8)
    matte[:, : WIDTH // 2] = 255
    Image.fromarray(matte).save(tmp_path / "matte.png")
    options = ("--matte", str(tmp_path / "matte.png"), "--invert-matte", "--vectors", "auto")
    stylize(plates, tmp_path / "cli", "--stroke-size", str(STROKE), *options)
    beside = {"matte": str(tmp_path / "matte.png"), "invert_matte": True, "vectors": "auto"}
    outcome = server.run(stream(make, plates, "beside/plate.####.exr", **beside))
    assert outcome.status == "success", outcome.error
    out = server.base / "output/beside"
    for a, b in zip(files(tmp_path / "cli"), files(out), strict=True):
        assert a.read_bytes() == b.read_bytes()
    plate, painted = (channels(files(folder)[0])["0:R"] for folder in (plates, out))
    np.testing.assert_array_equal(painted[:, : WIDTH // 2], plate[:, : WIDTH // 2])
    assert np.abs(painted[:, WIDTH // 2 :] - plate[:, WIDTH // 2 :]).max() > 0.05


@pytest.mark.parametrize(
    ("named", "count"), [("####", 6), ("%04d", 6), ("[1001-1003]", 3)], ids=ascii
)
def test_exr_goes_round_unclipped_in_the_form_that_was_asked_for(
    server, make, plates, named, count
) -> None:
    import OpenImageIO as oiio  # noqa: N813

    folder = f"form-{count}{ascii(named)[1]}"
    written = {"depth": "float", "compression": "zips", "start_frame": 7, "colour": "scene-linear"}
    graph: Graph = {
        "read": make("StillbrushRead", file=f"{plates}/plate.{named}.exr"),
        "flow": make("StillbrushFlowEstimator", frame=["read", 0], plate=["read", 2]),
        "mask": make("StillbrushOcclusionMask", flow=["flow", 0]),
        "write": make(
            "StillbrushWrite",
            images=["read", 0],
            flow=["flow", 0],
            mask=["mask", 0],
            file=f"{folder}/out.####.exr",
            **written,
        ),
    }
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    made = files(server.base / "output" / folder)
    assert [path.name for path in made] == [f"out.{7 + n:04d}.exr" for n in range(count)]
    for path, plate in zip(made, files(plates), strict=False):
        inp = oiio.ImageInput.open(str(path))
        spec = inp.spec()
        assert (spec.format.basetype, spec.getattribute("compression")) == (oiio.FLOAT, "zips")
        assert {"stillbrush.backward.u", "stillbrush.mask.trust"} <= set(spec.channelnames)
        inp.close()
        own, source = read_plate(path, 7).rgb, read_plate(plate, 1001).rgb
        np.testing.assert_array_equal(own, source)
        assert source.max() > 1


# --- odd inputs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def picture(server: Server) -> str:
    """A PNG with alpha in ComfyUI's input folder."""
    from PIL import Image

    values = np.random.default_rng(3).integers(0, 255, (48, 80, 4), np.uint8)
    (server.base / "input").mkdir(exist_ok=True)
    Image.fromarray(values).save(server.base / "input/odd.png")
    Image.fromarray(values[..., :3]).save(server.base / "input/plain.png")
    return "odd.png"


def test_single_frames_default_masks_and_no_prior_are_all_right(server, make, picture) -> None:
    graph: Graph = {
        "load": node("LoadImage", image="plain.png"),  # gives a mask of zeros of 64 x 64
        "look": make("StillbrushLoadLook"),
        "paint": make(
            "StillbrushStylizeShot",
            images=["load", 0],
            look=["look", 0],
            matte=["load", 1],
            stroke_size=STROKE,
        ),
        "plain": make(
            "StillbrushStylizeShot",
            images=["load", 0],
            look=["look", 0],
            matte=["load", 1],
            stroke_size=STROKE,
            settle=0,
        ),
        "single": make(
            "StillbrushStylizer",
            frame=["load", 0],
            look=["look", 0],
            matte=["load", 1],
            stroke_size=STROKE,
        ),
        "one": make("StillbrushWrite", images=["paint", 0], file="odd/one.####.exr"),
        "two": make("StillbrushWrite", images=["single", 0], file="odd/two.####.exr"),
        "four": make("StillbrushWrite", images=["plain", 0], file="odd/four.####.exr"),
        "raw": make("StillbrushWrite", images=["load", 0], file="odd/raw.####.exr"),
        "flow": make("StillbrushFlowEstimator", frame=["load", 0]),
        "mask": make("StillbrushOcclusionMask", flow=["flow", 0]),
        "prior": make("StillbrushPriorWarper", flow=["flow", 0], mask=["mask", 0]),
        "carried": make(
            "StillbrushStylizer",
            frame=["load", 0],
            look=["look", 0],
            prior=["prior", 0],
            stroke_size=STROKE,
        ),
        "three": make("StillbrushWrite", images=["carried", 0], file="odd/three.####.exr"),
        "seen": make("StillbrushMaskViewer", mask=["mask", 0], frame=["load", 0]),
        "show": node("PreviewImage", images=["seen", 0]),
    }
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    out = server.base / "output/odd"
    one, two, three, four, raw = (
        read_plate(out / f"{name}.1001.exr", 1001).rgb
        for name in ("one", "two", "three", "four", "raw")
    )
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(two, four)  # with no prior there is nothing to settle for
    assert np.abs(one - raw).max() > 0.05, "the placeholder mask did not switch the paint off"


def test_alpha_of_four_channels_is_kept(server, make, picture) -> None:
    graph: Graph = {
        "load": node("LoadImage", image="odd.png"),
        "joined": node("JoinImageWithAlpha", image=["load", 0], alpha=["load", 1]),
        "look": make("StillbrushLoadLook"),
        "paint": make(
            "StillbrushStylizeShot", images=["joined", 0], look=["look", 0], stroke_size=STROKE
        ),
        "split": node("SplitImageWithAlpha", image=["paint", 0]),
        "write": make(
            "StillbrushWrite", images=["paint", 0], file="odd/alpha.####.exr", overwrite=True
        ),
        "show": node("PreviewImage", images=["split", 0]),
    }
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    plate = read_plate(server.base / "output/odd/alpha.1001.exr", 1001)
    from PIL import Image

    alpha = np.asarray(Image.open(server.base / "input/odd.png"))[..., 3] / 255.0
    np.testing.assert_allclose(plate.alpha, alpha, atol=1e-3)


# --- cancel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["batch", "stream"])
def test_cancel_stops_within_a_frame_and_the_stream_goes_on_where_it_was(
    server, make, plates, tmp_path, kind
) -> None:
    if kind == "batch":  # 240 frames: no machine is done before it is stopped
        graph = whole(make, plates, "cancelled", stroke_size=0.5)
        graph["many"] = node("RepeatImageBatch", image=["read", 0], amount=40)
        graph["paint"]["inputs"]["images"] = ["many", 0]
        for box in ("paint", "write"):
            del graph[box]["inputs"]["plate"]
    else:
        graph = stream(make, plates, "cancelled-stream/plate.####.exr", stroke_size=0.5)
    prompt = server.submit(graph)
    assert isinstance(prompt, str)
    out = server.base / "output/cancelled-stream"
    begun = time.perf_counter()
    while kind == "stream" and not files(out) and time.perf_counter() - begun < 60:
        time.sleep(0.1)
    if kind == "batch":
        time.sleep(4)
    asked = time.perf_counter()
    server.post("/interrupt", {})
    outcome = server.wait(prompt)
    waited = time.perf_counter() - asked
    assert outcome.message("execution_interrupted")["node_id"] == "paint"
    assert waited < 20, "one frame, on a slow machine"
    if kind == "stream":
        done = {path.name: path.stat().st_mtime_ns for path in files(out)}
        assert 0 < len(done) < LENGTH
        finished = server.run(graph)
        assert finished.status == "success", finished.error
        assert {p.name: p.stat().st_mtime_ns for p in files(out) if p.name in done} == done
        stylize(plates, tmp_path, "--stroke-size", "0.5")
        for a, b in zip(files(tmp_path), files(out), strict=True):
            assert a.read_bytes() == b.read_bytes()


# --- every example -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_as_it_is(server, info, path) -> None:
    outcome = server.run(api_graph(json.loads(path.read_text()), info), limit=900)
    assert outcome.status == "success", outcome.error or outcome.refused
    assert outcome.outputs


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_on_a_real_clip(server, info, path) -> None:
    clip = SHARED / "data/clips_dev/davis_car-shadow.mp4"
    if not clip.is_file():
        pytest.skip(f"no {clip}")
    shutil.rmtree(server.base / "output/stillbrush", ignore_errors=True)  # frames of other shots
    graph = api_graph(json.loads(path.read_text()), info)
    demo = next(id_ for id_, box in graph.items() if box["class_type"] == "StillbrushDemoShot")
    read = api_defaults(info, "StillbrushRead") | {"file": str(clip), "frames": "1-4"}
    graph[demo] = node("StillbrushRead", **read)
    for box in graph.values():
        for name, value in box["inputs"].items():
            if value == [demo, 4]:
                box["inputs"][name] = str(clip)
        given: dict[str, Any] = {"stroke_size": STROKE, "overwrite": True}
        if box["class_type"] == "StillbrushStylizeShotStream":
            given["frames"] = "1-4"
        box["inputs"] |= {k: v for k, v in given.items() if k in box["inputs"]}
    outcome = server.run(graph, limit=900)
    assert outcome.status == "success", outcome.error or outcome.refused


# --- memory --------------------------------------------------------------------------------------


def test_the_stream_needs_memory_for_a_few_frames(tmp_path_factory) -> None:
    """300 frames of 720p add less than 0.6 GB to a server that has painted nothing."""
    import OpenImageIO as oiio  # noqa: N813

    folder = tmp_path_factory.mktemp("long")
    y, x = np.mgrid[0:720, 0:1280].astype(np.float32)
    for number in range(1001, 1301):
        shift = float(number - 1001)
        rgb = np.stack([np.sin((x + shift * k) / 31) * np.cos(y / (23 + k)) for k in (1, 2, 3)], -1)
        picture = oiio.ImageBuf((rgb * 0.4 + 0.5).astype(np.float32))
        picture.write(str(folder / f"plate.{number}.exr"), oiio.HALF)
    with running(tmp_path_factory.mktemp("memory")) as server:
        make = maker(server.get("/object_info"))
        fast = {"stroke_size": 4.0, "quality": "fast"}
        before, highest = server.memory(), 0
        going = threading.Event()

        def watch() -> None:
            nonlocal highest
            while not going.wait(0.05):
                highest = max(highest, server.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        outcome = server.run(stream(make, folder, "long/plate.####.exr", **fast), limit=5400)
        going.set()
        watcher.join()
        assert outcome.status == "success", outcome.error
        added = (highest - before) / 2**30
        assert len(files(server.base / "output/long")) == 300
        assert added < 0.6, f"{added:.2f} GB"
        sys.stdout.write(f"the stream added {added:.2f} GB\n")
        left = (server.memory() - before) / 2**30
        sys.stdout.write(f"{left:.2f} GB are left of it\n")


# --- float16 intermediates -----------------------------------------------------------------------


def test_half_intermediates_are_taken(tmp_path_factory, make) -> None:
    from PIL import Image

    base = tmp_path_factory.mktemp("half")
    with running(base, "--fp16-intermediates") as server:
        values = np.random.default_rng(3).integers(0, 255, (48, 80, 3), np.uint8)
        Image.fromarray(values).save(base / "input/plain.png")
        graph: Graph = {
            "load": node("LoadImage", image="plain.png"),
            "look": make("StillbrushLoadLook"),
            "flow": make("StillbrushFlowEstimator", frame=["load", 0]),
            "paint": make(
                "StillbrushStylizeShot", images=["load", 0], look=["look", 0], stroke_size=STROKE
            ),
            "write": make("StillbrushWrite", images=["paint", 0], file="half.####.exr"),
            "seen": make("StillbrushFlowViewer", flow=["flow", 0]),
            "show": node("PreviewImage", images=["seen", 0]),
        }
        outcome = server.run(graph)
        assert outcome.status == "success", outcome.error

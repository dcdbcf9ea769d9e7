"""ComfyUI's nodes without ComfyUI: schemas over its recorded API, pages, archive, examples."""

from __future__ import annotations

import ast
import fnmatch
import json
import math
import os
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
import torch
from support import comfy_api_stub
from support.material import ROOT, tiny_look, tiny_shot

from stillbrush import nodes  # noqa: F401 - fills the registry
from stillbrush.core.errors import BadInput, WriteRefused
from stillbrush.core.look import Look, StylizerKind
from stillbrush.core.looks import find_look
from stillbrush.core.spec import REGISTRY

ADAPTER = ROOT / "host_adapters/comfyui"
PAGES = ROOT / "web/docs"
REFRESH = os.environ.get("STILLBRUSH_REFRESH_GOLDEN") == "1"
# Declared nodes that have no node of their own here; each with the reason.
COMP = "a comp's own tool on shots on disk; ComfyUI has nodes for pictures that do it"
NOT_HERE: dict[str, str] = dict.fromkeys(
    (
        "backdrop",
        "crop",
        "dot",
        "frame_hold",
        "frame_range",
        "grade",
        "merge",
        "reformat",
        "switch",
        "time_offset",
        "viewer",
    ),
    COMP,
)
STREAM = "StillbrushStylizeShotStream"  # made of three declarations


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with comfy_api_stub.installed(tmp_path_factory.mktemp("comfyui")) as module:
        yield module


@pytest.fixture(scope="module")
def schemas(extension: Any) -> dict[str, Any]:
    made = [node.define_schema() for node in extension.NODES]
    return {schema.node_id: schema for schema in made}


def id_of(node: str) -> str:
    return "Stillbrush" + node.title().replace("_", "")


def test_every_declared_node_is_there(schemas) -> None:
    assert set(schemas) - {STREAM} == {id_of(node) for node in set(REGISTRY) - set(NOT_HERE)}


def test_ids_are_literal_in_classes_of_their_own() -> None:
    """The Manager finds nodes by reading the source: a base called ComfyNode, an id in quotes."""
    found = []
    for path in ADAPTER.glob("*_node*.py"):
        for part in ast.walk(ast.parse(path.read_text())):
            if isinstance(part, ast.ClassDef) and any(
                ast.unparse(base) == "io.ComfyNode" for base in part.bases
            ):
                calls = [c for c in ast.walk(part) if isinstance(c, ast.Call)]
                schema = next(c for c in calls if ast.unparse(c.func) == "io.Schema")
                value = next(k.value for k in schema.keywords if k.arg == "node_id")
                assert isinstance(value, ast.Constant)
                found.append(value.value)
    assert len(found) == len(set(found)) >= 15
    assert all(name.startswith("Stillbrush") for name in found)


@pytest.mark.parametrize("node", sorted(set(REGISTRY) - set(NOT_HERE)))
def test_a_schema_says_what_the_declaration_says(schemas, node) -> None:
    spec, schema = REGISTRY[node], schemas[id_of(node)]
    assert schema.display_name == spec.label
    assert schema.description == spec.help
    assert schema.category.endswith(spec.category)
    shown = {field.id: field for field in schema.inputs}
    for knob in spec.knobs:
        if knob.name == "folder":
            continue
        widget = shown[knob.name]
        assert widget.tooltip.startswith(knob.knob.tip)
        assert bool(widget.advanced) == knob.knob.advanced
        if (node, knob.name) == ("load_look", "name"):
            continue
        assert widget.default == getattr(knob.default, "value", knob.default)
        if knob.choices:
            assert tuple(widget.options) == knob.choices
        elif knob.type in (int, float):
            assert (widget.min, widget.max) == (knob.knob.lo, knob.knob.hi)
            if knob.type is float:
                steps = knob.default / widget.step
                assert abs(steps - round(steps)) < 1e-6, "the host would round the default"
    for port in spec.inputs:
        if port.name in shown:
            assert shown[port.name].tooltip == port.tip
    for field in (*schema.inputs, *schema.outputs):
        assert field.tooltip.endswith("."), field.id
        assert field.io_type in {"IMAGE", "MASK", "INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"} or (
            field.io_type.startswith("STILLBRUSH_")
        )
    ids = [field.id for field in (*schema.inputs, *schema.outputs)]
    assert len(ids) == len(set(ids))


def test_no_seed_is_drawn_anew_for_every_run(schemas) -> None:
    seeds = [f for s in schemas.values() for f in s.inputs if f.id == "seed"]
    assert seeds
    assert all(field.control_after_generate is False for field in seeds)


def test_pages_are_those_of_the_schemas(schemas, extension) -> None:
    """Meant changes: STILLBRUSH_REFRESH_GOLDEN=1."""
    from stillbrush.host_adapters.comfyui.pages import page

    made = {f"{name}.md": page(schema) for name, schema in schemas.items()}
    if REFRESH:
        PAGES.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (PAGES / name).write_text(text, encoding="utf-8")
    found = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert found == made


def test_examples_use_nodes_and_widgets_that_there_are(schemas) -> None:
    examples = sorted((ROOT / "example_workflows").glob("*.json"))
    assert len(examples) >= 5
    for path in examples:
        workflow = json.loads(path.read_text())
        assert path.with_suffix(".jpg").is_file(), "a thumbnail"
        for box in workflow["nodes"]:
            if not box["type"].startswith("Stillbrush"):
                continue
            schema = schemas[box["type"]]
            widgets = [f for f in schema.inputs if f.io_type in
                       ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")]  # fmt: skip
            assert len(box["widgets_values"]) == len(widgets), (path.stem, box["type"])
            for socket in box["inputs"]:
                assert socket["name"] in {field.id for field in schema.inputs}


def archived() -> Iterator[Path]:
    """Yield the Python files that the registry's archive would hold."""
    ignored = [line.strip() for line in (ROOT / ".comfyignore").read_text().splitlines()]
    ignored = [line for line in ignored if line and not line.startswith("#")]
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith((".venv/", "build/", "dist/")):
            continue
        if not any(name.startswith(line) or fnmatch.fnmatch(name, line) for line in ignored):
            yield path


FORBIDDEN = re.compile(
    r"\bsubprocess\b|os\.system|os\.popen|os\.environ|os\.getenv|\burllib\b|\brequests\b"
    r"|import socket|(?<!\.)\beval\(|(?<!\.)\bexec\(|\b__import__\(|import pickle|http\.client"
)


def test_nothing_in_the_archive_starts_processes_reads_the_environment_or_calls_out() -> None:
    found = list(archived())
    assert any(path.parent == ADAPTER for path in found)
    assert not any("tests" in path.parts or "cli" in path.parts for path in found)
    wrong = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path in found
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert wrong == []


# --- behaviour that needs no server --------------------------------------------------------------


def run(extension: Any, name: str, **given: Any) -> tuple[Any, ...]:
    kind = next(node for node in extension.NODES if node.__name__ == name)
    widgets = {
        field.id: field.default for field in kind.define_schema().inputs if "default" in field.given
    }
    return kind.execute(**(widgets | given)).args


@pytest.fixture
def clip() -> torch.Tensor:
    return torch.rand(3, 64, 96, 3, generator=torch.Generator().manual_seed(5))


def test_a_style_picture_is_wired_or_named(extension, clip, tmp_path) -> None:
    look = Look("any", "Any", None, "CC0-1.0", StylizerKind.ADAIN)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    (once,) = run(extension, "StylePicture", look=look, picture=clip[:1])
    (both,) = run(extension, "StylePicture", look=once, file=str(tmp_path / "a.png"), share=0.5)
    assert [picture.share for picture in both.pictures] == [1.0, 0.5]
    assert both.pictures[1].file == "a.png"
    with pytest.raises(ValueError, match="expected a file or a picture"):
        run(extension, "StylePicture", look=look)


def write_window(path: Path, left: int, seed: int) -> None:
    """Write a premultiplied frame whose window is smaller than what it is shown in."""
    pixels = np.random.default_rng(seed).uniform(0, 1, (20, 24, 4)).astype(np.float32)
    spec = oiio.ImageSpec(24, 20, 4, oiio.FLOAT)
    spec.x, spec.y, spec.full_width, spec.full_height = left, 3, 40, 30
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    assert output.write_image(pixels)
    output.close()


def test_a_plate_s_alpha_and_windows_come_with_its_pictures(extension, tmp_path) -> None:
    for number in (1, 2):
        write_window(tmp_path / f"plate.{number:04d}.exr", 4 * number, number)
    images, _, plate, _ = run(extension, "Read", file=str(tmp_path / "plate.####.exr"))
    wanted = [plate.shot.read(number) for number in (1, 2)]
    for path in tmp_path.glob("*.exr"):
        path.unlink()  # no file is read again
    sockets = sys.modules["stillbrush.host_adapters.comfyui.sockets"]
    shot = sockets.shot_of(images, plate, "display")
    for number, placed in zip((1, 2), wanted, strict=True):
        found = shot.read(number)
        np.testing.assert_array_equal(found.rgb, placed.rgb)
        np.testing.assert_array_equal(found.alpha, placed.alpha)
        assert (found.inside, found.is_premultiplied) == (placed.inside, True)
    assert wanted[0].inside != wanted[1].inside


def test_straight_alpha_is_taken_from_its_file(extension, tmp_path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (20, 24, 4), np.uint8)
    cv2.imwrite(str(tmp_path / "plate.0001.png"), pixels)
    images, mask, plate, _ = run(extension, "Read", file=str(tmp_path / "plate.####.png"))
    sockets = sys.modules["stillbrush.host_adapters.comfyui.sockets"]
    found = sockets.shot_of(images, plate, "display").read(1)
    assert not found.is_premultiplied
    np.testing.assert_array_equal(found.alpha, mask[0].numpy())


def test_as_many_come_out_as_go_in_and_nothing_given_is_changed(extension, clip) -> None:
    for pictures in (clip, clip[:1], clip.half(), torch.cat((clip, clip[..., :1]), -1)):
        before = pictures.clone()
        flow, state = run(extension, "FlowEstimator", frame=pictures)
        (mask,) = run(extension, "OcclusionMask", flow=flow)
        prior, warped, trusted, _ = run(
            extension, "PriorWarper", flow=flow, mask=mask, previous=pictures
        )
        count = len(pictures)
        assert flow.backward.shape == flow.forward.shape == (count, 64, 96, 2)
        assert mask.shape == trusted.shape == (count, 64, 96)
        assert warped.shape == (count, 64, 96, 3)
        assert prior.flow.shape[0] == prior.mask.shape[0] == count
        assert not mask[0].any()
        assert isinstance(state, tuple)
        assert torch.equal(pictures, before)


def test_the_meter_gives_three_errors_together_and_says_what_it_cannot_judge(
    extension, clip
) -> None:
    world = torch.nn.functional.interpolate(clip[:1, :, :, :].movedim(-1, 1), scale_factor=8.0)
    clip = torch.cat([world[:, :, :64, 2 * n : 2 * n + 96].movedim(1, -1) for n in range(3)])
    painted = (clip.flip(-1) + 0.2 * torch.rand(clip.shape)).clamp(0, 1)
    image, temporal, style, content, sharpness, plot, report = run(
        extension,
        "FlickerMeter",
        source=clip,
        painted=painted,
        look=find_look("starry-night", ROOT),
    )
    assert image.shape == clip.shape
    assert min(temporal, style, content, sharpness) > 0
    assert all(f"{name} error " in report for name in ("temporal", "style", "content"))
    assert "not judged" not in report
    assert plot.ndim == 4
    lacking = run(extension, "FlickerMeter", source=clip, painted=painted)
    assert math.isnan(lacking[2])
    assert lacking[3] == content
    assert "style error not judged: no look is given" in lacking[-1]
    single = run(extension, "FlickerMeter", source=clip[:1], painted=painted[:1])
    assert math.isnan(single[1])
    assert "temporal error not judged: no frame goes on from another" in single[-1]


def test_a_look_is_followed_only_where_it_is_to_be(extension, clip, tmp_path) -> None:
    look = replace(tiny_look(tmp_path), knobs={"stylizer": {"strength": 0.25}})
    given = {"images": clip[:1], "look": look, "stroke_size": 4.0}
    followed, kept = run(extension, "StylizeShot", **given)
    plain, bare = run(extension, "StylizeShot", **given, follow_look=False)
    own = run(extension, "StylizeShot", **(given | {"look": replace(look, knobs={})}))[0]
    assert not torch.equal(followed, plain)
    assert torch.equal(plain, own)
    assert kept.knobs["stylizer"] == {"strength": 0.25, "stroke_size": 4.0}
    assert bare.knobs == {"stylizer": {"stroke_size": 4.0}}


def looping(extension: Any, clip: torch.Tensor, folder: Path) -> dict[str, dict[str, Any]]:
    """Return what every node that loops over frames is given."""
    look, output = tiny_look(folder / "look"), sys.modules["folder_paths"].get_output_directory()
    flow = run(extension, "FlowEstimator", frame=clip)[0]
    mask = torch.ones(clip.shape[:3])
    shot = tiny_shot(folder / "shot", len(clip), 64, 48)
    plate = run(extension, "Read", file=shot)[2]
    files = f"{output}/{folder.name}.####.exr"
    return {
        "DemoShot": {"length": len(clip), "width": 64},
        "Read": {"file": shot},
        "Write": {"images": clip, "file": files},
        "FlowEstimator": {"frame": clip},
        "VectorFlow": {"plate": plate},
        "OcclusionMask": {"flow": flow},
        "PriorWarper": {"flow": flow, "mask": mask, "previous": clip},
        "Stylizer": {"frame": clip, "look": look, "stroke_size": 4.0},
        "StylizeShot": {"images": clip, "look": look, "stroke_size": 4.0},
        "Stabilizer": {"painted": clip, "source": clip},
        "MultiPassBlender": {"images": clip, "look": look, "stroke_size": 4.0, "passes": 2},
        "FlowViewer": {"flow": flow},
        "MaskViewer": {"mask": mask, "frame": clip},
        "PlateViewer": {"frame": clip},
        "FlickerMeter": {"source": clip, "painted": clip},
    }


def test_every_node_that_loops_shows_how_it_goes_and_stops_within_a_frame(
    extension, clip, tmp_path, monkeypatch
) -> None:
    given = looping(extension, clip, tmp_path)
    progress = sys.modules["stillbrush.host_adapters.comfyui.progress"]
    monkeypatch.setattr(progress, "EVERY", 0.0)
    shown: list[tuple[int, bool]] = []

    def bar(total: int) -> Any:
        return types.SimpleNamespace(
            update_absolute=lambda done, total, preview: shown.append((done, preview is not None))
        )

    class Pressed(BaseException):
        """Cancel, as ComfyUI raises it."""

    def pressed() -> None:
        if len(shown) == 1:
            raise Pressed

    for name, inputs in given.items():
        shown.clear()
        with monkeypatch.context() as patch:
            patch.setattr(sys.modules["comfy.utils"], "ProgressBar", bar)
            run(extension, name, **(inputs | {"overwrite": True} if name == "Write" else inputs))
            turns = [(done, False) for done in range(1, 1 + 3 * inputs.get("passes", 0))]
            assert shown == [*turns, (1, True), (2, True), (3, True)], name
            shown.clear()
            mm = sys.modules["comfy.model_management"]
            patch.setattr(mm, "throw_exception_if_processing_interrupted", pressed)
            with pytest.raises(Pressed):
                run(
                    extension, name, **(inputs | {"overwrite": True} if name == "Write" else inputs)
                )
            assert len(shown) == 1, name
    loops = {node.__name__ for node in extension.NODES}
    assert loops - set(given) == {
        "StylizeShotStream",
        "LoadLook",
        "SaveLook",
        "StylePicture",
    }


def test_state_on_a_wire_goes_on_where_it_was(extension, clip) -> None:
    whole = run(extension, "FlowEstimator", frame=clip)[0]
    _, state = run(extension, "FlowEstimator", frame=clip[:2])
    rest = run(extension, "FlowEstimator", frame=clip[2:], state=state)[0]
    assert torch.equal(rest.backward, whole.backward[2:])
    assert torch.equal(rest.forward, whole.forward[2:])
    with pytest.raises(ValueError, match="expected one of prior_warper; got one of flow_estimator"):
        run(
            extension,
            "PriorWarper",
            flow=whole,
            mask=torch.ones(3, 64, 96),
            state=state,
        )


def test_of_a_painted_clip_the_frame_before_is_carried(extension, clip) -> None:
    flow = run(extension, "FlowEstimator", frame=clip)[0]
    still = type(flow)(torch.zeros_like(flow.backward), torch.zeros_like(flow.forward))
    ones = torch.ones(3, 64, 96)
    warped = run(extension, "PriorWarper", flow=still, mask=ones, previous=clip)[1]
    assert torch.equal(warped[1:], clip[:2])
    single = run(extension, "PriorWarper", flow=still, mask=ones, previous=clip[:1])[1]
    assert torch.equal(single, clip[:1].expand(3, -1, -1, -1))


def test_an_empty_batch_and_too_few_frames_are_refused_in_words(extension, clip) -> None:
    with pytest.raises(ValueError, match="got an empty batch"):
        run(extension, "FlowEstimator", frame=clip[:0])
    flow = run(extension, "FlowEstimator", frame=clip)[0]
    with pytest.raises(ValueError, match="expected 1 mask or 3; got 2"):
        run(extension, "PriorWarper", flow=flow, mask=torch.ones(2, 64, 96))


@pytest.mark.parametrize(
    ("node", "socket", "value", "said"),
    [
        ("FlowEstimator", "frame", None, "frame: expected IMAGE; got nothing"),
        ("FlowEstimator", "frame", ["a"], "frame: expected IMAGE; got a list"),
        ("FlowEstimator", "state", "a", "state: expected STILLBRUSH_STATE; got a str"),
        (
            "OcclusionMask",
            "flow",
            torch.zeros(1, 8, 8, 2),
            "flow: expected STILLBRUSH_FLOW",
        ),
        ("StylizeShot", "look", None, "look: expected STILLBRUSH_LOOK; got nothing"),
        ("MaskViewer", "mask", torch.zeros(0, 8, 8), "mask: expected masks"),
        ("MaskViewer", "mask", torch.zeros(3, 0, 8), "mask: expected masks"),
    ],
)
def test_what_other_packs_hand_over_is_refused_by_the_name_of_its_socket(
    extension, clip, node, socket, value, said
) -> None:
    given = {"images": clip} if node == "StylizeShot" else {}
    given |= {"frame": clip} if node == "FlowEstimator" else {}
    with pytest.raises(ValueError, match=said):
        run(extension, node, **(given | {socket: value}))


def test_advice_names_the_knobs_of_the_node_alone(extension, clip, tmp_path) -> None:
    """The channels of vectors have no knob in Vector Flow; what Write is told of, it has."""
    oiio.ImageBuf(clip[0].numpy()).write(str(tmp_path / "plain.0001.exr"), oiio.HALF)
    plate = run(extension, "Read", file=str(tmp_path / "plain.####.exr"))[2]
    with pytest.raises(ValueError, match=r"expected motion layers .*; got R, G, B\.$"):
        run(extension, "VectorFlow", plate=plate)
    file = "advice/twice.####.exr"
    run(extension, "Write", images=clip, file=file)
    with pytest.raises(OSError, match="`overwrite` replaces them"):
        run(extension, "Write", images=clip, file=file)


def test_what_is_no_number_in_a_mask_counts_as_zero(extension) -> None:
    mask = torch.rand(2, 20, 30)
    blank = mask.clone()
    mask[1, 4:8], blank[1, 4:8] = float("nan"), 0.0
    viewed = [run(extension, "MaskViewer", mask=given)[0] for given in (mask, blank)]
    assert torch.equal(*viewed)


def test_writing_is_allowed_in_its_place_only(extension, tmp_path) -> None:
    folders = sys.modules["stillbrush.host_adapters.comfyui.folders"]
    output = sys.modules["folder_paths"].get_output_directory()
    assert folders.target("a/b.####.exr") == os.path.join(output, "a/b.####.exr")
    for wrong in ("/etc/x.exr", "../x.exr", "a/../../x.exr", f"{output}/../x.exr"):
        with pytest.raises(WriteRefused, match="inside ComfyUI's output folder"):
            folders.target(wrong)
    with pytest.raises(BadInput, match="got nothing"):
        folders.target(" ")
    allowed = folders.looks_folder() / "folders.txt"
    allowed.parent.mkdir(parents=True, exist_ok=True)
    allowed.write_text(f"{tmp_path}\nrelative/is/ignored\n")
    assert folders.target(f"{tmp_path}/x.####.exr") == f"{tmp_path}/x.####.exr"
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(WriteRefused):
        folders.target(f"{tmp_path}/link/x.####.exr")
    allowed.unlink()


def test_out_of_memory_paints_on_in_lower_bands(extension, clip, tmp_path, monkeypatch) -> None:
    """A GPU that is full: bands are halved until it fits; below 8 rows the error stands."""
    devices = sys.modules["stillbrush.host_adapters.comfyui.devices"]
    mm = sys.modules["comfy.model_management"]
    freed: list[int] = []

    def raise_non_oom(error: Exception) -> None:
        if not isinstance(error, MemoryError):
            raise error

    monkeypatch.setattr(mm, "raise_non_oom", raise_non_oom, raising=False)
    monkeypatch.setattr(mm, "soft_empty_cache", lambda: freed.append(1), raising=False)
    look = tiny_look(tmp_path)
    plain = run(extension, "StylizeShot", images=clip, look=look, stroke_size=4.0)[0]
    patient = devices.patient
    rows: list[int] = []

    def full(painting: Any, fits: int) -> Any:
        inner = painting.step

        def step(x: Any, state: Any) -> Any:
            rows.append(painting.painter.bands.height(painting.size[1]))
            if rows[-1] > fits:
                raise MemoryError("full")
            return inner(x, state)

        painting.step = step
        return patient(painting)

    paint = sys.modules["stillbrush.host_adapters.comfyui.paint_nodes"]
    monkeypatch.setattr(paint.devices, "patient", lambda painting: full(painting, 16))
    narrow = run(extension, "StylizeShot", images=clip, look=look, stroke_size=4.0)[0]
    assert rows[-1] <= 16 < rows[0]
    assert freed
    torch.testing.assert_close(narrow, plain, atol=1e-4, rtol=0)
    monkeypatch.setattr(paint.devices, "patient", lambda painting: full(painting, 0))
    with pytest.raises(MemoryError):
        run(extension, "StylizeShot", images=clip, look=look, stroke_size=4.0)


@pytest.mark.usefixtures("extension")
def test_the_allocator_is_as_it_was_after_a_render_that_failed(monkeypatch) -> None:
    devices = sys.modules["stillbrush.host_adapters.comfyui.devices"]
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(devices, "allocator", lambda name: lambda *to: calls.append((name, *to)))

    def fail() -> None:
        with devices.returning():
            assert ("mallopt", devices.MMAP_THRESHOLD, devices.LARGE) in calls
            calls.clear()
            raise MemoryError

    with pytest.raises(MemoryError):
        fail()
    assert ("mallopt", devices.MMAP_THRESHOLD, devices.AS_GROWN) in calls
    assert calls[-1] == ("malloc_trim", 0)

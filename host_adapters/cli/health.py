"""Which libraries there are, for `stillbrush doctor`; every check imports what it needs itself."""

from __future__ import annotations

import enum
import importlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REPAIR = "pip install --force-reinstall {}"
OPENCV_REMEDY = (
    "apt install libgl1 libglib2.0-0, or pip install opencv-python-headless in place of "
    "opencv-python"
)


class State(enum.Enum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"  # stylize works all the same
    PROBLEM = "problem"  # it does not


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    text: str
    state: State = State.OK
    remedy: str = ""


def first_line(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def library(
    module: str, package: str, tell: Callable[[Any], str], remedy: str | None = None
) -> Finding:
    """Import a library and say its version."""
    try:
        return Finding(package, tell(importlib.import_module(module)))
    except ModuleNotFoundError as error:
        return Finding(package, first_line(error), State.PROBLEM, f"pip install {package}")
    except (ImportError, OSError, AttributeError) as error:
        what = f"cannot be imported: {first_line(error)}"
        lacks = remedy if ".so" in what else None  # a library of the system
        return Finding(package, what, State.PROBLEM, lacks or REPAIR.format(package))


def tell_torch(torch: Any) -> str:
    """Say version and threads."""
    return f"{torch.__version__}, {torch.get_num_threads()} threads"


def opencv() -> Finding:
    """Import OpenCV, which most often lacks a library of the system."""
    found = library("cv2", "opencv-python", lambda cv2: str(cv2.__version__), OPENCV_REMEDY)
    if found.state is State.OK and not hasattr(importlib.import_module("cv2"), "DISOpticalFlow"):
        text = f"{found.text}, without DIS optical flow"
        return Finding("", text, State.PROBLEM, 'pip install "opencv-python-headless>=4.9"')
    return found


def tell_image_io(oiio: Any) -> str:
    """Say the versions of OpenImageIO and of its EXR reader."""
    formats = dict(
        part.partition(":")[::2] for part in oiio.get_string_attribute("library_list").split(";")
    )
    return f"{oiio.__version__}, {formats.get('openexr', 'no OpenEXR')}"


def others() -> Finding:
    """Import the smaller libraries."""
    small = {"numpy": "numpy", "yaml": "pyyaml", "safetensors": "safetensors", "PIL": "pillow",
             "fileseq": "fileseq", "platformdirs": "platformdirs"}  # fmt: skip
    texts = []
    for module, package in small.items():
        found = library(module, package, lambda it: str(getattr(it, "__version__", "")))
        if found.state is not State.OK:
            return Finding("", f"{package}: {found.text}", found.state, found.remedy)
        texts.append(f"{package} {found.text}".strip())
    return Finding("", ", ".join(texts))


def device() -> Finding:
    """Say where frames are painted."""
    import torch

    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
        named = ", ".join(f"{card.name} {card.total_memory / 2**30:.0f} GiB" for card in cards)
        return Finding("", f"CUDA {torch.version.cuda}: {named}")
    if torch.backends.mps.is_available():
        return Finding("", "Apple GPU (mps)")
    if torch.version.cuda:
        remedy = "if there is an NVIDIA GPU, renew its driver"
        return Finding("", f"processor; CUDA {torch.version.cuda} finds no GPU", State.NOTE, remedy)
    return Finding("", "processor; this torch knows no GPU")


def bfloat16() -> Finding:
    """Say whether `--precision bfloat16` is worth a try on the processor."""
    import torch

    knows = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)()
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    is_fast = any(getattr(torch.cpu, name, lambda: False)() for name in asked)
    is_fast = is_fast or (knows and platform.machine().lower() in ("arm64", "aarch64"))
    kind = torch.backends.cpu.get_cpu_capability()
    return Finding("", f"{'yes' if is_fast else 'no, keep --precision float32'} ({kind})")


def video() -> Finding:
    """Ask PyAV for the codecs that a .mp4 and a .mov are written with."""
    found = library("av", "av", lambda av: str(av.__version__))
    if found.state is not State.OK:
        return found
    from av.codec import Codec

    missing = []
    for name, suffix in (("libx264", ".mp4"), ("prores_ks", ".mov")):
        try:
            Codec(name, "w")
        except ValueError:
            missing.append(f"no {name}, so no {suffix}")
    if missing:
        remedy = "pip install --force-reinstall av, whose own FFmpeg has both"
        return Finding("", f"{found.text}, {'; '.join(missing)}", State.NOTE, remedy)
    return Finding("", f"{found.text}, writes libx264 and prores_ks")

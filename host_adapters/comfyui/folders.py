"""Where things lie: looks, what is read, and where writing is allowed."""

# pyright: reportMissingImports=false

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import folder_paths

from ...core.errors import BadInput, WriteRefused
from ...core.looks import list_looks

KIND = "stillbrush"
LONGEST = 255  # bytes of a name that file systems hold
ALLOWED = "folders.txt"  # in the folder of looks: further folders to write to, one a line


def register_folders() -> None:
    """Make `models/stillbrush` and tell ComfyUI of it, beside what its settings name."""
    default = Path(folder_paths.models_dir) / KIND
    default.mkdir(parents=True, exist_ok=True)
    folder_paths.add_model_folder_path(KIND, str(default), is_default=True)
    paths, suffixes = folder_paths.folder_names_and_paths[KIND]
    folder_paths.folder_names_and_paths[KIND] = (paths, {*suffixes, ".yaml", ".safetensors"})


def looks_folder() -> Path:
    """Return the folder of the user's own looks."""
    known = folder_paths.folder_names_and_paths.get(KIND)
    return Path(known[0][0]) if known else Path(folder_paths.models_dir) / KIND


def look_names() -> list[str]:
    """Return the looks that can be chosen: those that ship, then the user's own."""
    return list(dict.fromkeys(path.stem for path in list_looks(looks_folder())))


def source(text: str) -> str:
    """Return what is to be read: a whole path, or one inside ComfyUI's input folder.

    `name [output]` lies in the output folder, as everywhere in ComfyUI.
    """
    if not text.strip():
        raise BadInput("file: expected a sequence, a folder, a still or a video; got nothing.")
    name, folder = folder_paths.annotated_filepath(text.strip())
    return os.path.join(folder or folder_paths.get_input_directory(), name)


def target(text: str, widget: str = "file") -> str:
    """Return what is to be written: a path inside ComfyUI's output folder, or where it is allowed.

    Args:
        text: as it was typed.
        widget: where.

    Raises:
        BadInput: nothing was named.
        WriteRefused: the path leads elsewhere.
    """
    if not text.strip():
        raise BadInput(f"{widget}: expected a name such as painted/plate.####.exr; got nothing.")
    if "\0" in text:
        raise BadInput(f"{widget}: expected a name; got one with a null character: {text!r}.")
    longest = max(len(os.fsencode(part)) for part in Path(text).parts)
    if longest > LONGEST:
        raise BadInput(f"{widget}: expected names of {LONGEST} bytes or less; got {longest}.")
    path = os.path.join(folder_paths.get_output_directory(), text.strip())
    if any(is_inside(path, folder) for folder in writable()):
        return path
    raise WriteRefused(
        f"{widget} {text}: expected a path inside ComfyUI's output folder, "
        f"{folder_paths.get_output_directory()}. To allow others, name them in "
        f"{looks_folder() / ALLOWED}, one a line."
    )


def writable() -> Iterable[str]:
    """Yield the folders that may be written to."""
    yield folder_paths.get_output_directory()
    yield folder_paths.get_temp_directory()
    listed = looks_folder() / ALLOWED
    if listed.is_file():
        for line in listed.read_text(encoding="utf-8").splitlines():
            if line.strip() and os.path.isabs(line.strip()):
                yield line.strip()


def is_inside(path: str, folder: str) -> bool:
    """Say whether a path lies in a folder once every link and `..` is resolved."""
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([real, root]) == root if same_drive(real, root) else False


def same_drive(one: str, other: str) -> bool:
    """Say whether two paths can have anything in common."""
    return os.path.splitdrive(one)[0].lower() == os.path.splitdrive(other)[0].lower()


def stamp(paths: Iterable[Path]) -> str:
    """Return names, sizes and times of files: another text where one of them was touched."""
    facts = []
    for path in paths:
        found = path.stat()
        facts.append(f"{path} {found.st_size} {found.st_mtime_ns}")
    return "\n".join(facts)

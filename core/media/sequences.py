"""Where the frames of a shot lie: patterns, folders, single pictures, and frame ranges as text.

`#` means what it means in Nuke: one `#` is one digit (fileseq's `PAD_STYLE_HASH1`; its default
would read `####` as sixteen). `%04d`, `@@@@`, `$F4`, `<F4>` and `[1001-1100]` are brought to the
same form; fileseq itself takes the last two for literal text without a word.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import fileseq

from ..errors import BadInput, MissingFrame

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".m4v", ".avi", ".webm"})
PICTURE_SUFFIXES = frozenset(
    {".exr", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx"}
    | {".cin", ".tga", ".hdr", ".bmp", ".webp", ".jp2"}
)
MAX_FRAMES = 1_000_000  # eleven hours of film at 24 fps; a typing error otherwise fills the memory
MAX_DIGITS = 9  # longer numbers in a file name are dates and serial numbers

_CHUNK = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9})(?:x([1-9]\d{0,8}))?)?", re.ASCII)
_TOKEN = re.compile(r"#+|@+|%(?:0\d+)?d|\$F\d*|<F\d*>|\[-?\d[-\d,x]*\]", re.ASCII)
# The last number of a stem, at its end or before a separator (`plate.1001.left`); `v012` after a
# separator is a version, never a frame.
_NUMBER = re.compile(r"(?:(?<=[._ ])-)?(?<!\d)\d{1,9}(?=(?:[._ -]\D*)?$)", re.ASCII)
_VERSION = re.compile(r"(?:^|[^A-Za-z])[vV]$")


def parse_frames(text: str, what: str = "frames") -> tuple[int, ...]:
    """Read a frame range such as `1001-1100`, `1005,1010-1012` or `1001-1100x2`.

    Returns:
        The frames, sorted, each once. Negative frames are allowed (`-5--1`).

    Raises:
        BadInput: The text is not a frame range, is empty, or names more than a million frames.
    """
    chunks = [chunk.strip() for chunk in text.split(",")]
    total = 0
    for chunk in chunks:
        match = _CHUNK.fullmatch(chunk)
        if match is None:
            raise BadInput(
                f"{what}: expected a range such as 1001-1100, 1005,1010-1012 or 1001-1100x2; "
                f"got {text[:80]!r}"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        total += abs(last - first) // int(match[3] or 1) + 1
    if total > MAX_FRAMES:
        raise BadInput(f"{what}: expected at most {MAX_FRAMES}; got {total} in {text[:80]!r}")
    frames: set[int] = set()
    for chunk in chunks:
        frames.update(int(frame) for frame in fileseq.FrameSet(chunk))
    return tuple(sorted(frames))


def format_frames(frames: Iterable[int]) -> str:
    """Write frames as the shortest text that `parse_frames` reads back: `1005,1010-1012`."""
    ordered = sorted(set(frames))
    return fileseq.FrameSet(ordered).frange if ordered else ""


def is_video(path: str | Path) -> bool:
    """Say whether the name ends like a video: mp4, mov, mkv, m4v, avi or webm."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


@dataclass(frozen=True)
class Sequence:
    """The files of one shot.

    Attributes:
        template: Path with `####` where the frame number goes; the plain path of a still.
        frames: Sorted frame numbers: found on disk, or, for an output, to be written.
        wanted: Frames that the pattern itself named (`[1001-1100]`); empty if it named none.
        is_literal: The template is one file name, in which `#` means nothing.
    """

    template: str
    frames: tuple[int, ...]
    wanted: tuple[int, ...] = ()
    is_literal: bool = False

    def path(self, frame: int) -> Path:
        """Give the path of a frame, on disk or not. A still gives its one path for every frame."""
        folder, name = os.path.split(self.template)
        if not self.is_literal:
            name = re.sub("#+", lambda hashes: str(frame).zfill(len(hashes[0])), name, count=1)
        return Path(folder) / name

    def missing(self) -> tuple[int, ...]:
        """List the frames that should be there and are not: gaps, or what `wanted` lacks."""
        here = set(self.frames)
        if not here:
            return self.wanted
        expected = self.wanted or range(self.frames[0], self.frames[-1] + 1)
        return tuple(frame for frame in expected if frame not in here)


@dataclass(frozen=True)
class _Pattern:
    """A file name with its frame token as `#`; `width` 0 means that it has none."""

    name: str
    width: int = 0
    wanted: tuple[int, ...] = ()


def find_sequence(text: str | Path) -> Sequence:
    """Find the frames that a pattern, a folder or one file name means.

    Padding is strict, as in Nuke: `plate.####.exr` never picks up `plate.01001.exr`. A file that
    exists under the very name given is that one picture, whatever its name looks like.

    Raises:
        MissingFrame: Nothing on disk matches; the message names what is near.
        BadInput: The text is no path, holds several frame tokens, or is a folder that holds no
            picture sequence or more than one.
    """
    path = _checked(text)
    if path.is_dir():
        return _only_sequence(path)
    if path.exists():
        number = _number(path.stem)
        frame = int(number[0]) if number else 1
        return Sequence(str(path), (frame,), is_literal=True)
    pattern = _parse(path)
    if not pattern.width:
        raise MissingFrame(f"{path}: no such file{_nearest(path)}")
    frames = _frames_on_disk(path.parent, pattern)
    if pattern.wanted:
        frames = tuple(sorted(set(frames) & set(pattern.wanted)))
    if not frames:
        raise MissingFrame(f"{path}: no frame on disk matches{_nearest(path)}")
    return Sequence(str(path.parent / pattern.name), frames, pattern.wanted)


def output_sequence(
    text: str | Path, frames: Iterable[int], default_name: str | None = None
) -> Sequence:
    """Say where frames are to be written. Nothing is created or looked up but the folder itself.

    Args:
        text: A pattern (`out/plate.####.exr`), a file name for one frame, or a folder (existing, or
            with a slash at the end), which takes `default_name`: the plate's own file name.
        frames: The frames to be written, as numbered on disk.

    Raises:
        BadInput: No frame token for several frames, several tokens, or a folder and no name.
    """
    path = _checked(text)
    wanted = tuple(sorted(set(frames)))
    if str(text).endswith(("/", os.sep)) or path.is_dir():
        if not default_name:
            raise BadInput(f"{text}: expected a file name for the output; got a folder. Add one")
        path = path / Path(default_name).name
    # An existing name is taken as it is (`plate [1-2].exr`), as in find_sequence.
    pattern = _Pattern(path.name) if path.is_file() else _parse(path)
    if not pattern.width and len(wanted) > 1:
        raise BadInput(
            f"{path}: expected a frame number in the output name, as {len(wanted)} frames would "
            f"share one file; add #### (for example {path.stem}.####{path.suffix})"
        )
    template = str(path.parent / pattern.name)
    return Sequence(template, wanted, is_literal=not pattern.width)


def _checked(text: str | Path) -> Path:
    raw = str(text)
    if not raw.strip():
        raise BadInput("path: expected a file, a folder or a pattern (plate.####.exr); got nothing")
    try:
        raw.encode("utf-8")  # OpenImageIO takes no other names
        os.stat(raw)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except UnicodeError:
        raise BadInput(f"{raw[:120]!r}: expected a path that is valid UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{raw[:120]!r}: not a usable path ({reason})") from None
    return Path(raw)


def _parse(path: Path) -> _Pattern:
    """Bring the frame token of a file name to `####`; names without one pass unchanged."""
    tokens = list(_TOKEN.finditer(path.name))
    if not tokens:
        return _Pattern(path.name)
    if len(tokens) > 1:
        found = " and ".join(token[0] for token in tokens)
        raise BadInput(f"{path}: expected one frame token in the file name; got {found}")
    token, wanted = tokens[0], ()
    if token[0].startswith("["):
        inside = token[0][1:-1]
        wanted = parse_frames(inside)
        width = len(re.split(r"(?<=\d)[-,]", inside, maxsplit=1)[0])
    else:
        width = fileseq.getPaddingNum(
            re.sub(r"<(F\d*)>", r"$\1", token[0]), pad_style=fileseq.PAD_STYLE_HASH1
        )
    if width > MAX_DIGITS:
        raise BadInput(f"{path}: expected at most {MAX_DIGITS} digits per frame; got {width}")
    width = max(width, 1)
    name = path.name[: token.start()] + "#" * width + path.name[token.end() :]
    return _Pattern(name, width, wanted)


def _frames_on_disk(folder: Path, pattern: _Pattern) -> tuple[int, ...]:
    """List the frames whose file name is exactly the padded pattern."""
    head, tail = pattern.name.split("#" * pattern.width, 1)
    number = re.compile(re.escape(head) + r"(-?\d{1,9})" + re.escape(tail), re.ASCII)
    found = (number.fullmatch(name) for name in _names(folder))
    return tuple(
        sorted(int(match[1]) for match in found if match and _fits(match[1], pattern.width))
    )


def _names(folder: Path) -> list[str]:
    """List the visible names in a folder; one that cannot be listed has none."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []


def _number(stem: str) -> re.Match[str] | None:
    """Find the frame number in a file name without extension."""
    match = _NUMBER.search(stem)
    if match is None or _VERSION.search(stem[: match.start()]):
        return None
    return match if _fits(match[0], len(match[0])) else None


def _fits(number: str, width: int) -> bool:
    return number == str(int(number)).zfill(width)


def _sequences_in(folder: Path) -> list[Sequence]:
    """Group the pictures of a folder into sequences by name and padding; stills come singly."""
    groups: dict[tuple[str, str], list[str]] = {}
    found: list[Sequence] = []
    for name in _names(folder):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in PICTURE_SUFFIXES or (folder / name).is_dir():
            continue
        match = _number(stem)
        if match is None:
            found.append(Sequence(str(folder / name), (1,), is_literal=True))
            continue
        groups.setdefault((name[: match.start()], name[match.end() :]), []).append(match[0])
    for (head, tail), numbers in groups.items():
        for width, frames in _by_padding(numbers).items():
            template = str(folder / f"{head}{'#' * width}{tail}")
            found.append(Sequence(template, tuple(sorted(frames))))
    return found


def _by_padding(numbers: list[str]) -> dict[int, list[int]]:
    """Sort written numbers by padding: a leading zero shows it, `1001` joins the widest."""
    shown = {len(n) for n in numbers if n.startswith(("0", "-0")) and len(n) > 1}
    free = [len(n) for n in numbers if not any(_fits(n, width) for width in shown)]
    widths = sorted(shown | ({min(free)} if free else set()), reverse=True)
    groups: dict[int, list[int]] = {}
    for n in numbers:
        width = next(width for width in widths if _fits(n, width))
        groups.setdefault(width, []).append(int(n))
    return groups


def _only_sequence(folder: Path) -> Sequence:
    found = _sequences_in(folder)  # stills beside a sequence do not count
    choice = [sequence for sequence in found if len(sequence.frames) > 1] or found
    if len(choice) == 1:
        return choice[0]
    if not choice:
        raise BadInput(f"{folder}: expected a folder with one picture sequence; got no pictures")
    names = "; ".join(_described(sequence) for sequence in choice[:6])
    more = f" and {len(choice) - 6} more" if len(choice) > 6 else ""
    raise BadInput(f"{folder}: expected one sequence; got {len(choice)}: {names}{more}. Name one")


def _described(sequence: Sequence) -> str:
    frames = f" {format_frames(sequence.frames)}" if len(sequence.frames) > 1 else ""
    return Path(sequence.template).name + frames


def _nearest(path: Path) -> str:
    """Say what lies near a name that was not found."""
    if not path.parent.is_dir():
        return f"; the folder {path.parent} does not exist"
    described = map(_described, _sequences_in(path.parent))
    names = sorted({*described, *filter(is_video, _names(path.parent))})
    ranked = difflib.get_close_matches(path.name, names[:2000], n=3, cutoff=0.4)
    return f"; nearest: {', '.join(ranked)}" if ranked else f"; nothing like it in {path.parent}"

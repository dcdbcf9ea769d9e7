"""Shots moved in time. Pixels stay what they are; every frame bears its new number."""

from __future__ import annotations

from dataclasses import replace

from ..errors import BadInput
from ..media.placing import Placed
from ..media.source import Shot


def taken(shot: Shot, frames: dict[int, int]) -> Shot:
    """Return a shot made of another one's frames.

    Args:
        shot: whose frames are taken.
        frames: the number that each bears, and the frame that it shows.
    """
    read = shot.read

    def retimed(number: int) -> Placed:
        return replace(read(frames[number]), frame=number)

    ordered = tuple(sorted(frames))
    stands_in = {n: shot.stands_in[of] for n, of in frames.items() if of in shot.stands_in}
    return replace(shot, frames=ordered, read=retimed, sequence=None, stands_in=stands_in)


def offset(shot: Shot, by: int) -> Shot:
    """Return a shot whose frames come later by a number of frames; earlier where it is negative."""
    return taken(shot, {frame + by: frame for frame in shot.frames}) if by else shot


def held(shot: Shot, at: int) -> Shot:
    """Return a shot that shows one frame all the time.

    Raises:
        BadInput: the shot has no such frame.
    """
    if at not in shot.frames:
        low, high = shot.frames[0], shot.frames[-1]
        raise BadInput(
            f"frame_hold.frame: expected a frame of the shot, {low} to {high}; got {at}."
        )
    return taken(shot, dict.fromkeys(shot.frames, at))


def ranged(shot: Shot, first: int, last: int) -> Shot:
    """Return a shot of exactly these frames; where it has none, its nearest is held.

    Raises:
        BadInput: the range is turned round.
    """
    if first > last:
        raise BadInput(f"frame_range.first: expected at most last, {last}; got {first}.")
    known = shot.frames
    inside = {frame: frame for frame in known if first <= frame <= last}
    before = dict.fromkeys(range(first, min(known[0], last + 1)), known[0])
    after = dict.fromkeys(range(max(known[-1] + 1, first), last + 1), known[-1])
    made = before | inside | after
    if not made:
        raise BadInput(f"frame_range: the shot has no frame from {first} to {last}.")
    return taken(shot, made)


def only(shot: Shot, first: int, last: int) -> Shot:
    """Return the part of a shot that lies in a range.

    Args:
        shot: whose part is taken.
        first: where it begins; all of the shot where both are 0.
        last: where it ends; 0 below a positive first is the shot's own end.

    Raises:
        BadInput: none of its frames lies there.
    """
    if first == last == 0:
        return shot
    end = shot.frames[-1] if last == 0 < first else last
    kept = tuple(frame for frame in shot.frames if first <= frame <= end)
    if not kept:
        low, high = shot.frames[0], shot.frames[-1]
        raise BadInput(f"read.first: the shot has frames {low} to {high}; got {first} to {last}.")
    return replace(shot, frames=kept)


def agree(wanted: tuple[int, ...], shot: Shot, part: Shot) -> None:
    """Refuse frames that the shot has and that its first and last leave out.

    Raises:
        BadInput: names the first such frame.
    """
    left_out = sorted(set(wanted) & set(shot.frames) - set(part.frames))
    if left_out:
        raise BadInput(
            f"read.frames: expected frames from first to last, {part.frames[0]} to "
            f"{part.frames[-1]}; got {left_out[0]}. Set either frames, or first and last."
        )

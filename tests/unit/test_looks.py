from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.errors import BadInput, MissingFrame, StillbrushError, UnreadableFile
from stillbrush.core.knobs import chain
from stillbrush.core.look import Look, Trained, Weights
from stillbrush.core.looks import load_look, look_text, parse_look

FILE = Path("some.yaml")
VALID = f"""\
look: 1
name: starry-night
title: The Starry Night, after van Gogh (1889)
stylizer: prior
weights: {{file: painters.safetensors, sha256: {"ab" * 32}, style: 3}}
licence: CC0-1.0
trained: {{on: [starry_night.jpg, our frames], steps: 12000, device: cpu, minutes: 110}}
knobs:
  stylizer: {{strength: 0.5, normalise: shot}}
  occlusion_mask: {{check: 1e-3, dilate: 2}}
colour: {{encode: srgb-knee, exposure: 0.5}}
"""


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parse_look(text, FILE)
    line = str(caught.value)
    assert "\n" not in line
    assert str(FILE) in line
    return line


def test_a_look_is_read_as_the_plan_writes_it() -> None:
    look = parse_look(VALID, FILE)
    assert look.trained == Trained(("starry_night.jpg", "our frames"), 12000, "cpu", 110)
    assert look.weights == Weights("painters.safetensors", "ab" * 32, 3)
    assert look.exposure == 0.5
    knobs = chain(look.knobs, {})
    assert (knobs.strength, knobs.check, knobs.dilate) == (0.5, 0.001, 2)


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        (("look: 1", "look: 2"), "look:", "version 1"),
        (("look: 1", "look: true"), "look:", "version 1"),
        (("starry-night\n", "Starry Night\n"), "name:", "lower-case"),
        (("title: The", "titel: The"), "titel:", "no such key; expected look, name, title"),
        (("title: The Starry Night, after van Gogh (1889)", "title: 1889"), "title:", "text"),
        (("stylizer: prior", "stylizer: [prior]"), "stylizer:", "expected prior"),
        (("style: 3", "style: 1.5"), "weights.style:", "whole number"),
        (("style: 3", "style: -1"), "weights.style:", "0 to 1023"),
        (("style: 3", "shape: 3"), "weights.shape:", "expected file, sha256, style"),
        (("ab" * 32, "ab" * 31), "weights.sha256:", "64 hexadecimal"),
        (("painters.safetensors", "painters.pth"), "weights.file:", ".safetensors"),
        (("painters.safetensors", '"a\\nb.safetensors"'), "weights.file:", "printable"),
        (("on: [starry_night.jpg, our frames]", "on: true"), "trained.on:", "a list of texts"),
        (("on: [starry_night.jpg, our frames]", "on: [3]"), "trained.on:", "expected text"),
        (("strength: 0.5", "strength: 7"), "stylizer.strength:", "0 to 1"),
        (("strength: 0.5", "strength: .nan"), "stylizer.strength:", "expected a number"),
        (("strength: 0.5", "strength: 1e999"), "stylizer.strength:", "got inf"),
        (("strength: 0.5", "power: 0.5"), "stylizer.power:", "no such knob; stylizer has strength"),
        (("strength: 0.5", "self: 0.5"), "stylizer.self:", "no such knob"),
        (("strength: 0.5", "normalise: frame"), "line 9:", "'normalise' only once"),
        (("normalise: shot", "normalise: {a: b}"), "stylizer.normalise:", "frame, shot"),
        (("dilate: 2", "dilate: 1e400"), "occlusion_mask.dilate:", "whole number"),
        (("stylizer: {", "painter: {"), "knobs.painter:", "expected flow_estimator"),
        (("stylizer: {", "write: {overwrite: true}\n  stylizer: {"), "knobs.write:", "no such key"),
        (("exposure: 0.5", "exposure: 11"), "colour.exposure:", "-10 to 10"),
        (("colour: {", "colour: !!python/object:os.system {"), "line 11:", "no tags"),
        (("colour: {", "colour: &a {"), "line 11:", "no anchors"),
        (("colour: {", "? [a, b]\n: {"), "line 11:", "one word"),
        (("colour: {", "colour: [{"), "line", "expected YAML"),
    ],
)
def test_what_is_wrong_is_named_by_file_key_and_expectation(
    change: tuple[str, str], key: str, expected: str
) -> None:
    assert change[0] in VALID
    line = refusal(VALID.replace(*change, 1))
    assert key in line
    assert expected in line


@pytest.mark.parametrize("missing", ["name", "title", "weights", "licence"])
def test_what_a_look_needs_is_asked_for(missing: str) -> None:
    lines = [line for line in VALID.splitlines() if not line.startswith(missing)]
    assert missing in refusal("\n".join(lines))


def test_a_knob_is_set_once() -> None:
    twice = VALID.replace("knobs:\n", "knobs:\n  stylize_shot: {strength: 0.1}\n")
    assert "knobs.stylizer.strength: expected it once; stylize_shot has it" in refusal(twice)


def test_the_billion_laughs_are_refused_before_they_grow() -> None:
    bomb = ["a0: &a0 [lol]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "no anchors" in refusal("\n".join(bomb) + "\n" + VALID)


@pytest.mark.parametrize("nested", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(nested: str) -> None:
    refusal(nested * 10_000)


def test_a_message_stays_short_whatever_is_in_the_file() -> None:
    for text in (f"{'k' * 50_000}: 1\n{VALID}", VALID.replace("0.5", "x" * 50_000, 1)):
        assert len(refusal(text)) < 400


def test_escape_sequences_reach_no_terminal() -> None:
    assert "\x1b" not in refusal(VALID.replace("CC0-1.0", '"\\e[2J"'))
    assert "\x1b" not in refusal(f'"\\e[2J": 1\n{VALID}')


@pytest.mark.parametrize(
    ("content", "expected"),
    [(VALID.encode("utf-16"), "UTF-8"), (b"\xff\x00", "UTF-8"), (b"#" * 70_000, "64 KiB")],
)
def test_a_file_that_is_no_small_text_is_refused(
    content: bytes, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=expected):
        load_look(path)


@pytest.mark.parametrize("path", ["gone.yaml", ".", "x" * 5000 + ".yaml", "a\0b.yaml"])
def test_a_look_that_is_not_there(path: str) -> None:
    with pytest.raises((MissingFrame, UnreadableFile)):
        load_look(Path(path))


words = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=30)
titles = words.filter(lambda text: text.strip())
odd_words = st.sampled_from(["on", "null", "1e-3", "010", "1:30", "2020-01-01", "- a", "a: b", "~"])


@given(
    title=titles | odd_words,
    about=st.lists(words, max_size=3).map("\n".join),
    on=st.lists(words | odd_words, max_size=3),
    strength=st.floats(0, 1),
    dilate=st.integers(0, 32),
    exposure=st.floats(-10, 10),
    style=st.integers(0, 1023),
)
def test_a_look_reads_back_as_it_was_written(
    title: str, about: str, on: list[str], strength: float, dilate: int, exposure: float, style: int
) -> None:
    same = {"strength": strength}
    look = Look(
        "a-look",
        title,
        Weights("a.safetensors", "0" * 64, style),
        "CC0-1.0",
        about=about,
        trained=Trained(tuple(on), 7, "cpu", 0.5),
        knobs={"stylizer": same, "occlusion_mask": {"dilate": dilate}},
        exposure=exposure,
        path=FILE,
    )
    text = look_text(look)
    assert parse_look(text, FILE) == look
    yaml.safe_load(text)  # other readers take it too


def test_two_nodes_that_share_a_value_are_written_without_aliases() -> None:
    shared: dict[str, object] = {}
    look = replace(parse_look(VALID, FILE), knobs={"stylizer": shared, "occlusion_mask": shared})
    assert parse_look(look_text(look), FILE).knobs == {"stylizer": {}, "occlusion_mask": {}}


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["file", "on", "stylizer", "mix", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A look with one key of any depth replaced by something, or with some of its text changed."""
    if draw(st.booleans()):
        tree = yaml.safe_load(VALID)
        where = tree
        key = draw(st.sampled_from(sorted(where, key=str)))
        while isinstance(where[key], dict) and draw(st.booleans()):
            where = where[key]
            key = draw(st.sampled_from(sorted(where, key=str)))
        where[key] = draw(plain_values)
        return yaml.safe_dump(tree)
    at = draw(st.integers(0, len(VALID)))
    cut = draw(st.integers(0, 12))
    put = draw(st.text(st.sampled_from("{}[]&*!|>:-?,#'\"%@`\n\t ~0e.é\x85\ud800"), max_size=6))
    return VALID[:at] + put + VALID[at + cut :]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | mutated() | mutated())
def test_no_text_gets_past_the_declared_errors(text: str) -> None:
    line = ""
    try:
        look = parse_look(text, FILE)
    except StillbrushError as error:
        line = str(error)
    else:
        chain(look.knobs, {})
    assert "\n" not in line
    assert len(line) < 400


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=60)
    | st.binary(max_size=20).map(lambda head: head + b"\xff" + VALID.encode())
)
def test_no_bytes_get_past_the_declared_errors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("deep" * 20) / "bytes.yaml"  # a long path still says which file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(StillbrushError, match=path.name):
        load_look(path)

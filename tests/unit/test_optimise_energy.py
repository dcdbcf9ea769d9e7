"""The energies of the papers: each equation against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from support.optimising import painter, picture, tiny_encoder
from torch import Tensor

from stillbrush.core.errors import BadInput
from stillbrush.core.stylizers.optimise.energy import (
    Aims,
    Carried,
    Energy,
    aligned,
    content_error,
    roughness,
    temporal_error,
)
from stillbrush.core.stylizers.optimise.layers import choose_layers
from stillbrush.core.stylizers.optimise.presets import PRESETS, preset
from stillbrush.core.stylizers.optimise.settings import (
    ContentForm,
    OptimiseKnobs,
    SmoothForm,
    StyleForm,
    TemporalForm,
    make_settings,
)
from stillbrush.core.stylizers.optimise.texture import Texture, blended, texture, texture_error

N, H, W = 6, 5, 8


def features(seed: int, height: int = H, width: int = W) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand((1, N, height, width), generator=rng, dtype=torch.float64)


def energy(**knobs: object) -> Energy:
    network = tiny_encoder()
    settings = make_settings({"reference_pixels": 1000, **knobs})
    layers = choose_layers(network, settings)
    plate, style = (picture(s, double=True).permute(0, 3, 1, 2) for s in (1, 2))
    content = layers.features(network, plate, tuple(layers.content))
    seen = layers.features(network, style, tuple(layers.style))
    textures = {layer: texture(seen[layer], settings.style_form) for layer in layers.style}
    mask = torch.rand((1, 1, 40, 56), dtype=torch.float64)
    carried = tuple(Carried(picture(s, double=True).permute(0, 3, 1, 2), mask) for s in (3, 4))
    trace = picture(5, double=True).permute(0, 3, 1, 2)
    return Energy(network, layers, settings, Aims(content, textures, carried, trace))


def numeric(function, x: Tensor, along: Tensor, step: float = 1e-6) -> float:
    return float((function(x + step * along) - function(x - step * along)) / (2 * step))


TERMS = {
    "content": {"content_weight": 1.0},
    "style": {"style_weight": 1.0},
    "smooth": {"smooth_weight": 1.0},
    "temporal": {"temporal_weight": 1.0},
    "stabilise": {"stabilise": "final"},
    "range": {"bounded": True},
}
NOTHING = {f"{name}_weight": 0.0 for name in ("content", "style", "smooth", "temporal")}
NOTHING["bounded"] = False
FORMS = (
    [("content", "content_form", form.value) for form in ContentForm]
    + [("style", "style_form", form.value) for form in StyleForm]
    + [("smooth", "smooth_form", form.value) for form in SmoothForm]
    + [("temporal", "temporal_form", form.value) for form in TemporalForm]
    + [("stabilise", "units", "vgg"), ("range", "units", "unit")]
)


@pytest.mark.parametrize(("term", "knob", "form"), FORMS)
def test_gradients_agree_with_differences(term: str, knob: str, form: str) -> None:
    function = energy(**NOTHING | TERMS[term] | {knob: form})
    x = 1.5 * picture(7, double=True).permute(0, 3, 1, 2) - 0.25  # beyond the range too
    x.requires_grad_(True)
    total, terms = function(x)
    assert list(terms) == [term]
    (gradient,) = torch.autograd.grad(total, x)
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        along = torch.randn(x.shape, generator=rng, dtype=torch.float64)
        along /= along.norm()
        expected = numeric(lambda at: function(at)[0].detach(), x.detach(), along)
        found = float((gradient * along).sum())
        assert found == pytest.approx(expected, rel=2e-6, abs=1e-7 * float(gradient.norm()))


def test_the_gradient_of_all_is_the_sum_of_the_gradients() -> None:
    every = {k: v for part in TERMS.values() for k, v in part.items()}
    x = picture(7, double=True).permute(0, 3, 1, 2).clone().requires_grad_(True)
    (whole,) = torch.autograd.grad(energy(**every)(x)[0], x)
    parts = [torch.autograd.grad(energy(**NOTHING | t)(x)[0], x)[0] for t in TERMS.values()]
    torch.testing.assert_close(whole, sum(parts), rtol=1e-9, atol=1e-12)


def test_content_of_features_one_off_is_the_number_of_layers() -> None:
    known = [features(s) for s in range(3)]
    total = sum(content_error(f + 1, f, ContentForm.MEAN) for f in known)
    assert float(total) == pytest.approx(3, rel=1e-12)
    assert float(content_error(known[0] + 1, known[0], ContentForm.SUM)) == pytest.approx(N * H * W)


@pytest.mark.parametrize("form", list(StyleForm))
def test_style_knows_no_places_and_no_size(form: StyleForm) -> None:
    known = features(1)
    order = torch.randperm(H * W, generator=torch.Generator().manual_seed(3))
    shuffled = known.flatten(2)[..., order].view_as(known)
    twice = torch.cat((known, known), -1)
    target = texture(known, form)
    for other in (shuffled, twice):
        pixels = other.shape[-1] * H
        error = texture_error(texture(other, form), target, form, pixels, pixels)
        assert float(error) == pytest.approx(0, abs=1e-22)
    # Without its own number of pixels, the doubled one would have another Gram matrix.
    assert not torch.allclose(target.gram * H * W, texture(twice, form).gram * 2 * H * W)


def test_style_forms_are_those_of_their_papers() -> None:
    one, other, frame = features(1), features(2), 700
    grams = [(f.flatten(2)[0] @ f.flatten(2)[0].T) for f in (one, other)]
    S, M = float((grams[0] - grams[1]).square().sum()), H * W
    expected = {
        StyleForm.EQUATION: S / (N**2 * M**2),
        StyleForm.CODE: S / (N**4 * M**2),
        StyleForm.MEAN: S / (N**4 * M**2),
        StyleForm.GATYS: S / (4 * N**2 * M**2),
        StyleForm.GUPTA: S / (N * M),
        StyleForm.CMU: S / (4 * 9 * frame**2),
    }
    for form, value in expected.items():
        error = texture_error(texture(one, form), texture(other, form), form, M, frame)
        assert float(error) == pytest.approx(value, rel=1e-10), form


@pytest.mark.parametrize("form", [StyleForm.MEAN, StyleForm.CMU])
def test_a_mean_over_layers_is_the_sum_over_their_number(form: StyleForm) -> None:
    function = energy(**NOTHING | TERMS["style"] | {"style_form": form.value})
    x = picture(7, double=True).permute(0, 3, 1, 2)
    single = []
    for layer in function.layers.style:
        knobs = NOTHING | TERMS["style"] | {"style_form": form.value, "style_layers": layer}
        single.append(function.layers.style[layer] * float(energy(**knobs)(x)[0]))
    assert len(single) == 5
    assert float(function(x)[0]) == pytest.approx(sum(single) / 5, rel=1e-9)


def test_a_blend_with_all_of_one_style_is_that_style() -> None:
    one, other = (texture(features(s), StyleForm.CODE) for s in (1, 2))
    for mixed in (blended([(one, 1.0), (other, 0.0)]), blended([(one, 7.0)])):
        torch.testing.assert_close(mixed, one)
    half = blended([(one, 2.0), (other, 2.0)])
    torch.testing.assert_close(
        half, Texture(*((a + b) / 2 for a, b in zip(one, other, strict=True)))
    )


def test_manner_tells_apart_what_has_the_same_gram_sum() -> None:
    known = features(1)
    brighter = texture(known + 0.5, StyleForm.MANNER)
    here = texture(known, StyleForm.MANNER)
    torch.testing.assert_close(brighter.gram, here.gram)  # it varies alike
    error = texture_error(brighter, here, StyleForm.MANNER, H * W, 1)
    assert float(error) == pytest.approx(float(N * 0.25 / here.mean.square().sum()))


def test_total_variation_of_flat_and_of_an_edge() -> None:
    flat, edge = torch.full((1, 3, 6, 8), 0.4, dtype=torch.float64), torch.zeros(1, 3, 6, 8)
    edge = edge.double()
    edge[..., 4:] = 1.0
    for form in SmoothForm:
        assert float(roughness(flat, form)) == 0
    assert float(roughness(edge, SmoothForm.SQUARED)) == pytest.approx(0.5 * 3 * 6)
    assert float(roughness(edge, SmoothForm.POWER)) == pytest.approx(3 * 5)
    assert float(roughness(edge, SmoothForm.ABSOLUTE)) == pytest.approx(0.99005 / 7)
    assert float(roughness(2 * edge, SmoothForm.POWER)) == pytest.approx(3 * 5 * 4**1.25)


def test_temporal_counts_all_pixels() -> None:
    x, last = torch.rand(1, 3, 6, 8).double(), torch.rand(1, 3, 6, 8).double()
    whole, half = torch.ones(1, 1, 6, 8).double(), torch.ones(1, 1, 6, 8).double()
    half[..., 4:] = 0
    x[..., 4:], last[..., 4:] = x[..., :4].clone(), last[..., :4].clone()  # both halves alike
    none = torch.zeros_like(whole)
    for form in TemporalForm:
        errors = [temporal_error(x, Carried(last, m), form, 255.0) for m in (whole, half, none)]
        assert float(errors[1]) == pytest.approx(float(errors[0]) / 2)
        assert float(errors[2]) == 0
    squared = temporal_error(x, Carried(last, whole), TemporalForm.SQUARED, 255.0)
    assert float(squared) == pytest.approx(float((x - last).square().mean()) * 255**2)


def test_the_robust_form_minds_outliers_less() -> None:
    x = torch.zeros(1, 3, 4, 10).double()
    wrong = x.clone()
    wrong[..., 0] = 100.0  # a tenth of the flow leads astray
    shares = {}
    for form in TemporalForm:
        every = temporal_error(x, Carried(x + 1, torch.ones(1, 1, 4, 10).double()), form, 1.0)
        astray = temporal_error(x, Carried(wrong, torch.ones(1, 1, 4, 10).double()), form, 1.0)
        shares[form] = float(astray / every)
    assert shares[TemporalForm.SQUARED] == pytest.approx(1000)
    assert shares[TemporalForm.ABSOLUTE] == pytest.approx(10)
    assert shares[TemporalForm.SMOOTH] == pytest.approx(0.1 * 99.5 / 0.5)
    robust, plain = preset("ruder-robust"), preset("ruder")
    assert robust.temporal_weight == 2 * plain.temporal_weight


def test_iterates_are_compared_with_those_of_the_same_number() -> None:
    trace = torch.arange(4.0).view(4, 1, 1, 1)
    found = [float(aligned(trace, iteration, 3)) for iteration in (0, 2, 3, 8, 9, 40)]
    assert found == [0, 0, 1, 2, 3, 3]


def test_weights_of_sums_mean_the_same_at_any_size() -> None:
    def smooth(width: int) -> float:
        # A strip of the same picture again: a sum doubles, its meaning must not.
        knobs = NOTHING | TERMS["smooth"] | {"smooth_form": "power", "reference_pixels": 5000}
        x = torch.zeros(1, 3, 8, width).double()
        x[..., ::4] = 1.0
        return float(energy(**knobs).smooth(x))

    assert smooth(4000) == pytest.approx(smooth(2000), rel=2e-3)


def test_every_preset_can_be_made_and_says_what_its_paper_says() -> None:
    made = {name: preset(name) for name in PRESETS}
    ruder = made["ruder"]
    assert (ruder.content_weight, ruder.style_weight, ruder.temporal_weight) == (1, 20, 200)
    assert (ruder.tolerance, ruder.window, ruder.history) == (1e-4, 50, 100)
    assert made["ruder-long-term"].offsets == (1, 10, 20, 40)
    assert made["artistic-videos"].style_weight == 100
    assert made["delcour"].iterations == 300
    assert made["delcour-temporal"].masked is False
    assert made["delcour-previous-style"].previous_style is True
    assert made["cmu"].smooth_weight == 8.5e-5
    network = made["ruder-network"].style_layers.replace(" ", "").split(",")
    assert network == ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"style_weight": -1}, "style_weight: expected 0"),
        ({"style_layers": "relu6_1"}, "style_layers: expected layers"),
        ({"style_layers": "relu1_1, relu1_1"}, "each once"),
        ({"long_term": "1, 0"}, "long_term: expected numbers"),
        ({"optimiser": "sgd"}, "optimiser: expected lbfgs"),
        ({"strokes": 1}, "no such knob"),
    ],
)
def test_a_setting_that_is_wrong_is_named(values: dict, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        make_settings(values)


def test_the_default_is_a_preset_without_changes() -> None:
    assert preset("stillbrush") == OptimiseKnobs()
    assert painter().settings.iterations == 5

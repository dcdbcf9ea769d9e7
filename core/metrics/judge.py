"""Who judges paint: an encoder for style and content, an estimator of its own for motion."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import BadInput
from ..motion.flow import Estimator, FlowQuality
from ..motion.torch_flow import TorchFlow
from ..networks.loss_network import LossNetwork
from ..state import digest
from ..training.losses import Features, Manner, content_loss, style_loss
from .temporal import Followed, follow, sharpness

SMALLEST = 32  # pixels a side: the deepest layer sees a sixteenth of them, and needs two


@dataclass(frozen=True)
class Judge:
    """Measures paint beside its plate, on the processor, wherever that was painted.

    Attributes:
        encoder: what style and content are seen by; None judges neither.
        manner: how the look's painting is painted, as the same encoder sees it; None: not known.
        estimator: what motion is measured by; not the one that paint was carried by.
    """

    encoder: LossNetwork | None = None
    manner: dict[str, Manner] | None = None
    estimator: Estimator = field(default_factory=lambda: TorchFlow(FlowQuality.FAST))

    @torch.no_grad()
    def see(self, picture: Tensor) -> Features:
        """Return what the encoder sees in a picture (1, h, w, 3); nothing without an encoder.

        Raises:
            BadInput: the picture is too small to be judged.
        """
        if self.encoder is None:
            return {}
        here = picture.cpu()
        height, width = here.shape[1:3]
        if min(height, width) < SMALLEST:
            raise BadInput(
                f"judging style and content: expected paint of {SMALLEST} pixels a side or "
                f"more; got {width}x{height}."
            )
        return self.encoder(here.permute(0, 3, 1, 2))

    def follow(self, previous: Tensor, current: Tensor) -> Followed:
        """Measure the motion between two plates (1, h, w, 3), network encoding."""
        return follow(previous.cpu(), current.cpu(), self.estimator)

    def still(self, painted: Tensor, plate: Features) -> dict[str, float]:
        """Judge one painted picture (1, h, w, 3) by itself.

        Args:
            painted: in network encoding.
            plate: what `see` returns of its plate.

        Returns:
            `sharpness`; `content` with an encoder; `style` where the look's manner is known too.
        """
        numbers = {"sharpness": sharpness(painted)}
        if self.encoder is not None:
            seen = self.see(painted)
            numbers["content"] = float(content_loss(seen, plate))
            if self.manner:
                numbers["style"] = float(style_loss(seen, self.manner))
        return numbers


def encoder_digest(encoder: LossNetwork) -> str:
    """Return a digest of an encoder's weights: a manner belongs to the encoder that saw it."""
    weights = encoder.state_dict().items()
    tensors = {name: value.detach().cpu().contiguous() for name, value in weights}
    return digest(tensors, {})

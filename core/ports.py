"""The kinds of value that flow between nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from torch import Tensor

from .clip import Clip
from .dials import Dials
from .look import Look
from .media.source import Shot
from .motion.flow import Flow
from .spec import Kind
from .stylizers.prior import Prior
from .stylizers.shot_statistics import ShotStatistics

FlowPort = Annotated[Flow, Kind("flow", "B H W 2, backward and forward")]
PriorPort = Annotated[Prior, Kind("prior")]
PicturePort = Annotated[Tensor, Kind("picture", "1 H W 3, sRGB, 0 to 1")]
LookPort = Annotated[Look, Kind("look")]
ClipPort = Annotated[Clip[Tensor], Kind("clip")]
ShotPort = Annotated[Shot, Kind("shot")]
LayersPort = Annotated[Callable[[int], dict[str, np.ndarray]], Kind("layers")]
DialsPort = Annotated[Dials, Kind("dials")]
StatisticsPort = Annotated[ShotStatistics, Kind("statistics")]

"""How planes are shown: which components become layers, which become axes, and in which colours."""

import enum

import msgspec
from pydantic import Field

from platecast.components import COMPONENT_NAMES
from platecast.config._base import Config


class NapariDimensionMode(enum.StrEnum):
    """What a component becomes in the viewer."""

    SLICE = "slice"
    """Each value has a layer of its own."""
    STACK = "stack"
    """The values are positions along an axis with a slider."""


class NapariVariableSizeHandling(enum.StrEnum):
    """What happens to planes of different sizes that would share a layer."""

    SEPARATE_LAYERS = "separate_layers"
    """Each size has a layer of its own."""
    PAD_TO_MAX = "pad_to_max"
    """Planes of all sizes share a layer: smaller ones are padded to the largest when they are read."""


class NapariColormap(enum.StrEnum):
    """The colormaps that napari 0.9 offers by name, so that a worker need not import napari to know them."""

    BLUE = "blue"
    BOP_BLUE = "bop blue"
    BOP_ORANGE = "bop orange"
    BOP_PURPLE = "bop purple"
    CYAN = "cyan"
    FIRE = "fire"
    GIST_EARTH = "gist_earth"
    GRAY = "gray"
    GRAY_R = "gray_r"
    GREEN = "green"
    HILO = "HiLo"
    HSV = "hsv"
    I_BLUE = "I Blue"
    I_BORDEAUX = "I Bordeaux"
    I_FOREST = "I Forest"
    I_ORANGE = "I Orange"
    I_PURPLE = "I Purple"
    ICE = "ice"
    INFERNO = "inferno"
    MAGENTA = "magenta"
    MAGMA = "magma"
    NAN = "nan"
    PIYG = "PiYG"
    PLASMA = "plasma"
    RED = "red"
    TURBO = "turbo"
    TWILIGHT = "twilight"
    TWILIGHT_SHIFTED = "twilight_shifted"
    VIRIDIS = "viridis"
    YELLOW = "yellow"


class NapariPolygons(enum.StrEnum):
    """What polygons become in the viewer."""

    LABELS = "labels"
    """A plane of labels: one integer for each polygon. Thousands of them cost no more than an image."""
    SHAPES = "shapes"
    """A shapes layer with outlines; 5,000 of them take the window more than a second."""


SLICEABLE_COMPONENTS: tuple[str, ...] = COMPONENT_NAMES[1:]
"""The components that can be a layer or an axis: all but the plate, which always has layers of its own."""


class Display(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resolved choice of display, as it travels with the planes.

    Parameters
    ----------
    sliced
        Components whose values get layers of their own; the others are axes.
    colormap
        Name of a napari colormap; `None` lets the viewer choose one by channel.
    replace_layers
        A plane sent again by a later run replaces the earlier one in place instead of getting new layers.
    pad_to_max
        Planes of different sizes share a layer, the smaller ones padded when they are read; planes of
        different data types never do.
    follow_newest
        The sliders go to the newest plane, as long as the window's user has not chosen otherwise.
    polygons
        Whether polygons are painted into labels (`NapariPolygons.LABELS`) or shown as shapes.
    color_by
        Name of a feature by which labels, points, shapes, tracks and vectors that have it are coloured.
    """

    sliced: tuple[str, ...] = ("channel",)
    colormap: str | None = None
    replace_layers: bool = False
    pad_to_max: bool = False
    follow_newest: bool = False
    polygons: NapariPolygons = NapariPolygons.LABELS
    color_by: str | None = None


class NapariDisplayConfig(Config):
    """How planes are shown in napari."""

    colormap: NapariColormap | None = None
    """Colormap of image layers; `None`: one by channel."""
    variable_size_handling: NapariVariableSizeHandling = NapariVariableSizeHandling.SEPARATE_LAYERS
    """What happens to planes of different sizes."""
    polygons: NapariPolygons = NapariPolygons.LABELS
    """Polygons as a plane of labels or as a shapes layer."""
    color_by: str | None = None
    """Feature by which labels, points, shapes, tracks and vectors that have it are coloured."""
    well_mode: NapariDimensionMode = NapariDimensionMode.STACK
    """Wells as an axis or as layers."""
    site_mode: NapariDimensionMode = NapariDimensionMode.STACK
    """Sites as an axis or as layers."""
    channel_mode: NapariDimensionMode = NapariDimensionMode.SLICE
    """Channels as an axis or as layers."""
    z_index_mode: NapariDimensionMode = NapariDimensionMode.STACK
    """Slices along z as an axis or as layers."""
    timepoint_mode: NapariDimensionMode = NapariDimensionMode.STACK
    """Time points as an axis or as layers."""
    follow_newest: bool = False
    """Whether the window's sliders go to the newest plane while its user leaves them alone."""

    memory_budget_mb: float | None = Field(default=None, gt=0)
    """Memory of the window for planes, those beyond it being put away until they are looked at; `None`: half
    of what its process may use. For a viewer that is started; one that runs keeps its own."""

    def resolve(self, *, replace_layers: bool = False) -> Display:
        """Return the choice as it travels with the planes."""
        sliced = tuple(
            name
            for name in SLICEABLE_COMPONENTS
            if getattr(self, f"{name}_mode") is NapariDimensionMode.SLICE
        )
        colormap = None if self.colormap is None else str(self.colormap)
        return Display(
            sliced=sliced,
            colormap=colormap,
            replace_layers=replace_layers,
            pad_to_max=self.variable_size_handling is NapariVariableSizeHandling.PAD_TO_MAX,
            follow_newest=self.follow_newest,
            polygons=self.polygons,
            color_by=self.color_by,
        )

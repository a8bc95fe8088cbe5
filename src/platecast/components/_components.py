"""What an image is: the components that name one plane of a plate."""

import enum
import math

import msgspec

from platecast.components._wells import well_name
from platecast.errors import InvalidComponentsError


class Components(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The components of one plane, each as the instrument writes it, `None` where it is not known.

    At least one is given. A component that is absent is not zero: a projection has no z and is
    another plane than the slice at ``z_index=0``.

    Parameters
    ----------
    plate
        Name or barcode of the plate.
    well
        Any label of a well (``a1``, ``r05c01``); kept in its canonical form (``A01``, ``E01``).
    site
        Number of the field of view inside the well.
    channel
        The vendor's number or name of the channel.
    z_index
        Index of the slice along z.
    timepoint
        Index of the time point.

    Raises
    ------
    InvalidWellError
        `well` does not name a well.
    InvalidComponentsError
        No component is given, or an index is negative.

    Examples
    --------
    >>> Components(well="a1", channel="DAPI")
    Components(well='A01', channel='DAPI')
    """

    plate: str | None = None
    well: str | None = None
    site: int | None = None
    channel: int | str | None = None
    z_index: int | None = None
    timepoint: int | None = None

    def __post_init__(self) -> None:
        if self.well is not None:
            msgspec.structs.force_setattr(self, "well", well_name(self.well))
        given = 0
        for name in COMPONENT_NAMES:
            value = getattr(self, name)
            given += value is not None
            if isinstance(value, int) and value < 0:
                raise InvalidComponentsError(f"{name}={value}: an index must not be negative")
        if not given:
            raise InvalidComponentsError(f"at least one of {', '.join(COMPONENT_NAMES)} must be given")

    def __repr__(self) -> str:
        given = (f"{name}={getattr(self, name)!r}" for name in self.present)
        return f"Components({', '.join(given)})"

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the components that are given, in the order of `COMPONENT_NAMES`."""
        return tuple(name for name in COMPONENT_NAMES if getattr(self, name) is not None)


COMPONENT_NAMES: tuple[str, ...] = Components.__struct_fields__
"""The components' names, from the widest (plate) to the narrowest."""


class Kind(enum.StrEnum):
    """What the pixels or records of a plane mean."""

    IMAGE = "image"
    LABELS = "labels"
    POINTS = "points"
    SHAPES = "shapes"
    TRACKS = "tracks"
    VECTORS = "vectors"
    TABLE = "table"

    @property
    def is_pixels(self) -> bool:
        """Whether it is a plane of pixels; everything else is records."""
        return self in (Kind.IMAGE, Kind.LABELS)


class StepId(msgspec.Struct, frozen=True):
    """The step of a pipeline that made a plane: its 1-based place and its name; 0 is the raw input."""

    index: int
    name: str

    def __post_init__(self) -> None:
        if self.index < 0 or not self.name:
            raise InvalidComponentsError(f"step ({self.index}, {self.name!r}) needs an index >= 0 and a name")


class PlaneId(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything that tells one plane from every other one.

    Parameters
    ----------
    components
        Which plane of the plate.
    run
        Identifier of one execution of a pipeline or script.
    step
        The step that made it; `None` for images sent outside a pipeline.
    kind
        What its values mean.
    """

    components: Components
    run: str = ""
    step: StepId | None = None
    kind: Kind = Kind.IMAGE


class PlateLayout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The components that a plate is known to hold, announced before its images are there.

    Each field lists the values of that component in display order; empty where unknown.

    Parameters
    ----------
    plate
        Name or barcode of the plate.
    well, site, channel, z_index, timepoint
        Values of that component.
    pixel_size_um
        Distance of neighbouring pixels on the sample, in micrometres, if it is known.
    z_step_um
        Distance of neighbouring slices, in micrometres, if it is known.
    images
        How many images each well has or should have, in the order of `well`; empty: every combination of
        the other components.

    Raises
    ------
    InvalidComponentsError
        A distance is not a positive number, or `images` is not one number a well.
    """

    plate: str | None = None
    well: tuple[str, ...] = ()
    site: tuple[int, ...] = ()
    channel: tuple[int | str, ...] = ()
    z_index: tuple[int, ...] = ()
    timepoint: tuple[int, ...] = ()
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    images: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.images and (len(self.images) != len(self.well) or min(self.images) < 0):
            raise InvalidComponentsError(
                f"images={self.images}: expected {len(self.well)} numbers from 0 on, one for each well"
            )
        for name in ("pixel_size_um", "z_step_um"):
            distance = getattr(self, name)
            if distance is not None and not (math.isfinite(distance) and distance > 0):
                raise InvalidComponentsError(f"{name}={distance}: a distance must be a positive number")

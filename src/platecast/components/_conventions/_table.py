"""The table of conventions, in the order in which they are tried: what is specific before what is general."""

from platecast.components._conventions._agilent import GEN5
from platecast.components._conventions._cephla import SEAFRONT, SQUID, SQUID_OME
from platecast.components._conventions._convention import FilenameConvention
from platecast.components._conventions._cytiva import IN_CELL
from platecast.components._conventions._evident import ALMF, SCANR
from platecast.components._conventions._micromanager import MM_PLANES, MM_PLANES_1, MM_STACK
from platecast.components._conventions._molecular_devices import (
    HCS_AI,
    IMAGEXPRESS,
    IMAGEXPRESS_SINGLE,
    IN_CARTA,
)
from platecast.components._conventions._others import ARACELI, LEICA, NIKON, OME_ZARR, VITRA
from platecast.components._conventions._platecast import PLATECAST
from platecast.components._conventions._revvity import FLEX, HARMONY
from platecast.components._conventions._sartorius import INCUCYTE, INCUCYTE_RAW
from platecast.components._conventions._thermo import ARRAYSCAN, EVOS
from platecast.components._conventions._yokogawa import CELLVOYAGER, CQ1

CONVENTIONS: tuple[FilenameConvention, ...] = (
    PLATECAST,
    HARMONY,
    CELLVOYAGER,
    HCS_AI,
    IN_CARTA,
    ARACELI,
    SEAFRONT,
    IN_CELL,
    SCANR,
    ALMF,
    LEICA,
    NIKON,
    MM_STACK,
    MM_PLANES,
    MM_PLANES_1,
    VITRA,
    IMAGEXPRESS,
    GEN5,
    EVOS,
    ARRAYSCAN,
    CQ1,
    FLEX,
    SQUID,
    SQUID_OME,
    INCUCYTE_RAW,
    INCUCYTE,
    IMAGEXPRESS_SINGLE,
    OME_ZARR,
)

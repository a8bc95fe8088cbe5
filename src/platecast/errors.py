"""Every error that platecast raises.

Each one is a `PlatecastError` and also the built-in that fits, so that callers may catch either::

    PlatecastError
    ├── UnrecognizedNameError    (ValueError)       a file name that no convention reads
    ├── InvalidWellError         (ValueError)       a label that names no well
    ├── InvalidComponentsError   (ValueError)       components that name no plane
    ├── MetadataError            (ValueError)       an instrument's file that cannot be understood
    ├── UnsupportedArrayError    (TypeError)        an array that cannot be sent or stored
    ├── InvalidRecordsError      (ValueError)       points, shapes, … or a table that contradict themselves
    ├── StorageError             (OSError)          a backend could not do what was asked
    │   └── ImageNotFoundError   (FileNotFoundError)
    ├── UnknownBackendError      (LookupError)      no backend has this name
    ├── ConfigError              (ValueError)       a choice in a file or the environment that is not known
    ├── PipelineError            (ValueError)       a pipeline that cannot run as written
    ├── ProtocolError            (ValueError)       a peer's message that breaks the protocol
    ├── PairingError             (ValueError)       keys or a pairing string that do not serve
    ├── TunnelError              (ConnectionError)  no tunnel to another machine
    ├── PortInUseError           (OSError)          a port of the pair belongs to somebody else
    ├── ViewerNotFoundError      (ConnectionError)  no viewer answers there
    ├── ViewerStartError         (RuntimeError)     a viewer did not come up
    ├── MemoryBudgetError        (MemoryError)      neither memory nor scratch has room for a plane
    └── ViewerCommandError       (RuntimeError)     a viewer refused or failed a command
"""


class PlatecastError(Exception):
    """Base of every error that platecast raises on purpose."""


class UnrecognizedNameError(PlatecastError, ValueError):
    """A file name that no convention recognizes as a raw image."""


class InvalidWellError(PlatecastError, ValueError):
    """A label that does not name a well."""


class InvalidComponentsError(PlatecastError, ValueError):
    """Components that are empty, negative or of the wrong type."""


class MetadataError(PlatecastError, ValueError):
    """A file in which an instrument describes a plate, and which cannot be understood."""


class UnsupportedArrayError(PlatecastError, TypeError):
    """An array whose type or shape cannot be sent or stored."""


class InvalidRecordsError(PlatecastError, ValueError):
    """Points, shapes, tracks, vectors or a table that cannot be sent as they are."""


class StorageError(PlatecastError, OSError):
    """A storage backend could not do what was asked."""


class ImageNotFoundError(StorageError, FileNotFoundError):
    """A backend holds no image under this path."""


class UnknownBackendError(PlatecastError, LookupError):
    """No storage backend has this name."""


class ConfigError(PlatecastError, ValueError):
    """A choice that cannot be understood; says where it was made."""


class PipelineError(PlatecastError, ValueError):
    """A pipeline that cannot run as written; lists everything that is wrong."""


class ProtocolError(PlatecastError, ValueError):
    """A peer's message that breaks the protocol."""


class PairingError(PlatecastError, ValueError):
    """No pairing with a viewer on another machine, or keys that cannot be used."""


class TunnelError(PlatecastError, ConnectionError):
    """A tunnel to another machine cannot be opened."""


class PortInUseError(PlatecastError, OSError):
    """One of a viewer's two ports belongs to somebody else."""

    def __str__(self) -> str:
        # Who has the port says more than the number of the system's error.
        return self.strerror or super().__str__()


class ViewerNotFoundError(PlatecastError, ConnectionError):
    """No viewer answers at this address."""


class ViewerStartError(PlatecastError, RuntimeError):
    """A viewer process did not come up."""


class MemoryBudgetError(PlatecastError, MemoryError):
    """There is no room for a plane, neither in memory nor in scratch."""


class ViewerCommandError(PlatecastError, RuntimeError):
    """A viewer refused or failed a command."""

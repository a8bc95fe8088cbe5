"""How images are shown in the viewers that were started here, kept for as long as those may be there."""

import json
import logging

from qtpy.QtCore import QSettings

from platecast.config import NapariStreamingConfig
from platecast.errors import ConfigError

_log = logging.getLogger(__name__)

_KEY = "displays"
_MOST = 50
"""Viewers; the oldest choice is forgotten first."""


class Displays:
    """Remembers the choice that was made when a viewer was started, also in later windows.

    Parameters
    ----------
    settings
        Where it is kept.
    """

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings
        self._configs = _read(str(settings.value(_KEY, "") or "{}"))

    def remember(self, instance: str, config: NapariStreamingConfig) -> None:
        """Keep how images are shown in a viewer.

        Parameters
        ----------
        instance
            This life of the viewer, see `Endpoint`.
        config
            The choice.
        """
        self._configs.pop(instance, None)
        self._configs[instance] = config
        while len(self._configs) > _MOST:
            del self._configs[next(iter(self._configs))]
        fields = {
            name: each.model_dump(mode="json", exclude_unset=True) for name, each in self._configs.items()
        }
        self._settings.setValue(_KEY, json.dumps(fields))

    def config_of(self, instance: str) -> NapariStreamingConfig | None:
        """Return how images are shown in a viewer; `None` where that was not chosen here."""
        return self._configs.get(instance)


def _read(text: str) -> dict[str, NapariStreamingConfig]:
    try:
        found = json.loads(text)
        return {name: NapariStreamingConfig.from_fields(each, source=_KEY) for name, each in found.items()}
    except (ValueError, AttributeError, ConfigError) as error:
        _log.warning("what was chosen for viewers started earlier is left out: %s", error)
        return {}

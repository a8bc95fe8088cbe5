"""The base of every configuration class: frozen, and nothing in it is unknown."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A frozen set of choices; an unknown field is an error, and defaults are visible in the class.

    ``model_fields_set`` tells which fields somebody chose; the others are defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

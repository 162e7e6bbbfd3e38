"""What kinds declare of their rows, for tests that walk over them."""

import typing
from dataclasses import fields

from apps.mirror.ask import Continued, Covered, Ended, Vanished
from apps.mirror.resource import REGISTER, Resource


def record_types(resource: Resource) -> list[type]:
    """Return the records a collector is declared to yield."""
    declared = typing.get_type_hints(resource.collect)["return"]
    (yielded,) = typing.get_args(declared)
    options = typing.get_args(yielded) or (yielded,)
    return [option for option in options if option not in (Covered, Continued, Ended, Vanished)]


def told(resource: Resource) -> set[str]:
    """Return the columns that a kind's records tell of."""
    return {field.name for record in record_types(resource) for field in fields(record)}


def foreign(resource: Resource) -> set[str]:
    """Return the columns of which only other kinds in the same model tell."""
    others = [one for one in REGISTER if one.model is resource.model and one is not resource]
    return set().union(*map(told, others)) - told(resource)

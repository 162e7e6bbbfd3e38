"""What people can do to environments, in the order in which it is offered."""

from . import deploy, restart, stop  # noqa: F401 - declare their acts

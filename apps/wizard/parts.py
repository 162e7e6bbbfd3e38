"""The two stacks of a project: the toolchain, and the application that its pipeline made.

Both are compared, kept from and deleted in the same way; `Part` says what differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .blueprints.answers import BadAnswersError
from .blueprints.rendering import read_template
from .models import APP, STACK, TOOLCHAIN, Bootstrap

# The file of the repository that the application's stack is made of.
APP_TEMPLATE = "template.yml"


def stack_id(bootstrap: Bootstrap) -> str:
    """Return the id of the stack that was made, "" for none: another of its name is not ours."""
    return _noted(bootstrap, bootstrap.name)


def app_stack_id(bootstrap: Bootstrap) -> str:
    """Return the id of the stack that the pipeline made, "" where none was seen."""
    return _noted(bootstrap, bootstrap.app_stack)


def _noted(bootstrap: Bootstrap, name: str) -> str:
    made = bootstrap.creations.filter(kind=STACK, ident=name).first() if name else None
    return made.name if made else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One of the stacks.

    name   of its template in `Bootstrap.bodies`, and of what is kept while it is compared.
    field  of the bootstrap that names what was edited of it.
    stack  its id in AWS, "" for none.
    """

    name: str
    field: str
    stack: Callable[[Bootstrap], str]

    @property
    def kept(self) -> str:
        """The name in `Bootstrap.bodies` of the template by which an undo lets it keep things."""
        return f"{self.name}-kept"

    def edited(self, bootstrap: Bootstrap) -> list[list[str]]:
        """Return what was edited of it, as the bootstrap has it."""
        found: list[list[str]] = getattr(bootstrap, self.field)
        return found


OF_TOOLCHAIN = Part(name=TOOLCHAIN, field="edited", stack=stack_id)
OF_APP = Part(name=APP, field="edited_app", stack=app_stack_id)
PARTS = (OF_TOOLCHAIN, OF_APP)


def bodies_of(bootstrap: Bootstrap) -> dict[str, str]:
    """Return the templates that are made of what was chosen. Raises BadAnswersError for none."""
    rendered = bootstrap.rendered
    found = {TOOLCHAIN: rendered.toolchain}
    if rendered.app_stack_name:
        found[APP] = rendered.files[APP_TEMPLATE].decode()
    return found


def template_as_made(bootstrap: Bootstrap, part: Part) -> dict[str, Any] | None:
    """Return the template that a stack was made of; None where nobody knows it any more.

    What was made before templates were kept is rendered anew.
    """
    bodies = bootstrap.bodies
    if not bodies:
        try:
            bodies = bodies_of(bootstrap)
        except BadAnswersError:
            return None
    return read_template(bodies[part.name]) if part.name in bodies else None

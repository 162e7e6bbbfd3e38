"""What can be done, in words: each room declares its own verbs."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that people do.

    name    what is kept, "project.joined"; the part before the dot is the room's.
    phrase  what is read after a person's name; "{what}" stands for what it was done with.
    group   what pages narrow their list by.
    icon    of Lucide.
    """

    name: str
    phrase: str
    group: str = ""
    icon: str = "pencil"

    def told(self, what: str) -> str:
        """In words; `what` may be hostile text and is taken as it is."""
        return self.phrase.replace("{what}", what)


@dataclass(slots=True)
class Verbs:
    """The register of verbs."""

    by_name: dict[str, Verb] = field(default_factory=dict)

    def add(self, verb: Verb) -> Verb:
        """Add one. Raises ValueError for a name that is taken."""
        if verb.name in self.by_name:
            raise ValueError(f"verb {verb.name} is declared twice")
        self.by_name[verb.name] = verb
        return verb

    def __iter__(self) -> Iterator[Verb]:
        return iter(self.by_name.values())

    def of(self, name: str) -> Verb:
        """Return a verb; one that is declared no more says its name."""
        return self.by_name.get(name) or Verb(name, f"{name.replace('.', ' ')} {{what}}")


VERBS = Verbs()

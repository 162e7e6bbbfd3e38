"""What people are in a project, as CodeStar had it, and what each may do. The least comes first."""

from enum import StrEnum


class Role(StrEnum):
    """A role in a project; each may do all that the ones before it may."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """Its place: of several roles the highest counts."""
        return list(Role).index(self)

    @property
    def label(self) -> str:
        """As people read it."""
        return self.value.capitalize()

    @property
    def may(self) -> str:
        """What it allows, in a sentence."""
        return MAY[self]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """For forms and columns, the highest first."""
        return [(role.value, role.label) for role in reversed(cls)]


MAY = {
    Role.VIEWER: "Reads everything of the project.",
    Role.CONTRIBUTOR: "Also edits the wiki, links resources and lays out the page.",
    Role.OWNER: "Also invites and removes people, changes the project and deletes it.",
}


def at_least(role: str, needed: Role) -> bool:
    """Whether a role (a word, "" for none) allows what `needed` does."""
    return bool(role) and Role(role).rank >= needed.rank

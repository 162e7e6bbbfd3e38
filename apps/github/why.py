"""Says why GitHub does not open a repository, and what cures it."""

from apps.source.models import Repository

CURES = {
    "blocked": (
        "GitHub blocks it for legal reasons: its owner was told why by mail, and can answer there."
    ),
    "disabled": (
        "Its owner's administrators or GitHub's support can tell why, and enable it again."
    ),
}


def why_repository(repository: Repository) -> str:
    """Return why a repository cannot be opened and what cures it, in two lines, or ""."""
    if not repository.status:
        return ""
    return "\n".join(filter(None, (repository.trouble, CURES.get(repository.status, ""))))

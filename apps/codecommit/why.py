"""Says why CodeCommit cannot open a repository, and what cures it.

https://docs.aws.amazon.com/codecommit/latest/userguide/encryption.html
"""

import re

from apps.source.models import Repository

# Of one that was never opened, only what CodeCommit says names the key.
KEY = re.compile(r":key/([\w-]+)")
CURES = {
    "EncryptionKeyDisabledException": (
        "Its KMS key is disabled: enable it again (aws kms enable-key --key-id {key}), or give the "
        "repository another one with UpdateRepositoryEncryptionKey."
    ),
    "EncryptionKeyAccessDeniedException": (
        "Its KMS key refuses: allow kms:Decrypt and kms:GenerateDataKey on {key} to whoever uses "
        "the repository, in the key's policy."
    ),
    "EncryptionKeyNotFoundException": (
        "Its KMS key is gone, maybe scheduled for deletion: cancel that (aws kms "
        "cancel-key-deletion --key-id {key}); a deleted key takes the contents with it."
    ),
    "EncryptionKeyUnavailableException": (
        "KMS does not give out its key at the moment: look at the key's state ({key}); it is asked "
        "again with the next sweep."
    ),
    "EncryptionIntegrityChecksFailedException": (
        "What is stored does not fit its key {key}: turn to AWS Support with the repository's name."
    ),
}


def why_repository(repository: Repository) -> str:
    """Return why a repository cannot be opened and what cures it, in two lines, or ""."""
    if not repository.trouble and not repository.status:
        return ""
    told = ": ".join(filter(None, (repository.status, repository.trouble)))
    named = KEY.search(repository.trouble)
    key = repository.key_id or (named[1] if named else "its key")
    cure = CURES.get(repository.status, "").format(key=key)
    return "\n".join(filter(None, (told, cure)))

"""What people are told before they let something be done, where the way of a change tells it."""

from apps.deeds.acts import ACTS

from .rollback import in_words

ACTS.besides["codepipeline.rollback"].append(in_words)

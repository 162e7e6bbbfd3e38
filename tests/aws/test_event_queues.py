"""What a person pastes for a queue is its name, its ARN or its URL, and of the right place."""

import pytest

from apps.aws.models import Account, Place
from apps.aws.queues import NoQueueError, name_entered, queue_arn, queue_of, queues_of

ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.mark.parametrize(
    "entry",
    [
        "our-events",
        "  our-events\n",
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:our-events",
        f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/our-events",
        f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/our-events/",
        f"https://{REGION}.queue.amazonaws.com/{ACCOUNT}/our-events",
        f"https://sqs-fips.{REGION}.amazonaws.com/{ACCOUNT}/our-events",
        # Hosts that tell no region: the oldest name, a VPC endpoint, a simulated account.
        f"https://queue.amazonaws.com/{ACCOUNT}/our-events",
        f"https://vpce-1a2b.sqs.{REGION}.vpce.amazonaws.com/{ACCOUNT}/our-events",
        f"http://127.0.0.1:5700/{ACCOUNT}/our-events",
    ],
)
def test_a_queue_is_known_by_its_name_arn_or_address(entry):
    assert name_entered(entry, ACCOUNT, REGION) == "our-events"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f"arn:aws:sqs:{REGION}:444455556666:our-events", "is in account 444455556666"),
        (f"https://sqs.{REGION}.amazonaws.com/444455556666/q", "is in account 444455556666"),
        (f"arn:aws:sqs:us-east-1:{ACCOUNT}:our-events", "is in us-east-1"),
        (f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/q", "is in us-east-1"),
        (f"arn:aws:sns:{REGION}:{ACCOUNT}:topic", "something of sns, not of a queue"),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:rule/codestar", "something of events, not of a queue"),
        ("arn:aws:sqs:", "cut short"),
        ("arn:aws:::::", "something of no service"),
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:", "no queue's name"),
        ("our events", "no queue's name"),
        ("q" * 81, "no queue's name"),
        ("<script>", "no queue's name"),
        (f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}", "address is no queue's"),
        (f"https://console.aws.amazon.com/sqs/v3/home?region={REGION}", "address is no queue's"),
        (f"ftp://sqs/{ACCOUNT}/q", "address is no queue's"),
        ("https://[::1/1/q", "no address"),
    ],
)
def test_anything_else_is_refused_in_words_that_say_what_to_do(entry, said):
    with pytest.raises(NoQueueError, match=said):
        name_entered(entry, ACCOUNT, REGION)


def test_while_the_accounts_number_is_not_known_any_account_will_do():
    assert name_entered(f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "", REGION) == "q"


def test_a_queues_arn_is_in_the_partition_of_its_region():
    assert queue_arn(ACCOUNT, "cn-north-1", "q") == f"arn:aws-cn:sqs:cn-north-1:{ACCOUNT}:q"


def test_a_place_listens_to_the_usual_queue_unless_another_is_named(settings):
    settings.EVENT_QUEUE_NAME = "usual"
    assert queue_of(Place()) == "usual"
    assert queue_of(Place(queue_name="ours")) == "ours"


def test_an_account_without_a_number_has_no_queues_yet():
    assert queues_of(Account()) == []

"""The event queue's."""

from contextlib import suppress

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    queue = clients("sqs", account, region)
    url = queue.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
    for message in queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
        # A full queue drops its oldest messages.
        with suppress(queue.exceptions.ReceiptHandleIsInvalid):
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    queue.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])

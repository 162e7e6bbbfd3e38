"""CodeCommit's repositories hold real objects, live, and start the pipelines that listen."""

import hashlib
import json

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.server import SandboxServer
from apps.sandbox.trail import API_CALL

from .conftest import Aws
from .shapes import deploy, pipeline

LAB = "444455556666"


@pytest.fixture
def code(aws: Aws):
    """An account with one repository, `web`, whose main has one commit."""
    client = aws("codecommit")
    client.create_repository(repositoryName="web", repositoryDescription="The shop's front")
    put(client, "main", {"app.py": "one\ntwo\nthree\n", "docs/read.md": "# Read\n"})
    return client


def put(client, branch, files, message="A change", repository="web", delete=()):
    heads = client.list_branches(repositoryName=repository)["branches"]
    parent = {"parentCommitId": head(client, branch, repository)} if branch in heads else {}
    return client.create_commit(
        repositoryName=repository,
        branchName=branch,
        commitMessage=message,
        authorName="platform-engineer",
        email="platform-engineer@example.com",
        putFiles=[{"filePath": path, "fileContent": text.encode()} for path, text in files.items()],
        deleteFiles=[{"filePath": path} for path in delete],
        **parent,
    )


def head(client, branch="main", repository="web"):
    found = client.get_branch(repositoryName=repository, branchName=branch)
    return found["branch"]["commitId"]


def branch_off(client, name):
    client.create_branch(repositoryName="web", branchName=name, commitId=head(client))


def propose(client, source="feature"):
    return client.create_pull_request(
        title="A proposal",
        targets=[
            {
                "repositoryName": "web",
                "sourceReference": source,
                "destinationReference": "refs/heads/main",
            }
        ],
    )["pullRequest"]


def events_of(aws, source="aws.codecommit"):
    """Put a rule and a queue in place; what is returned reads the service's events since then."""
    sqs, events = aws("sqs"), aws("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    events.put_rule(Name="hear", EventPattern=json.dumps({"source": [source]}))
    arn = "arn:aws:sqs:eu-west-1:111122223333:heard"
    events.put_targets(Rule="hear", Targets=[{"Id": "1", "Arn": arn}])

    def read():
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in found if event["detail-type"] != API_CALL]

    return read


def test_a_commit_has_gits_own_ids_and_can_be_read_back(code):
    first = head(code)
    made = put(code, "main", {"app.py": "one\n2\nthree\n"}, "Say it in digits\n\nBody.")
    commit = code.get_commit(repositoryName="web", commitId=made["commitId"])["commit"]
    assert commit["parents"] == [first]
    assert commit["message"] == "Say it in digits\n\nBody."
    assert commit["author"]["name"] == "platform-engineer"
    assert commit["author"]["date"].endswith(" +0000")
    blob = made["filesUpdated"][0]["blobId"]
    assert blob == hashlib.sha1(b"blob 12\0one\n2\nthree\n").hexdigest()
    assert code.get_blob(repositoryName="web", blobId=blob)["content"] == b"one\n2\nthree\n"
    found = code.batch_get_commits(repositoryName="web", commitIds=[first, "0" * 40])
    assert [one["commitId"] for one in found["commits"]] == [first]
    assert found["errors"][0]["commitId"] == "0" * 40


def test_differences_tell_what_was_added_modified_and_deleted(code):
    first = head(code)
    put(code, "main", {"app.py": "1\n", "new.py": "new\n"}, delete=["docs/read.md"])
    found = code.get_differences(
        repositoryName="web", beforeCommitSpecifier=first, afterCommitSpecifier="main"
    )["differences"]
    told = [
        (one["changeType"], (one.get("afterBlob") or one["beforeBlob"])["path"]) for one in found
    ]
    assert told == [("M", "app.py"), ("D", "docs/read.md"), ("A", "new.py")]
    everything = code.get_differences(repositoryName="web", afterCommitSpecifier=first)
    assert {one["changeType"] for one in everything["differences"]} == {"A"}


def test_a_commit_needs_the_branchs_head_as_its_parent_and_changes_something(code):
    for parent, said in ((None, "ParentCommitIdRequired"), ("0" * 40, "ParentCommitDoesNotExist")):
        with pytest.raises(ClientError, match=said):
            code.put_file(
                repositoryName="web",
                branchName="main",
                filePath="x",
                fileContent=b"x",
                **({"parentCommitId": parent} if parent else {}),
            )
    with pytest.raises(ClientError, match="SameFileContent"):
        code.put_file(
            repositoryName="web",
            branchName="main",
            filePath="docs/read.md",
            fileContent=b"# Read\n",
            parentCommitId=head(code),
        )


def test_a_push_by_boto3_starts_the_pipeline_that_listens_to_the_branch(aws, code):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    before = len(client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"])
    branch_off(code, "quiet")
    made = put(code, "main", {"app.py": "pushed\n"}, "Pushed <b>by</b> boto3")
    ran = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    assert len(ran) == before + 1
    assert ran[0]["sourceRevisions"][0]["revisionId"] == made["commitId"]
    assert ran[0]["sourceRevisions"][0]["revisionSummary"] == "Pushed <b>by</b> boto3"
    # Nobody listens to the other branch.
    put(code, "quiet", {"app.py": "quiet\n"})
    assert len(
        client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    ) == len(ran)


def test_a_started_pipeline_takes_the_branchs_head_and_fails_where_there_is_none(aws, code):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    started = client.start_pipeline_execution(name="web")["pipelineExecutionId"]
    ran = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=started)
    assert ran["pipelineExecution"]["artifactRevisions"][0]["revisionId"] == head(code)
    nowhere = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "0" * 40}
    started = client.start_pipeline_execution(name="web", sourceRevisions=[nowhere])
    (ran, *_) = client.list_action_executions(
        pipelineName="web", filter={"pipelineExecutionId": started["pipelineExecutionId"]}
    )["actionExecutionDetails"]
    said = ran["output"]["executionResult"]["errorDetails"]["message"]
    assert f"commit {'0' * 40} does not exist" in said
    aws("codecommit").create_repository(repositoryName="empty")
    definition = pipeline("empty", [deploy()])
    definition["stages"][0]["actions"][0]["configuration"]["RepositoryName"] = "empty"
    client.create_pipeline(pipeline=definition)
    (failed,) = client.list_action_executions(pipelineName="empty")["actionExecutionDetails"]
    said = failed["output"]["executionResult"]["errorDetails"]["message"]
    assert "branch main does not exist" in said


def test_pushes_and_pull_requests_are_told_as_events(aws, code):
    read = events_of(aws)
    branch_off(code, "feature")
    made = put(code, "feature", {"app.py": "1\n2\n"})
    pull = propose(code)
    code.post_comment_for_pull_request(
        pullRequestId=pull["pullRequestId"],
        repositoryName="web",
        beforeCommitId=head(code),
        afterCommitId=made["commitId"],
        content="Why?",
    )
    code.merge_pull_request_by_fast_forward(
        pullRequestId=pull["pullRequestId"], repositoryName="web"
    )
    told = [
        (one["detail-type"], one["detail"]["event"])
        for one in read()
        if one["detail-type"].startswith("CodeCommit")
    ]
    assert told == [
        ("CodeCommit Repository State Change", "referenceCreated"),
        ("CodeCommit Repository State Change", "referenceUpdated"),
        ("CodeCommit Pull Request State Change", "pullRequestCreated"),
        ("CodeCommit Comment on Pull Request", "commentOnPullRequestCreated"),
        ("CodeCommit Repository State Change", "referenceUpdated"),
        ("CodeCommit Pull Request State Change", "pullRequestMergeStatusUpdated"),
    ]


def test_a_pull_request_is_approved_by_others_and_merged_when_its_rules_hold(aws, code):
    branch_off(code, "feature")
    put(code, "feature", {"app.py": "one\n2\nthree\n"})
    pull = propose(code)
    number, revision = pull["pullRequestId"], pull["revisionId"]
    content = {
        "Version": "2018-11-08",
        "Statements": [
            {"Type": "Approvers", "NumberOfApprovalsNeeded": 1, "ApprovalPoolMembers": ["*"]}
        ],
    }
    code.create_pull_request_approval_rule(
        pullRequestId=number, approvalRuleName="One", approvalRuleContent=json.dumps(content)
    )
    with pytest.raises(ClientError, match="ApprovalRulesNotSatisfied"):
        code.merge_pull_request_by_squash(pullRequestId=number, repositoryName="web")
    with pytest.raises(ClientError, match="CannotBeApprovedByAuthor"):
        code.update_pull_request_approval_state(
            pullRequestId=number, revisionId=revision, approvalState="APPROVE"
        )
    other = aws("iam").create_access_key(UserName="release-manager")["AccessKey"]
    reviewer = aws("codecommit", other["AccessKeyId"])
    reviewer.update_pull_request_approval_state(
        pullRequestId=number, revisionId=revision, approvalState="APPROVE"
    )
    told = code.evaluate_pull_request_approval_rules(pullRequestId=number, revisionId=revision)
    assert told["evaluation"]["approvalRulesSatisfied"] == ["One"]
    done = code.merge_pull_request_by_squash(pullRequestId=number, repositoryName="web")
    target = done["pullRequest"]["pullRequestTargets"][0]
    assert target["mergeMetadata"]["mergeCommitId"] == head(code)
    assert done["pullRequest"]["pullRequestStatus"] == "CLOSED"


def test_a_push_takes_approvals_back_and_a_contradiction_is_a_conflict(code):
    branch_off(code, "feature")
    put(code, "feature", {"app.py": "one\nTWO\nthree\n"})
    pull = propose(code)
    put(code, "feature", {"docs/read.md": "# Read this\n"})
    now = code.get_pull_request(pullRequestId=pull["pullRequestId"])["pullRequest"]
    assert now["revisionId"] != pull["revisionId"]
    with pytest.raises(ClientError, match="RevisionNotCurrent"):
        code.evaluate_pull_request_approval_rules(
            pullRequestId=pull["pullRequestId"], revisionId=pull["revisionId"]
        )
    asked = {
        "repositoryName": "web",
        "sourceCommitSpecifier": "feature",
        "destinationCommitSpecifier": "main",
        "mergeOption": "THREE_WAY_MERGE",
        "conflictDetailLevel": "LINE_LEVEL",
    }
    assert code.get_merge_conflicts(**asked)["mergeable"] is True
    put(code, "main", {"app.py": "one\nzwei\nthree\n"})
    conflict = code.get_merge_conflicts(**asked)
    assert conflict["mergeable"] is False
    assert [one["filePath"] for one in conflict["conflictMetadataList"]] == ["app.py"]
    with pytest.raises(ClientError, match="ManualMergeRequired"):
        code.merge_pull_request_by_three_way(
            pullRequestId=pull["pullRequestId"], repositoryName="web"
        )


def test_a_disabled_key_closes_a_repository_until_it_gets_another():
    with SandboxServer(seed=1, speed=0, scenario="default") as server:
        client = Aws(server.url)("codecommit")
        answer = client.batch_get_repositories(
            repositoryNames=["payments-vault", "style-guide", "nowhere"]
        )
        assert [one["repositoryName"] for one in answer["repositories"]] == ["style-guide"]
        assert answer["repositoriesNotFound"] == ["nowhere"]
        assert answer["errors"][0]["errorCode"] == "EncryptionKeyDisabledException"
        with pytest.raises(ClientError, match="EncryptionKeyDisabled"):
            client.list_branches(repositoryName="payments-vault")
        client.update_repository_encryption_key(
            repositoryName="payments-vault", kmsKeyId="1234abcd-12ab-34cd-56ef-1234567890ab"
        )
        assert client.list_branches(repositoryName="payments-vault")["branches"] == ["main"]


def test_the_scenarios_pipelines_take_their_commits_from_its_repositories():
    with SandboxServer(seed=1, speed=0, scenario="default") as server:
        aws = Aws(server.url)
        for region, name in (
            ("eu-west-1", "data-platform"),
            ("us-east-1", "docs-site"),
            ("us-east-1", "fraud-model"),
        ):
            code, pipelines = aws("codecommit", LAB, region), aws("codepipeline", LAB, region)
            ran = pipelines.list_pipeline_executions(pipelineName=name)
            ids = {
                revision["revisionId"]
                for run in ran["pipelineExecutionSummaries"]
                for revision in run.get("sourceRevisions", ())
            }
            found = code.batch_get_commits(repositoryName=name, commitIds=sorted(ids))
            assert len(found["commits"]) == len(ids) > 4
            assert found["errors"] == []


def test_the_scenario_has_pull_requests_of_every_end_and_those_that_cannot_be_merged():
    with SandboxServer(seed=1, speed=0, scenario="default") as server:
        aws = Aws(server.url)
        code = aws("codecommit")
        ids = code.list_pull_requests(repositoryName="shared-libraries")["pullRequestIds"]
        pulls = [code.get_pull_request(pullRequestId=one)["pullRequest"] for one in ids]
        ends = {pull["pullRequestTargets"][0]["mergeMetadata"].get("mergeOption") for pull in pulls}
        assert ends == {None, "FAST_FORWARD_MERGE", "SQUASH_MERGE", "THREE_WAY_MERGE"}
        conflicts = aws("codecommit", LAB).get_merge_conflicts(
            repositoryName="data-platform",
            sourceCommitSpecifier="larger-batches",
            destinationCommitSpecifier="main",
            mergeOption="THREE_WAY_MERGE",
            conflictDetailLevel="LINE_LEVEL",
        )
        assert conflicts["conflictMetadataList"][0]["filePath"] == "jobs/ingest.py"
        lab = aws("codecommit", LAB, "us-east-1")
        (number,) = lab.list_pull_requests(repositoryName="fraud-model")["pullRequestIds"]
        pull = lab.get_pull_request(pullRequestId=number)["pullRequest"]
        told = lab.evaluate_pull_request_approval_rules(
            pullRequestId=number, revisionId=pull["revisionId"]
        )["evaluation"]
        assert told["approvalRulesNotSatisfied"] == ["Two of the risk team"]


def test_people_open_discuss_and_merge_pull_requests_while_it_lives():
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        code = Aws(server.url)("codecommit")
        before = len(code.list_pull_requests(repositoryName="shared-libraries")["pullRequestIds"])
        server.clock.advance(1800)
        ids = code.list_pull_requests(repositoryName="shared-libraries")["pullRequestIds"]
        assert len(ids) > before + 2
        ended = [
            one
            for one in ids[: len(ids) - before]
            if code.get_pull_request(pullRequestId=one)["pullRequest"]["pullRequestStatus"]
            == "CLOSED"
        ]
        assert ended


def test_the_same_seed_gives_the_same_commits(monkeypatch):
    monkeypatch.setattr("apps.sandbox.clock.time.time", lambda: 1_800_000_000.0)
    heads = []
    for seed in (3, 3, 4):
        with SandboxServer(seed=seed, speed=0, scenario="default") as server:
            heads.append(head(Aws(server.url)("codecommit", LAB), "main", "data-platform"))
    assert heads[0] == heads[1] != heads[2]

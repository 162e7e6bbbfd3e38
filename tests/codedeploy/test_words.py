"""What CodeDeploy writes as codes is said in words; what may be a secret is not said at all."""

import re
from dataclasses import is_dataclass
from types import SimpleNamespace

import pytest

from apps.codedeploy import diagnose, masking, models, records, words

CANARY = ("TimeBasedCanary", 10, 5)


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("CodeDeployDefault.AllAtOnce", {}, "all instances at once"),
        ("CodeDeployDefault.HalfAtATime", {}, "half of the instances at a time"),
        ("CodeDeployDefault.OneAtATime", {}, "one instance at a time"),
        (
            "CodeDeployDefault.LambdaCanary10Percent5Minutes",
            {},
            "10 percent for 5 minutes, then the rest",
        ),
        (
            "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
            {},
            "10 percent more every minute",
        ),
        ("CodeDeployDefault.ECSAllAtOnce", {}, "all traffic at once"),
        ("CodeDeployDefault.Tomorrow", {}, ""),
        ("mine", {"traffic": CANARY}, "10 percent for 5 minutes, then the rest"),
        ("mine", {"traffic": ("TimeBasedLinear", 20, 3)}, "20 percent more every 3 minutes"),
        ("mine", {"traffic": ("Sideways", None, None)}, "Sideways"),
        ("mine", {"minimum": ("HOST_COUNT", 1)}, "at least 1 instance stays healthy"),
        (
            "mine",
            {"minimum": ("FLEET_PERCENT", 75)},
            "at least 75 percent of the instances stay healthy",
        ),
        ("mine", {"minimum": ("FLEET_PERCENT", 0)}, "all instances at once"),
        (
            "mine",
            {
                "minimum": ("HOST_COUNT", 2),
                "zones": {
                    "first_zone_monitor_duration_in_seconds": 600,
                    "monitor_duration_in_seconds": 90,
                    "minimum_healthy_hosts_per_zone": {"type": "HOST_COUNT", "value": 1},
                },
            },
            "at least 2 instances stay healthy; one Availability Zone after the other, 10 minutes "
            "of watching after the first, 90 seconds after each other; in each zone at least 1 "
            "instance stays healthy",
        ),
    ],
)
def test_a_configuration_says_what_it_does(name, told, said):
    assert words.configuration(name, **told) == said


def test_a_blue_green_deployment_says_when_it_does_what():
    told = words.waits(
        {
            "green_fleet_provisioning_option": {"action": "COPY_AUTO_SCALING_GROUP"},
            "deployment_ready_option": {
                "action_on_timeout": "STOP_DEPLOYMENT",
                "wait_time_in_minutes": 30,
            },
            "terminate_blue_instances_on_deployment_success": {
                "action": "TERMINATE",
                "termination_wait_time_in_minutes": 60,
            },
        }
    )
    assert told == [
        "The replacements come from a copy of the Auto Scaling group.",
        "Traffic is rerouted when somebody says so; after 30 minutes without that, the deployment "
        "stops.",
        "The originals are terminated 60 minutes later.",
    ]
    assert words.waits({}) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=*** next"),
        ('{"ApiToken": "abc,def", "Name": "x"}', '{"ApiToken": "***", "Name": "x"}'),
        ("  client_secret: 'a b'", "  client_secret: '***'"),
        ("curl --token abc123 https://x", "curl --token *** https://x"),
        ("password: |\n  one\n  two\nname: x", "password: |\n  ***\n  ***\nname: x"),
        ("No token here: none", "No token here: none"),
        ("TargetVersion: 42", "TargetVersion: 42"),
        ("tokenizer ready", "tokenizer ready"),
        ("https://user:pw@example.com/x", "https://***@example.com/x"),
    ],
)
def test_whatever_stands_behind_a_name_that_sounds_secret_is_masked(text, said):
    assert masking.text(text) == said


def tail(*lines: str, script: str = "run.sh") -> str:
    return "\n".join(("LifecycleEvent - ApplicationStart", f"Script - {script}", *lines))


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            tail("[stdout]up", "[stderr]Error: listen EADDRINUSE: 8080", "[stderr]    at x"),
            "Error: listen EADDRINUSE: 8080",
        ),
        (
            tail(
                "[stderr]Traceback (most recent call last):",
                '[stderr]  File "app.py", line 3, in <module>',
                "[stderr]    boot()",
                "[stderr]django.db.utils.OperationalError: could not connect",
                "[stdout]bye",
            ),
            "django.db.utils.OperationalError: could not connect",
        ),
        (tail("[stdout]fine", "[stderr]it will not do", "[stdout]end"), "it will not do"),
        (tail("[stdout]only this"), "only this"),
        (tail("[stdout]\x1b[31mError: red\x1b[0m"), "Error: red"),
        (
            tail("[stderr]Error: an earlier script", script="a.sh")
            + "\nScript - run.sh\n[stderr]the one that counts",
            "the one that counts",
        ),
    ],
)
def test_the_line_that_says_the_error_is_found_in_a_scripts_log(log, line):
    mark = diagnose.causing_line(log, "run.sh")
    assert mark is not None
    assert diagnose.said(log.split("\n")[mark]) == line


def test_a_log_that_says_nothing_has_no_such_line():
    assert diagnose.causing_line(tail()) is None


def test_why_a_target_failed_begins_with_event_script_and_line():
    log = tail("[stdout]up", "[stderr]Error: no", "[stderr]    at x")
    target = SimpleNamespace(
        failing_event="ApplicationStart",
        failing_script="run.sh",
        failing_code="ScriptFailed",
        failing_message="Script at specified location: run.sh failed with exit code 1",
        log_tail=log,
        log_mark=3,
    )
    assert diagnose.why(target) == (
        "ApplicationStart: run.sh: Error: no\n"
        "Script at specified location: run.sh failed with exit code 1\n"
        "    at x"
    )
    bare = SimpleNamespace(**{**vars(target), "log_tail": "", "log_mark": None})
    assert diagnose.why(bare).startswith("ApplicationStart: run.sh: Script at specified location")
    assert diagnose.why(SimpleNamespace(failing_event="")) == ""


def test_every_record_is_explained_by_a_model_that_is_there():
    told = {
        name: re.findall(r"models\.(\w+)", record.__doc__ or "")
        for name, record in vars(records).items()
        if is_dataclass(record) and name.endswith("Record")
    }
    assert len(told) == 6
    for name, (model,) in told.items():
        assert name == f"{model}Record"
        assert hasattr(models, model)
    assert "see models.DeploymentConfig" in (words.configuration.__doc__ or "")


def test_target_groups_are_named_once_those_of_pairs_too():
    info = {
        "target_group_info_list": [{"name": "blue"}, {"name": "blue"}, {}],
        "target_group_pair_info_list": [{"target_groups": [{"name": "green"}, {"name": "blue"}]}],
        "elb_info_list": [{"name": "classic"}],
    }
    assert words.target_groups(info) == ["blue", "green"]


def test_what_a_script_printed_is_told_as_a_terminal_would_leave_it():
    assert diagnose.shown("[stdout]10 %\r20 %\x07") == "[stdout]20 %"
    assert diagnose.said("[stderr]\x1b[31m10 %\r20 %\x1b[0m") == "20 %"

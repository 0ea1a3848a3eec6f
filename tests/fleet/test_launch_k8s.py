"""The Indexed Job: what Kubernetes takes, and what a pod then runs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from hwbench.errors import UsageError
from hwbench.fleet import launch_task
from hwbench.fleet.launch import Order
from hwbench.fleet.launch_k8s import Applied, job

ORDER = Order("s3://b/f", ["--preset", "quick", "--param", "size=$(HOME)", "--", "stream"], "abc1234", every=20.0)
SCHEMA = json.loads(Path(__file__).with_name("job.schema.json").read_text())


def made(**options):
    return job(ORDER, 16, "registry.example/hwbench:0.1", **options)


def resolved(container, index, node):
    """The arguments and the environment of a pod, as Kubernetes fills them in."""
    fields = {"spec.nodeName": node, "metadata.annotations['batch.kubernetes.io/job-completion-index']": str(index)}
    found = {
        one["name"]: one["value"] if "value" in one else fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
        for one in container["env"]
    }
    words = []
    for word in container["args"]:
        filled = word.replace("$$", "\0")
        for name, value in found.items():
            filled = filled.replace(f"$({name})", value)
        words.append(filled.replace("\0", "$"))
    return words, found


@pytest.mark.parametrize(
    "options", [{}, {"secret": "store-credentials", "retries": 0, "program": ["python", "-m", "hwbench"]}]
)
def test_kubernetes_takes_the_job(options):
    """By the schema: a field that is none, or of another type, is refused."""
    validator = jsonschema_rs.validator_for(SCHEMA)
    told = made(**options)
    assert [error.message for error in validator.iter_errors(told)] == []
    assert not validator.is_valid(told | {"spec": told["spec"] | {"completion": 16}})
    assert not validator.is_valid(told | {"spec": told["spec"] | {"completions": "16"}})


def test_a_pod_runs_its_task_under_its_nodes_name():
    """The index is the task, and a dollar of the user's own reaches hwbench as it is."""
    [container] = made()["spec"]["template"]["spec"]["containers"]
    words, environment = resolved(container, 7, "node-7")
    assert words == ["run", "--machine", "node-7", *ORDER.command()[1:]]
    assert launch_task.here(environment) == ORDER.task(7, 16)


def test_a_node_has_one_pod():
    """Pods of a launch stay apart, and the label that they are told by is theirs."""
    template = made()["spec"]["template"]
    [apart] = template["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert made()["spec"]["parallelism"] == 16


@pytest.mark.parametrize(
    ("image", "secret", "said"),
    [
        ("", "", "--k8s: needs --image"),
        ("x y", "", "--image x y: is no name"),
        ("x", "A B", "--secret A B: is no name"),
    ],
)
def test_what_no_cluster_takes_is_refused(image, secret, said):
    """Before anything is printed."""
    with pytest.raises(UsageError, match=said):
        job(ORDER, 2, image, secret=secret)


def test_a_job_that_the_user_applies_is_only_watched():
    """Its pods are named by their index."""
    launcher = Applied(2)
    launcher.start(0, 2)
    assert (launcher.names(), launcher.check(pytest.fail), launcher.ended()) == (["index 0", "index 1"], {}, [])
    launcher.close()

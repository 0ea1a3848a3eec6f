"""An Indexed Job of Kubernetes, printed to be applied: a pod a node, each of which runs `hwbench run --to URL`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..record import tickets
from .launch import Ended, Order

if TYPE_CHECKING:
    from ..record.model import JsonObject

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}")
NODE = "HWBENCH_NODE"
KEPT = 86_400  # seconds that a finished Job stays
INDEX = "batch.kubernetes.io/job-completion-index"  # the annotation, and the label since Kubernetes 1.28
HOSTNAME = "kubernetes.io/hostname"


def job(
    order: Order, nodes: int, image: str, *, program: Sequence[str] = ("hwbench",), secret: str = "", retries: int = 1,
    wait: float = 3600.0,
) -> JsonObject:  # fmt: skip
    """The Job; UsageError for what no cluster would take."""
    if not image:
        raise UsageError("--k8s: needs --image, which has hwbench and Python")
    if not IMAGE.fullmatch(image):
        raise UsageError(f"--image {image[:100]}: is no name of an image, such as registry.example/hwbench:0.1")
    if secret and not NAME.fullmatch(secret):
        raise UsageError(f"--secret {secret[:100]}: is no name of a Secret: lower case, digits, '-' and '.'")
    name = f"hwbench-{order.launch}"
    labels: JsonObject = {"app.kubernetes.io/name": "hwbench", "hwbench-launch": order.launch}
    same = {name: value for name, value in order.task(0, nodes).variables().items() if name != tickets.TASK}
    run, *words = order.command()
    container: JsonObject = {
        "name": "hwbench",
        "image": image,
        # A pod has a name of its own: the machine is called as its node. $$ is a dollar that Kubernetes leaves alone.
        "command": [*program],
        "args": [run, "--machine", f"$({NODE})", *(word.replace("$(", "$$(") for word in words)],
        "workingDir": "/tmp",  # noqa: S108 - of the container
        "env": [
            _field(tickets.TASK, f"metadata.annotations['{INDEX}']"),
            _field(NODE, "spec.nodeName"),
            *({"name": name, "value": value} for name, value in same.items()),
        ],
    }
    if secret:
        container["envFrom"] = [{"secretRef": {"name": secret}}]
    apart: JsonObject = {"labelSelector": {"matchLabels": {"hwbench-launch": order.launch}}, "topologyKey": HOSTNAME}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "completionMode": "Indexed",
            "completions": nodes,
            "parallelism": nodes,
            "backoffLimitPerIndex": retries,
            "maxFailedIndexes": nodes,
            # What was measured with a wrong answer (1) or cannot be measured (2) would end alike another time.
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailIndex",
                        "onExitCodes": {"containerName": "hwbench", "operator": "In", "values": [1, 2]},
                    },
                ],
            },
            "activeDeadlineSeconds": math.ceil(wait),
            "ttlSecondsAfterFinished": KEPT,
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
                    "containers": [container],
                },
            },
        },
    }


def _field(name: str, path: str) -> JsonObject:
    """An environment variable with what Kubernetes knows of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


class Applied:
    """A Job that the user applies: nothing is started here, and how pods end only Kubernetes knows."""

    def __init__(self, nodes: int) -> None:
        self.nodes = nodes

    def names(self) -> list[str]:
        """The pods, by their index."""
        return [f"index {task}" for task in range(self.nodes)]

    def check(self, say: Callable[[str], object]) -> dict[int, str]:  # noqa: ARG002 - of the protocol
        """An image has one version."""
        return {}

    def start(self, task: int, machines: int) -> None:
        """Kubernetes does."""

    def ended(self) -> list[Ended]:
        """Nothing is heard of."""
        return []

    def close(self) -> None:
        """Nothing is held."""

# SPDX-License-Identifier: MIT
"""ECS: DescribeTasks, for the task that the metadata shows and others."""

import re

from errors import ApiError
from identity import ACCOUNT
from operation import operation
from schema import Anything, List, Structure, Text

MOST = 100
TASK = re.compile(r"arn:aws:ecs:([^:]+):(\d+):task/([^/]+)/([0-9a-f]+)")
CLUSTER = re.compile(r"(?:arn:aws:ecs:([^:]+):(\d+):cluster/)?([^:/]+)")


def _definition(task, family, revision):
    """Return the ARN of a task definition, in the account of a task."""
    return "%s:task-definition/%s:%s" % (
        task.partition(":task/")[0], family, revision)


def _own(task):
    """Return the task of the metadata as DescribeTasks shows it."""
    containers = [{
        "containerArn": held["ContainerARN"], "name": held["Name"],
        "runtimeId": held["DockerId"], "lastStatus": held["KnownStatus"],
        "taskArn": task["TaskARN"]} for held in task["Containers"].values()]
    return {
        "taskArn": task["TaskARN"], "clusterArn": task["Cluster"],
        "availabilityZone": task["AvailabilityZone"],
        "launchType": task["LaunchType"], "group": "service:"
        + task["ServiceName"], "lastStatus": task["KnownStatus"],
        "desiredStatus": task["DesiredStatus"], "containers": containers,
        "taskDefinitionArn": _definition(task["TaskARN"], task["Family"],
                                         task["Revision"]),
        "enableExecuteCommand": False}


def _other(arn, status):
    """Return a task that was planted."""
    desired = "RUNNING" if status in ("PENDING", "RUNNING") else "STOPPED"
    return {"taskArn": arn, "clusterArn": arn.replace(
        ":task/", ":cluster/").rpartition("/")[0], "lastStatus": status,
        "desiredStatus": desired, "containers": [], "launchType": "FARGATE",
        "taskDefinitionArn": _definition(arn, "planted", 1)}


def _known(state):
    """Return all tasks by ARN."""
    found = {arn: _other(arn, status) for arn, status in state.tasks.items()}
    found[state.task["TaskARN"]] = _own(state.task)
    return found


def _invalid(text):
    return ApiError("InvalidParameterException", text)


def _cluster(call, known):
    """Return the name of the cluster, which must be one of ours."""
    match = CLUSTER.fullmatch(call.params.get("cluster") or "default")
    if match is None:
        raise _invalid("Invalid identifier: Unexpected number of separators")
    region, account, name = match.groups()
    if account not in (None, ACCOUNT) or region not in (None, call.region):
        raise _invalid("Invalid identifier: Identifier is for another "
                       "account or region.")
    if name not in {arn.split("/")[1] for arn in known}:
        raise ApiError("ClusterNotFoundException", "Cluster not found.")
    return name


def _full(call, cluster, name):
    """Return the ARN of a task that is named by its ARN or its id."""
    if ":" not in name:
        return "arn:aws:ecs:%s:%s:task/%s/%s" % (call.region, ACCOUNT,
                                                 cluster, name)
    match = TASK.fullmatch(name)
    if match is None:
        raise _invalid("Invalid identifier: Unexpected number of separators")
    if match.group(2) != ACCOUNT or match.group(1) != call.region:
        raise _invalid("Invalid identifier: Identifier is for another "
                       "account or region.")
    if match.group(3) != cluster:
        raise _invalid("Invalid identifier: Identifier is for cluster %s. "
                       "Your cluster is %s" % (match.group(3), cluster))
    return name


@operation("ecs", "DescribeTasks", Structure({
    "cluster": Text(), "tasks": List(Text()),
    "include": Anything()}, ("tasks",)), resource="tasks")
def describe_tasks(call):
    """Describe tasks of one cluster; those not known are MISSING."""
    wanted = call.params["tasks"]
    if not 1 <= len(wanted) <= MOST:
        raise _invalid("Tasks must have 1 to %d elements." % MOST)
    known = _known(call.state)
    cluster = _cluster(call, known)
    arns = [_full(call, cluster, name) for name in wanted]
    return {"tasks": [known[arn] for arn in arns if arn in known],
            "failures": [{"arn": arn, "reason": "MISSING"}
                         for arn in arns if arn not in known]}

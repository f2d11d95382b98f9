"""ECS: DescribeTasks, for the one task that the metadata shows."""

from errors import ApiError
from operation import operation
from schema import Anything, List, Structure, Text


def _shown(task):
    """Return the task as DescribeTasks shows it."""
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
        "enableExecuteCommand": False}


@operation("ecs", "DescribeTasks", Structure({
    "cluster": Text(), "tasks": List(Text(), 0, 100),
    "include": Anything()}, ("tasks",)), resource="tasks")
def describe_tasks(call):
    """Describe the running task; all others are MISSING."""
    task = call.state.task
    cluster = call.params.get("cluster") or "default"
    if cluster not in (task["Cluster"], task["Cluster"].split("/")[-1]):
        raise ApiError("ClusterNotFoundException", "Cluster not found.")
    names = (task["TaskARN"], task["TaskARN"].split("/")[-1])
    wanted = call.params["tasks"]
    return {
        "tasks": [_shown(task) for one in wanted if one in names],
        "failures": [{"arn": one, "reason": "MISSING"}
                     for one in wanted if one not in names]}

# SPDX-License-Identifier: MIT
"""The steps of the script that AWS Fault Injection Service documents for a
sidecar, in words of our own, with what it does wrong.

`ssm-activate api` takes the part of the AWS CLI. Runs as PID 1 in place of
the script; needs nothing but Python."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

ZONE = (r"(af|ap|ca|cn|eu|me|sa|us|us-gov)-(central|north(east|west)?|"
        r"south(east|west)?|east|west)-[0-9][a-z]")
TASK = (r"arn:(aws|aws-cn|aws-us-gov):ecs:[a-z0-9-]+:[0-9]{12}:task/"
        r"[a-zA-Z0-9_-]+/[a-zA-Z0-9]+")
AGENT = "/usr/bin/amazon-ssm-agent"
REGISTRATION = "/var/lib/amazon/ssm/registration"


def give_up(reason):
    """End as the script ends."""
    sys.exit(reason)


def call(operation, region, **parameters):
    """Make one call; None after a failure."""
    done = subprocess.run(
        ["/usr/local/bin/ssm-activate", "api", "ssm", operation, "--region",
         region, "--body", json.dumps(parameters)], stdout=subprocess.PIPE,
        check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def look_around():
    """Return the role, the task's ARN and zone, all checked."""
    role = os.environ.get("MANAGED_INSTANCE_ROLE_NAME")
    if not role:
        give_up("MANAGED_INSTANCE_ROLE_NAME is not set")
    listing = subprocess.run(["/bin/ps", "ax"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    if "amazon-ssm-agent" in listing:
        give_up("an agent runs already")
    url = os.environ.get("ECS_CONTAINER_METADATA_URI_V4")
    if not url:
        give_up("no ECS metadata")
    with urllib.request.urlopen(url + "/task", timeout=5) as answer:
        task = json.load(answer)
    zone, arn = task["AvailabilityZone"], task["TaskARN"]
    if not re.fullmatch(ZONE, zone) or not re.fullmatch(TASK, arn):
        give_up("zone or task are none")
    return role, arn, zone


def main():
    """Register, wait for the agent, and clean up on a signal."""
    role, arn, zone = look_around()
    region = zone[:-1]
    made = call("CreateActivation", region, IamRole=role, Tags=[
        {"Key": "ECS_TASK_AVAILABILITY_ZONE", "Value": zone},
        {"Key": "ECS_TASK_ARN", "Value": arn},
        {"Key": "FAULT_INJECTION_SIDECAR", "Value": "true"}])
    if made is None:
        give_up("no activation")
    registered = subprocess.run(
        [AGENT, "-register", "-code", made["ActivationCode"], "-id",
         made["ActivationId"], "-region", region], check=False,
        stdout=subprocess.DEVNULL)
    if registered.returncode != 0:
        give_up("the registration failed")
    agent = subprocess.Popen([AGENT], stdin=subprocess.DEVNULL)

    def clean_up(*_):
        call("DeleteActivation", region, ActivationId=made["ActivationId"])
        with open(REGISTRATION, encoding="utf-8") as file:
            node = json.load(file)["ManagedInstanceID"]
        call("DeregisterManagedInstance", region, InstanceId=node)
        agent.terminate()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, clean_up)
    sys.exit(agent.wait())


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The sidecar of AWS Fault Injection Service: what the documented script does
(fis_script.py), and what `run` without a command does in its place."""

import os
import shutil
import signal

import place
from case import BIN, IS_AGENT, Case, environment, json, wait_until

ROLE = "SSMServiceRole"
SCRIPT = ["/usr/bin/python3", "-S", "-E", "/fis_script.py"]
SIDECAR = [BIN, "run"]
ORDER = ["CreateActivation", "RegisterManagedInstance", "DeleteActivation",
         "DeregisterManagedInstance"]
# The task's role creates, the node's removes; the script finds the node's
# credentials where the agent leaves them, in the default profile.
TASK_MAY = ["ssm:CreateActivation", "ssm:AddTagsToResource", "iam:PassRole"]
NODE_MAY = ["ssm:UpdateInstanceInformation", "ssm:DeleteActivation",
            "ssm:DeregisterManagedInstance", "ssmmessages:*",
            "ec2messages:*"]
# What ours sends besides.
MORE = {"DefaultInstanceName", "Description", "ExpirationDate",
        "RegistrationLimit"}


def tags_of(call):
    """Return the tags of a CreateActivation."""
    return {tag["Key"]: tag["Value"] for tag in call["parameters"]["Tags"]}


class Sidecar(Case):
    """Both against the same account."""

    def env(self, **more):
        """Return the environment of the container definition that AWS
        documents, and for ours the one line more."""
        return environment(**dict({
            "task": True, "SSM_ACTIVATE": None, "SSM_ACTIVATE_FIS": "true",
            "AWS_REGION": None, "MANAGED_INSTANCE_ROLE_NAME": ROLE,
            # The agent's own way to the local AWS.
            "SSL_CERT_FILE": "/aws.pem"}, **more))

    def begin(self, argv, **more):
        """Start one of them."""
        root = self.root("debian")
        shutil.copy(os.path.join(place.HERE, "fis_script.py"),
                    root.inside("/fis_script.py"))
        return self.start(argv, root, self.env(**more))

    def ours_and_theirs(self):
        """Return the calls of the four operations that did something."""
        return [call for call in self.aws.calls()
                if call["operation"] in ORDER and call["status"] == 200]

    def live(self, argv, number):
        """Live until a signal; return node, calls and exit status."""
        self.drop()
        self.aws.reset()
        self.aws.policy("task", allow=TASK_MAY)
        self.aws.policy("node", allow=NODE_MAY)
        held = self.begin(argv)
        wait_until(lambda: any(one["PingStatus"] == "Online"
                               for one in self.aws.nodes()), "online", 30)
        node = self.aws.nodes()[0]
        held.signal(number)
        status = held.wait()
        calls = self.ours_and_theirs()
        self.assert_account_empty()
        return node, calls, status

    def test_same_calls(self):
        """The same operations in the same order by the same roles, with the
        permissions that AWS documents; what ours adds is listed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                theirs = self.live(SCRIPT, number)
                ours = self.live(SIDECAR, number)
                for _, calls, status in (theirs, ours):
                    self.assertEqual([call["operation"] for call in calls],
                                     ORDER)
                    self.assertEqual([call["principal"] for call in calls
                                      if call["signature"] == "hmac"],
                                     ["task", "node", "node"])
                    self.assertEqual(status, 0)
                self.check_activation(theirs[1][0], ours[1][0])
                self.check_nodes(theirs[0], ours[0])

    def check_activation(self, theirs, ours):
        """Compare the activations that were asked for."""
        wanted, made = theirs["parameters"], ours["parameters"]
        self.assertEqual(wanted["IamRole"], made["IamRole"])
        self.assertEqual(set(made) - set(wanted), MORE)
        self.assertEqual(set(wanted) - set(made), set())
        # AWS's own defaults, but for the time: 24 hours.
        self.assertEqual(made["RegistrationLimit"], 1)
        more = tags_of(ours)
        self.assertRegex(more.pop("ssm-activate"), r"^[0-9]+\.")
        self.assertEqual(more, tags_of(theirs))

    def check_nodes(self, theirs, ours):
        """FIS finds its targets by this tag of the node."""
        for node in (theirs, ours):
            self.assertEqual(node["Tags"]["FAULT_INJECTION_SIDECAR"], "true")
        self.assertEqual(theirs["Tags"]["ECS_TASK_ARN"],
                         ours["Tags"]["ECS_TASK_ARN"])
        self.assertEqual(theirs["IamRole"], ours["IamRole"])

    def refuse(self, argv, **more):
        """Start one that cannot work; return its exit status."""
        self.drop()
        held = self.begin(argv, **more)
        status = held.wait(30)
        return status, held

    def test_not_on_ecs(self):
        """Both refuse, before any call."""
        for argv, expected in ((SCRIPT, 1), (SIDECAR, 78)):
            status, held = self.refuse(
                argv, ECS_CONTAINER_METADATA_URI_V4=None,
                AWS_REGION="eu-west-1")
            self.assertEqual(status, expected, held.err)
            self.assertRegex(held.err, "(?i)metadata")
        self.assertEqual(self.ours_and_theirs(), [])

    def test_agent_runs_already(self):
        """Both refuse, before any call."""
        for argv, expected in ((SCRIPT, 1), (SIDECAR, 78)):
            self.drop()
            held = self.begin(["/bin/sh", "-c", "mkdir /opt/x; cp /bin/sleep "
                               "/opt/x/amazon-ssm-agent; "
                               "/opt/x/amazon-ssm-agent 60 & " + IS_AGENT
                               + " ".join(argv) + "; echo status $?"])
            wait_until(lambda held=held: "status" in held.out, "the end")
            self.assertEqual(held.out, "status %d\n" % expected, held.err)
        self.assertEqual(self.ours_and_theirs(), [])

    def test_our_own_agent(self):
        """It has no Run Command, by which FIS works: refused before any
        call, where it is asked for and where the image has no other."""
        for more, gone in (({"SSM_ACTIVATE_AGENT": "builtin"}, False),
                           ({}, True)):
            root = self.root("debian")
            if gone:
                os.remove(root.inside("/usr/bin/amazon-ssm-agent"))
            held = self.start(SIDECAR, root, self.env(**more))
            self.assertEqual(held.wait(30), 78, held.err)
            self.assertRegex(held.err, "SSM_ACTIVATE_FIS.* amazon-ssm-agent"
                             ".* - add .*amazon-ssm-agent")
        self.assertEqual(self.ours_and_theirs(), [])

    def test_refused(self):
        """Refused by AWS: an end that is not 0. Theirs leaves the activation
        when the registration fails, ours does not."""
        self.aws.policy("task", allow=[])
        for argv, expected in ((SCRIPT, 1), (SIDECAR, 77)):
            self.assertEqual(self.refuse(argv)[0], expected)
        self.aws.reset()
        for argv, expected, left in ((SCRIPT, 1, 1), (SIDECAR, 70, 0)):
            self.aws.reset()
            self.aws.fault(operation="RegisterManagedInstance", count=0,
                           code="InvalidActivation", status=400)
            self.assertEqual(self.refuse(argv)[0], expected)
            self.assertEqual(len(self.aws.activations()), left)

    def test_role(self):
        """Theirs wants one; ours takes AWS's usual one, and also an ARN."""
        status, held = self.refuse(SCRIPT, MANAGED_INSTANCE_ROLE_NAME=None)
        self.assertEqual((status, self.ours_and_theirs()), (1, []))
        for given, role in (
                (None, "service-role/"
                 "AmazonEC2RunCommandRoleForManagedInstances"),
                ("arn:aws:iam::123456789012:role/" + ROLE, ROLE)):
            self.drop()
            self.aws.reset()
            held = self.begin(SIDECAR, MANAGED_INSTANCE_ROLE_NAME=given)
            held.wait_line("is up")
            self.assertEqual(self.aws.nodes()[0]["IamRole"], role)

    def test_agent_dies(self):
        """Theirs ends with it and leaves the node; ours starts it again."""
        held = self.begin(SCRIPT)
        wait_until(self.aws.nodes, "the node")
        wait_until(lambda: len(self.agent_pids(held)) == 2, "the agent")
        os.kill(held.find("amazon-ssm-agent")[0], signal.SIGKILL)
        held.wait()
        self.assertEqual(len(self.aws.nodes()), 1)
        self.drop()
        self.aws.reset()
        held = self.begin(SIDECAR)
        held.wait_line("is up")
        os.kill(held.find("amazon-ssm-agent")[0], signal.SIGKILL)
        held.wait_line("runs again")
        self.assertEqual(len(self.aws.nodes()), 1)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(), 0)
        self.assert_account_empty()

    def test_odd_zone(self):
        """Zones that the script's pattern refuses: ours has the region from
        the task's ARN."""
        zone = "il-central-1a"
        self.aws.post("task", {"AvailabilityZone": zone})
        status, held = self.refuse(SCRIPT)
        self.assertEqual(status, 1, held.err)
        held = self.begin(SIDECAR)
        held.wait_line("is up")
        tags = self.aws.nodes()[0]["Tags"]
        self.assertEqual(tags["ECS_TASK_AVAILABILITY_ZONE"], zone,
                         json.dumps(tags))

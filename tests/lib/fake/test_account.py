# SPDX-License-Identifier: MIT
"""The services as a client sees them: life of a node, checks, refusals."""

import base64
import time

import rsatool
from localaws import LocalAws
from signing import Client

ROLE = "service-role/AmazonEC2RunCommandRoleForManagedInstances"


class AccountTest(LocalAws):
    """The life of nodes and activations."""

    def refused(self, answer, code, text="", status=400):
        """Check that an answer is this error."""
        self.assertEqual((answer[0], answer[1].get("__type")),
                         (status, code))
        message = answer[1].get("message") or answer[1].get("Message") or ""
        self.assertIn(text, message)

    def activate(self, **params):
        """Make an activation and return (id, code)."""
        status, made = self.user.call("CreateActivation", IamRole=ROLE,
                                      **params)
        self.assertEqual(status, 200, made)
        return made["ActivationId"], made["ActivationCode"]

    def register(self, ident, code, fingerprint="f-1", key=None):
        """Register a node and return the answer."""
        return self.user.call(
            "RegisterManagedInstance", signed=False, ActivationId=ident,
            ActivationCode=code, Fingerprint=fingerprint,
            PublicKey=key or self.key.public(), PublicKeyType="Rsa")

    def node(self, **params):
        """Make a node and return its id."""
        status, made = self.register(*self.activate(**params))
        self.assertEqual(status, 200, made)
        return made["InstanceId"]

    def signer(self, node):
        """Return a client that signs with the node's key."""
        client = Client(self.aws, access_key=node)
        client.pss = self.key.sign_text
        return client

    def node_client(self, node):
        """Return a client with the node's temporary credentials."""
        _, token = self.signer(node).call("RequestManagedInstanceRoleToken",
                                          Fingerprint="f-1")
        return Client(self.aws, access_key=token["AccessKeyId"],
                      secret=token["SecretAccessKey"],
                      token=token["SessionToken"])

    def test_life_of_a_node(self):
        """From the activation to an empty account again."""
        tags = [{"Key": "k", "Value": "v"}]
        ident, code = self.activate(DefaultInstanceName="web", Tags=tags)
        status, made = self.register(ident, code)
        self.assertEqual(status, 200)
        node = made["InstanceId"]
        self.assertRegex(node, r"^mi-[0-9a-f]{17}$")
        self.assertEqual(self.user.call("DeleteActivation",
                                        ActivationId=ident), (200, {}))
        agent = self.node_client(node)
        self.assertEqual(agent.call("UpdateInstanceInformation",
                                    InstanceId=node, AgentVersion="3.3",
                                    PlatformType="Linux"), (200, {}))
        _, seen = self.user.call("DescribeInstanceInformation", Filters=[
            {"Key": "tag:k", "Values": ["v"]}])
        found = seen["InstanceInformationList"][0]
        self.assertEqual((found["InstanceId"], found["PingStatus"],
                          found["Name"]), (node, "Online", "web"))
        self.assertEqual(self.user.call("DeregisterManagedInstance",
                                        InstanceId=node), (200, {}))
        state = self.aws.state()
        self.assertEqual((state["activations"], state["nodes"]), ([], []))
        self.assertEqual(state["deregistered_nodes"], [node])
        self.refused(self.signer(node).call(
            "RequestManagedInstanceRoleToken", Fingerprint="f-1"),
            "InvalidInstanceId")

    def test_registering_is_checked(self):
        """Code, end, limit and key of a registration are checked."""
        ident, code = self.activate()
        self.refused(self.register(ident, "x" * 20), "InvalidActivation")
        self.refused(self.register(ident, code, key="A" * 392),
                     "InvalidPublicKey")
        self.refused(self.register(ident, "short"), "ValidationException",
                     "greater than or equal to 20")
        self.assertEqual(self.register(ident, code)[0], 200)
        self.refused(self.register(ident, code),
                     "RegistrationLimitExceeded")
        ident, code = self.activate(RegistrationLimit=2)
        self.aws.post("expire", {"activations": [ident]})
        self.refused(self.register(ident, code), "ActivationExpired")
        self.user.call("DeleteActivation", ActivationId=ident)
        self.refused(self.register(ident, code), "InvalidActivation")

    def test_create_parameters(self):
        """Every limit of CreateActivation is enforced."""
        now = int(time.time())
        cases = [
            ({"IamRole": None}, "Member must not be null"),
            ({"IamRole": "r" * 65}, "less than or equal to 64"),
            ({"DefaultInstanceName": "a;b"}, "regular expression"),
            ({"DefaultInstanceName": "n" * 257}, "equal to 256"),
            ({"Description": "d" * 257}, "equal to 256"),
            ({"RegistrationLimit": 0}, "equal to 1"),
            ({"RegistrationLimit": 1001}, "equal to 1000"),
            ({"ExpirationDate": now - 5}, "in the future"),
            ({"ExpirationDate": now + 31 * 86400}, "30 days"),
            ({"Tags": [{"Key": "", "Value": ""}]}, "equal to 1"),
            ({"Tags": [{"Key": "a*", "Value": ""}]}, "regular expression"),
            ({"Tags": [{"Key": "a", "Value": "v" * 257}]}, "equal to 256"),
            ({"Tags": [{"Key": "a", "Value": "1"},
                       {"Key": "a", "Value": "2"}]}, "Duplicate"),
            ({"IamRole": "nosuch"}, "Nonexistent role or missing ssm "
             "service principal in trust policy: arn:aws:iam::"),
        ]
        for params, text in cases:
            with self.subTest(text=text, params=sorted(params)):
                params = dict({"IamRole": ROLE}, **params)
                self.refused(self.user.call("CreateActivation", **params),
                             "ValidationException", text)
        self.refused(self.user.call("CreateActivation", IamRole="arn:aws:"
                                    "iam::123456789012:role/SSMServiceRole"),
                     "InternalFailure", status=500)
        self.refused(self.user.call("CreateActivation", IamRole=ROLE,
                                    RegistrationLimit="1"),
                     "SerializationException")
        self.assertEqual(self.aws.activations(), [])
        self.activate(DefaultInstanceName="Zürich 東京_./=+-@:",
                      ExpirationDate=now + 3600)

    def test_signatures_are_checked(self):
        """Each way of signing wrongly has AWS's own code."""
        client = Client(self.aws, secret="wrong")
        self.refused(client.call("DescribeActivations"),
                     "InvalidSignatureException", "does not match")
        client = Client(self.aws, access_key="AKIAUNKNOWN")
        self.refused(client.call("DescribeActivations"),
                     "UnrecognizedClientException")
        client = Client(self.aws, token="unasked")
        self.refused(client.call("DescribeActivations"),
                     "UnrecognizedClientException")
        client = Client(self.aws, region="us-east-1")
        self.refused(client.call("DescribeActivations"),
                     "InvalidSignatureException", "valid region")
        client = Client(self.aws)
        client.skew = -400
        self.refused(client.call("DescribeActivations"),
                     "InvalidSignatureException", "Signature expired")
        self.refused(self.user.call("DescribeActivations", signed=False),
                     "MissingAuthenticationTokenException")
        self.assertEqual(self.aws.verdicts(), {
            "signed": 5, "accepted": 0, "refused": 5, "hmac": 0, "rsa": 0,
            "unsigned": 1})

    def test_clock(self):
        """A server whose clock is off refuses what is signed right."""
        self.aws.clock(-3600)
        self.refused(self.user.call("DescribeActivations"),
                     "InvalidSignatureException", "not yet current")

    def test_node_signatures_are_checked(self):
        """Fingerprint, key and rotation of a node's own signature."""
        node = self.node()
        signer = self.signer(node)
        name = "RequestManagedInstanceRoleToken"
        self.refused(signer.call(name, Fingerprint="other"),
                     "MachineFingerprintDoesNotMatch")
        signer.pss = lambda data: base64.b64encode(
            self.key.sign(data, salt="20")).decode()
        self.refused(signer.call(name, Fingerprint="f-1"),
                     "InvalidSignatureException")
        self.refused(self.user.call(name, Fingerprint="f-1"),
                     "AccessDeniedException")
        new = rsatool.Key(self.keys.name, name="new.key")
        old = self.signer(node)
        self.assertEqual(old.call("UpdateManagedInstancePublicKey",
                                  NewPublicKey=new.public(),
                                  NewPublicKeyType="Rsa"), (200, {}))
        self.refused(old.call(name, Fingerprint="f-1"),
                     "InvalidSignatureException")
        old.pss = new.sign_text
        self.assertEqual(old.call(name, Fingerprint="f-1")[0], 200)

    def test_policies(self):
        """What a principal may do can be taken away, and AWS's text says
        what is missing."""
        role = "arn:aws:iam::123456789012:role/" + ROLE
        self.aws.policy("user", allow=["ssm:*"])
        self.refused(
            self.user.call("CreateActivation", IamRole=ROLE),
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/tester is not authorized "
            "to perform: iam:PassRole on resource: %s because no "
            "identity-based policy allows the iam:PassRole action" % role)
        self.aws.policy("user", allow=["*"], deny=["ssm:AddTags*"])
        self.refused(
            self.user.call("CreateActivation", IamRole=ROLE, Tags=[
                {"Key": "a", "Value": "b"}]), "AccessDeniedException",
            "ssm:AddTagsToResource on resource: arn:aws:ssm:eu-west-1:"
            "123456789012:* with an explicit deny")
        node = self.node()
        agent = self.node_client(node)
        self.refused(agent.call("DeregisterManagedInstance",
                                InstanceId=node), "AccessDeniedException",
                     "assumed-role/AmazonEC2RunCommandRoleForManaged"
                     "Instances/%s" % node)
        self.aws.policy("node", allow=["ssm:DeregisterManagedInstance"])
        self.assertEqual(agent.call("DeregisterManagedInstance",
                                    InstanceId=node), (200, {}))

    def test_expired_credentials(self):
        """Credentials that have ended are refused as expired."""
        agent = self.node_client(self.node())
        self.aws.post("expire", {"credentials": ["node"]})
        self.refused(agent.call("ListInstanceAssociations",
                                InstanceId="mi-x"), "ExpiredTokenException")

    def test_throttling(self):
        """An empty bucket throttles, only its own operation."""
        self.aws.post("throttle", {"operation": "CreateActivation",
                                   "rate": 0.001, "burst": 2})
        self.activate()
        self.activate()
        self.refused(self.user.call("CreateActivation", IamRole=ROLE),
                     "ThrottlingException", "Rate exceeded")
        self.assertEqual(self.user.call("DescribeActivations")[0], 200)

    def test_pages_and_lag(self):
        """Listings come in pages, and lag when told to."""
        for _ in range(3):
            self.activate()
        ids, token = [], None
        while True:
            _, answer = self.user.call("DescribeActivations", MaxResults=2,
                                       NextToken=token)
            ids += [one["ActivationId"] for one in answer["ActivationList"]]
            token = answer.get("NextToken")
            if not token:
                break
        self.assertEqual(len(set(ids)), 3)
        self.assertNotIn("ActivationCode", answer["ActivationList"][0])
        self.refused(self.user.call("DescribeActivations",
                                    NextToken="junk"), "InvalidNextToken")
        self.refused(self.user.call("DescribeInstanceInformation",
                                    MaxResults=4), "ValidationException")
        self.aws.post("lag", {"seconds": 60})
        self.addCleanup(self.aws.post, "lag", {"seconds": 0})
        self.activate()
        _, answer = self.user.call("DescribeActivations")
        self.assertEqual(answer["ActivationList"], [])

    def test_tags(self):
        """Tags are added to a node, and listed."""
        node = self.node()
        target = {"ResourceType": "ManagedInstance", "ResourceId": node}
        self.user.call("AddTagsToResource", Tags=[
            {"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}], **target)
        _, answer = self.user.call("ListTagsForResource", **target)
        self.assertEqual(answer["TagList"], [{"Key": "a", "Value": ""},
                                             {"Key": "b", "Value": "2"}])
        target["ResourceId"] = "mi-" + "0" * 17
        self.refused(self.user.call("ListTagsForResource", **target),
                     "InvalidResourceId")

    def test_connection_lost(self):
        """A node that is silent for too long is lost."""
        node = self.node()
        self.node_client(node).call("UpdateInstanceInformation",
                                    InstanceId=node)
        self.aws.limits(connection_lost_after=-1)
        self.assertEqual(self.aws.nodes()[0]["PingStatus"],
                         "ConnectionLost")
        self.assertEqual(self.user.call("GetConnectionStatus", Target=node),
                         (200, {"Target": node, "Status": "notconnected"}))

    def test_log(self):
        """The log tells the calls in order and hides the code."""
        ident, code = self.activate()
        self.register(ident, code)
        first, second = self.aws.calls()
        self.assertEqual((first["n"], first["operation"],
                          first["signature"]), (1, "CreateActivation",
                                                "hmac"))
        self.assertEqual(second["parameters"]["ActivationCode"], "***")
        self.assertEqual((second["principal"], second["signature"]),
                         (None, "none"))
        self.assertNotIn(code, str(self.aws.calls()))
        self.assertEqual(self.aws.secrets()["activation_codes"][ident],
                         code)

    def describe_tasks(self, **params):
        """Call DescribeTasks."""
        return self.user.call(
            "DescribeTasks", target="AmazonEC2ContainerServiceV20141113",
            **params)

    def test_ecs(self):
        """DescribeTasks knows the one task, and those that were planted."""
        arn = self.aws.state()["task"]["TaskARN"]
        other = arn.rpartition("/")[0] + "/" + "0" * 32
        _, answer = self.describe_tasks(cluster="demo", tasks=[arn, "gone"])
        self.assertEqual(answer["tasks"][0]["desiredStatus"], "RUNNING")
        self.assertEqual(answer["failures"][0]["reason"], "MISSING")
        self.aws.post("tasks", {other: "STOPPED"})
        cluster = arn.replace(":task/", ":cluster/").rpartition("/")[0]
        _, answer = self.describe_tasks(cluster=cluster, tasks=[other, arn])
        self.assertEqual([one["lastStatus"] for one in answer["tasks"]],
                         ["STOPPED", "RUNNING"])

    def test_ecs_refuses(self):
        """What DescribeTasks does not take."""
        arn = self.aws.state()["task"]["TaskARN"]
        self.refused(self.describe_tasks(tasks=[arn]),
                     "ClusterNotFoundException")
        for tasks in ([], [arn] * 101, [arn.replace("eu-west-1", "eu-west-2")],
                      [arn.replace("demo", "other")], ["arn:aws:ecs:x"]):
            self.refused(self.describe_tasks(cluster="demo", tasks=tasks),
                         "InvalidParameterException")

    def test_node_filters(self):
        """Filters by tag stand alone; planted nodes have any age."""
        made = self.aws.post("nodes", {"count": 2, "tags": {"k": "v"},
                                       "pinged": 7200, "registered": 9000})
        self.aws.post("nodes", {"node": made[0], "pinged": None})

        def ask(*filters):
            return self.user.call("DescribeInstanceInformation", Filters=[
                {"Key": key, "Values": list(values)}
                for key, *values in filters])
        _, seen = ask(("tag-key", "k", "other"))
        self.assertEqual([one["PingStatus"] for one
                          in seen["InstanceInformationList"]],
                         ["Inactive", "ConnectionLost"])
        self.assertNotIn("LastPingDateTime",
                         seen["InstanceInformationList"][0])
        self.assertEqual(ask(("tag-key", "x"))[1][
            "InstanceInformationList"], [])
        mixed = ("tag-key", "k"), ("PingStatus", "Online")
        self.refused(ask(*mixed), "ValidationException", "Cannot mix tag")
        self.refused(ask(("tag:", "k")), "InvalidFilterKey")
        self.refused(ask(("Tag", "k")), "InvalidFilterKey")
        self.refused(ask(("ResourceType", "ManagedInstance", "EC2Instance")),
                     "InvalidInstanceInformationFilterValue", "only one")

    def test_sts(self):
        """STS answers XML and gives credentials that work."""
        status, text = self.user.query("GetCallerIdentity")
        self.assertEqual(status, 200)
        self.assertIn("<Arn>arn:aws:iam::123456789012:user/tester</Arn>",
                      text)
        arn = "arn:aws:iam::123456789012:role/SSMServiceRole"
        status, text = self.user.query("AssumeRole", RoleArn=arn,
                                       RoleSessionName="one")
        self.assertEqual(status, 200)
        self.assertIn("assumed-role/SSMServiceRole/one", text)
        status, text = self.user.query(
            "AssumeRoleWithWebIdentity", signed=False, RoleArn=arn,
            RoleSessionName="one", WebIdentityToken="a.b.c")
        self.assertEqual(status, 200)
        status, text = self.user.query("AssumeRole", RoleArn=arn + "x",
                                       RoleSessionName="one")
        self.assertEqual(status, 403)
        self.assertIn("<Code>AccessDenied</Code>", text)
        wrong = Client(self.aws, secret="wrong")
        self.assertIn("<Code>SignatureDoesNotMatch</Code>",
                      wrong.query("GetCallerIdentity")[1])

    def test_unknown_operation(self):
        """An operation that does not exist has its own code."""
        self.refused(self.user.call("MakeCoffee"),
                     "UnknownOperationException")

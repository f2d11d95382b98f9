# SPDX-License-Identifier: MIT
"""Compose by docker-compose's own reader, Kubernetes by its client's models."""

import os
import re
import subprocess
import unittest

import kubernetes.client
import yaml

import examples

MODELS = {("v1", "ServiceAccount"): "V1ServiceAccount",
          ("v1", "Pod"): "V1Pod", ("apps/v1", "Deployment"): "V1Deployment"}
PLAIN = {"str": str, "int": int, "bool": bool, "float": float}
QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|Ki|Mi|Gi)?")


class Compose(unittest.TestCase, examples.Commands):
    """The compose file."""

    def read(self, text):
        """Return what docker-compose makes of a file, or None."""
        env = dict(os.environ, AWS_PROFILE="dev", AWS_REGION="eu-west-1")
        done = subprocess.run(
            ["/usr/bin/docker-compose", "-f", "-", "config"], input=text,
            capture_output=True, text=True, timeout=60, check=False, env=env)
        return yaml.safe_load(done.stdout) if done.returncode == 0 else None

    def test_file(self):
        """It is read, and our part of it is right."""
        found = self.read(examples.text("compose.yaml"))
        self.assertIsNotNone(found)
        web = found["services"]["web"]
        argv = web["entrypoint"] + web["command"]
        self.assertTrue(examples.is_ours(argv))
        command = self.check_command(argv)
        self.check_environment(command, web["environment"])
        self.assertNotIn("init", web)
        self.assertNotIn("user", web)
        self.assertEqual(web["stop_grace_period"], "30s")
        self.assertEqual(web["environment"]["AWS_PROFILE"], "dev")

    def test_misspelt(self):
        """The reader finds what is wrong."""
        text = examples.text("compose.yaml")
        for good, bad in (("stop_grace_period", "stop_grace"),
                          ("30s", "[30]"), ("volumes:", "volume:")):
            self.assertIsNone(self.read(text.replace(good, bad)), bad)


def check(value, kind, where):
    """Raise ValueError unless the value has the form that the client's model
    names, with no key that the model lacks."""
    listed = re.fullmatch(r"list\[(.+)\]", kind)
    mapped = re.fullmatch(r"dict\(str, (.+)\)", kind)
    if listed:
        if not isinstance(value, list):
            raise ValueError("%s is no list" % where)
        for index, one in enumerate(value):
            check(one, listed.group(1), "%s[%d]" % (where, index))
    elif mapped:
        if not isinstance(value, dict):
            raise ValueError("%s is no mapping" % where)
        for key, one in value.items():
            check(one, mapped.group(1), "%s.%s" % (where, key))
    elif kind in PLAIN:
        check_plain(value, kind, where)
    elif kind == "object":
        if not isinstance(value, (int, str)):
            raise ValueError("%s: %r" % (where, value))
    else:
        check_model(value, getattr(kubernetes.client, kind), where)


def check_plain(value, kind, where):
    """Check a text or number; a boolean is no number."""
    if not isinstance(value, PLAIN[kind]) or (
            isinstance(value, bool) and kind != "bool"):
        raise ValueError("%s: %r is no %s" % (where, value, kind))
    if re.search(r"(requests|limits)\.\w+$", where) and \
            not QUANTITY.fullmatch(str(value)):
        raise ValueError("%s: %r is no quantity" % (where, value))


def check_model(value, model, where):
    """Check an object: its keys, their values, and that it can be made."""
    if not isinstance(value, dict):
        raise ValueError("%s is no object" % where)
    names = {key: name for name, key in model.attribute_map.items()}
    for key, one in value.items():
        if key not in names:
            raise ValueError("%s has no %s" % (where, key))
        check(one, model.openapi_types[names[key]], where + "." + key)
    # The client's own check: what is required.
    model(**{names[key]: one for key, one in value.items()})


class Kubernetes(unittest.TestCase, examples.Commands):
    """The two manifests."""

    @staticmethod
    def documents():
        """Yield every object of both."""
        for name in examples.names("kubernetes", ".yaml"):
            yield from yaml.safe_load_all(examples.text("kubernetes", name))

    def pods(self):
        """Yield the specification of each pod."""
        for one in self.documents():
            if one["kind"] == "Pod":
                yield one["metadata"], one["spec"]
            elif one["kind"] == "Deployment":
                template = one["spec"]["template"]
                self.assertEqual(one["spec"]["selector"]["matchLabels"],
                                 template["metadata"]["labels"])
                yield one["metadata"], template["spec"]

    def test_models(self):
        """Every object has the form of its kind."""
        count = 0
        for one in self.documents():
            check(one, MODELS[one["apiVersion"], one["kind"]], one["kind"])
            count += 1
        self.assertEqual(count, 4)

    def test_pods(self):
        """Our command line, root, and time to clean up."""
        for _, spec in self.pods():
            container = spec["containers"][0]
            command = self.check_command(container["command"])
            self.check_environment(
                command, [pair["name"] for pair in container["env"]])
            self.assertEqual(container["securityContext"]["runAsUser"], 0)
            self.assertGreater(spec["terminationGracePeriodSeconds"], 20)

    def test_accounts(self):
        """The pods use the service accounts that the trust names."""
        for meta, spec in self.pods():
            self.assertEqual((meta["namespace"], spec["serviceAccountName"]),
                             ("web", "web"))
        trust = examples.text("iam", "irsa-trust.json")
        self.assertIn('"system:serviceaccount:web:web"', trust)

    def test_misspelt(self):
        """The check finds what is wrong."""
        pod = next(one for one in self.documents() if one["kind"] == "Pod")
        spec = pod["spec"]
        for change in ({"serviceAcountName": "x"}, {"containers": None},
                       {"terminationGracePeriodSeconds": "30"},
                       {"containers": [{"image": "x"}]}):
            with self.subTest(change=change), self.assertRaises(ValueError):
                check(dict(pod, spec=dict(spec, **change)), "V1Pod", "Pod")

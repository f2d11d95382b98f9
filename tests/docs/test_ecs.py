# SPDX-License-Identifier: MIT
"""ECS and EventBridge Scheduler: inputs against the services' own models."""

import json
import unittest

import botocore.session
from botocore.validate import ParamValidator

import examples

TASKS = [name for name in examples.names("ecs", ".json")
         if name.startswith("task-")]
# Fargate's memory in MiB for each size of CPU (ECS developer guide).
FARGATE = {256: (512, 1024, 2048), 512: (1024, 2048, 3072, 4096),
           1024: range(2048, 8193, 1024)}


def shape(service, operation):
    """Return the input of an operation."""
    session = botocore.session.get_session()
    return session.get_service_model(service).operation_model(
        operation).input_shape


class Base(unittest.TestCase, examples.Commands):
    """What both kinds of input share."""

    def check_shape(self, value, service, operation):
        """Names, types, and what is required."""
        report = ParamValidator().validate(value, shape(service, operation))
        self.assertFalse(report.has_errors(), report.generate_report())
        self.check_enums(value, shape(service, operation))

    def check_enums(self, value, model):
        """Words of which a model has a list, which the validator skips."""
        if model.type_name == "structure":
            for name, one in value.items():
                self.check_enums(one, model.members[name])
        elif model.type_name == "list":
            for one in value:
                self.check_enums(one, model.member)
        elif model.type_name == "string" and model.enum:
            self.assertIn(value, model.enum)


class Tasks(Base):
    """Task definitions."""

    @staticmethod
    def each():
        """Yield (task, container) of all task definitions."""
        for name in TASKS:
            task = examples.load("ecs", name)
            for one in task["containerDefinitions"]:
                yield task, one

    def test_model(self):
        """RegisterTaskDefinition would read each."""
        self.assertEqual(len(TASKS), 3)
        for name in TASKS:
            with self.subTest(name=name):
                task = examples.load("ecs", name)
                self.check_shape(task, "ecs", "RegisterTaskDefinition")
                self.assertIn(int(task["memory"]), FARGATE[int(task["cpu"])])
                self.assertTrue(any(one["essential"] for one in
                                    task["containerDefinitions"]))

    def test_commands(self):
        """Our command lines and variables are those of the program."""
        ours = 0
        for task, one in self.each():
            argv = one.get("entryPoint", []) + one.get("command", [])
            if examples.is_ours(argv):
                with self.subTest(task=task["family"]):
                    self.check_container(argv, one)
                ours += 1
        self.assertEqual(ours, 3)

    def check_container(self, argv, one):
        """Check one container that we are in."""
        command = self.check_command(argv)
        variables = [pair["name"] for pair in one.get("environment", [])]
        self.check_environment(command, variables)
        check = one.get("healthCheck")
        if check:
            self.assertEqual(check["command"][0], "CMD")
            self.check_command(check["command"][1:])

    def test_stop_timeout(self):
        """Longer than the clean-up, and what Fargate takes (120 s)."""
        for _, one in self.each():
            if one["name"] != "gc":
                self.assertTrue(20 <= one["stopTimeout"] <= 120)

    def test_init(self):
        """PID 1 is ours: no other init, and root unless it only calls."""
        for task, one in self.each():
            self.assertNotIn("linuxParameters", one)
            if one["name"] != "gc":
                self.assertNotIn("user", one)
            for role in ("taskRoleArn", "executionRoleArn"):
                self.assertRegex(task[role], r"^arn:aws:iam::%s:role/\S+$"
                                 % examples.ACCOUNT)


class Schedule(Base):
    """The scheduled gc."""

    def test_model(self):
        """CreateSchedule would read it, and it starts the task's family."""
        made = examples.load("ecs", "schedule-gc.json")
        self.check_shape(made, "scheduler", "CreateSchedule")
        self.assertRegex(made["ScheduleExpression"],
                         r"^rate\(\d+ (minute|hour|day)s?\)$")
        family = examples.load("ecs", "task-gc.json")["family"]
        arn = made["Target"]["EcsParameters"]["TaskDefinitionArn"]
        self.assertEqual(arn.rpartition("/")[2], family)
        policy = examples.load("iam", "scheduler-role.json")
        run, roles = policy["Statement"]
        self.assertIn(arn, run["Resource"])
        self.assertEqual(run["Condition"]["ArnEquals"]["ecs:cluster"],
                         made["Target"]["Arn"])
        task = examples.load("ecs", "task-gc.json")
        self.assertEqual(sorted(roles["Resource"]), sorted(
            [task["taskRoleArn"], task["executionRoleArn"]]))


class Rule(Base):
    """gc of one task, when that has stopped."""

    def setUp(self):
        self.rule = examples.load("ecs", "rule-gc.json")
        made = examples.load("ecs", "targets-gc.json")
        self.target, = made["Targets"]
        self.check_shape(self.rule, "events", "PutRule")
        self.check_shape(made, "events", "PutTargets")
        self.assertEqual(made["Rule"], self.rule["Name"])

    def test_target(self):
        """The same task as the schedule's, with a command of ours."""
        scheduled = examples.load("ecs", "schedule-gc.json")["Target"]
        self.assertEqual(self.target["Arn"], scheduled["Arn"])
        self.assertEqual(self.target["RoleArn"], scheduled["RoleArn"])
        self.assertEqual(self.target["EcsParameters"]["TaskDefinitionArn"],
                         scheduled["EcsParameters"]["TaskDefinitionArn"])
        # EventBridge puts a text with its quotes in place of <task>.
        made = json.loads(self.target["InputTransformer"][
            "InputTemplate"].replace("<task>", '"arn:aws:ecs:x"'))
        override, = made["containerOverrides"]
        task = examples.load("ecs", "task-gc.json")
        self.assertEqual(override["name"],
                         task["containerDefinitions"][0]["name"])
        self.check_command(["ssm-activate"] + override["command"])

    def test_no_circle(self):
        """The end of its own task starts nothing."""
        detail = json.loads(self.rule["EventPattern"])["detail"]
        family = examples.load("ecs", "task-gc.json")["family"]
        self.assertEqual(detail["group"],
                         [{"anything-but": ["family:" + family]}])
        self.assertEqual(detail["lastStatus"], ["STOPPED"])
        self.assertEqual(detail["clusterArn"], [self.target["Arn"]])


class TheCheckItself(Base):
    """The checks find what they are for."""

    def test_misspelt(self):
        """A wrong name, type or word is found."""
        good = examples.load("ecs", "task-application.json")
        for change in ({"Family": "x"}, {"containerDefinitions": {}},
                       {"networkMode": "vpc"}, {"cpu": 256}):
            with self.subTest(change=change), \
                    self.assertRaises(AssertionError):
                self.check_shape(dict(good, **change), "ecs",
                                 "RegisterTaskDefinition")
        with self.assertRaises(AssertionError):
            self.check_command(["ssm-activate", "run", "--nonsense"])
        with self.assertRaises(AssertionError):
            self.check_environment("run", ["SSM_ACTIVATE_NONSENSE"])

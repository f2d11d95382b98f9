# The roles and the task definition of these examples. The policies are the
# JSON files beside this folder, so there is one text of each.
#
# Costs: nothing here is billed by itself, except the advanced-instances tier,
# which `advanced_tier` turns on: from then on AWS bills every hybrid node of
# the account in this region by the hour, also those of others. Run Command
# does without it. If all you want is a shell in an ECS task that may be root,
# use ECS Exec: it needs nothing of this.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "advanced_tier" {
  description = "Turn on the tier that sessions to hybrid nodes need (billed)"
  type        = bool
  default     = false
}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.name

  # The examples say 123456789012 and eu-west-1.
  text = {
    for name in [
      "iam/task-role", "iam/task-role-trust", "iam/node-role-trust",
      "ecs/task-application",
    ] :
    name => replace(replace(
      file("${path.module}/../${name}.json"),
      "123456789012", local.account),
    "eu-west-1", local.region)
  }
  task = jsondecode(local.text["ecs/task-application"])
}

resource "aws_iam_role" "node" {
  name               = "ssm-node"
  assume_role_policy = local.text["iam/node-role-trust"]
}

resource "aws_iam_role_policy_attachment" "node" {
  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_role" "task" {
  name               = "web-task"
  assume_role_policy = local.text["iam/task-role-trust"]
}

resource "aws_iam_role_policy" "task" {
  name   = "ssm-activate"
  role   = aws_iam_role.task.id
  policy = local.text["iam/task-role"]
}

resource "aws_ecs_task_definition" "web" {
  family                   = local.task.family
  requires_compatibilities = local.task.requiresCompatibilities
  network_mode             = local.task.networkMode
  cpu                      = local.task.cpu
  memory                   = local.task.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = local.task.executionRoleArn
  container_definitions    = jsonencode(local.task.containerDefinitions)
}

resource "aws_ssm_service_setting" "tier" {
  count         = var.advanced_tier ? 1 : 0
  setting_id    = "arn:aws:ssm:${local.region}:${local.account}:servicesetting/ssm/managed-instance/activation-tier"
  setting_value = "advanced"
}

output "node_role" {
  description = "What SSM_ACTIVATE_ROLE names"
  value       = aws_iam_role.node.name
}

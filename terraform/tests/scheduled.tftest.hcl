# Mode `scheduled`, without an account: what would be made, with the provider mocked.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "ap-northeast-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_subnet" {
    defaults = { vpc_id = "vpc-0a" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-1:111122223333:log-group:/ecs/mackerel-ecs" }
  }
  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:ap-northeast-1:111122223333:cluster/mackerel-ecs" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = {
      arn                  = "arn:aws:ecs:ap-northeast-1:111122223333:task-definition/mackerel-ecs:1"
      arn_without_revision = "arn:aws:ecs:ap-northeast-1:111122223333:task-definition/mackerel-ecs"
    }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
  mock_resource "aws_scheduler_schedule_group" {
    defaults = { arn = "arn:aws:scheduler:ap-northeast-1:111122223333:schedule-group/mackerel-ecs" }
  }
  mock_resource "aws_security_group" {
    defaults = { id = "sg-0a" }
  }
}

variables {
  image       = "example.com/mackerel-ecs:0.1.0"
  api_key_arn = "arn:aws:ssm:ap-northeast-1:111122223333:parameter/mackerel/apikey"
  subnet_ids  = ["subnet-0a", "subnet-0b"]
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_scheduler_schedule.this[0].schedule_expression == "rate(5 minutes)" && aws_scheduler_schedule.this[0].state == "ENABLED"
    error_message = "The schedule must be every five minutes, and enabled."
  }
  assert {
    condition     = aws_scheduler_schedule.this[0].target[0].ecs_parameters[0].launch_type == "FARGATE"
    error_message = "The task must run on Fargate."
  }
  assert {
    condition     = length(aws_scheduler_schedule.this[0].target[0].dead_letter_config) == 0
    error_message = "There must be no dead-letter queue unless given."
  }
  assert {
    condition     = length(aws_ecs_service.this) == 0 && output.service_id == null
    error_message = "There must be no service."
  }
  assert {
    condition     = local.container.command == tolist(["poll", "--once"]) && !can(local.container.healthCheck)
    error_message = "The task must poll once, and needs no health check."
  }
  assert {
    condition     = yamldecode(local.environment.MACKEREL_ECS_CONFIG_YAML) == { poll = { interval = "5m" } }
    error_message = "The interval must be the schedule's rate."
  }
  assert {
    condition     = tonumber(aws_ecs_task_definition.this.cpu) == 256 && tonumber(aws_ecs_task_definition.this.memory) == 512 && aws_ecs_task_definition.this.runtime_platform[0].cpu_architecture == "ARM64"
    error_message = "The task must be the smallest, on ARM."
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Sid] == ["Read"]
    error_message = "The poller may read its own account and nothing else."
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid] == ["Log", "ApiKey"]
    error_message = "The execution role may write the log and read the key, and nothing else."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[1].Resource == [var.api_key_arn] && jsondecode(aws_iam_role_policy.execution.policy).Statement[1].Action == ["ssm:GetParameters"]
    error_message = "The execution role may read the one parameter."
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.scheduler[0].policy).Statement : statement.Sid] == ["Run", "PassRoles"]
    error_message = "The scheduler may run the task with its roles, and nothing else."
  }
  assert {
    condition     = length(aws_security_group.this) == 1 && aws_vpc_security_group_egress_rule.https[0].to_port == 443
    error_message = "A security group for HTTPS must be made."
  }
}

run "every_minute_with_everything_on" {
  command = plan

  variables {
    image               = "111122223333.dkr.ecr.ap-northeast-1.amazonaws.com/tools/mackerel-ecs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    api_key_arn         = "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:mackerel-AbCdEf:apikey::"
    api_key_kms_key_arn = "arn:aws:kms:ap-northeast-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    cluster_arn         = "arn:aws:ecs:ap-northeast-1:111122223333:cluster/given"
    security_group_ids  = ["sg-0b"]
    tags                = { Team = "ops" }
    schedule = {
      rate_minutes          = 1
      enabled               = false
      dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-1:111122223333:dead"
    }
    config = {
      poll    = { lookback = "2h" }
      targets = [{ role_arn = "arn:aws:iam::444455556666:role/reader", external_id = "sesame" }]
    }
  }

  assert {
    condition     = aws_scheduler_schedule.this[0].schedule_expression == "rate(1 minute)" && aws_scheduler_schedule.this[0].state == "DISABLED"
    error_message = "The singular is AWS's own spelling."
  }
  assert {
    condition     = length(aws_ecs_cluster.this) == 0 && length(aws_security_group.this) == 0 && aws_scheduler_schedule.this[0].target[0].arn == var.cluster_arn
    error_message = "What is given must not be made."
  }
  assert {
    condition     = yamldecode(local.environment.MACKEREL_ECS_CONFIG_YAML).poll == { interval = "1m", lookback = "2h" }
    error_message = "The rest of the section must stay."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.task.policy).Statement == [{ Sid = "ReadOtherAccounts", Effect = "Allow", Action = ["sts:AssumeRole"], Resource = ["arn:aws:iam::444455556666:role/reader"] }]
    error_message = "Where all targets have roles, the poller may assume them and read nothing itself."
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource[0] if statement.Sid == "ApiKey" || statement.Sid == "Pull"] == ["arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:mackerel-AbCdEf", "arn:aws:ecr:ap-northeast-1:111122223333:repository/tools/mackerel-ecs"]
    error_message = "The execution role may read the one secret and pull from the one repository."
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.scheduler[0].policy).Statement : statement.Sid] == ["Run", "PassRoles", "TagTasks", "DeadLetter"]
    error_message = "Tags and the dead-letter queue need their own permissions."
  }
  assert {
    condition     = aws_scheduler_schedule.this[0].target[0].dead_letter_config[0].arn == var.schedule.dead_letter_queue_arn
    error_message = "The dead-letter queue must be the one that is given."
  }
}

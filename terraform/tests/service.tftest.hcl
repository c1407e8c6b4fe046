# Mode `service`, without an account: what would be made, with the provider mocked.

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
  mode        = "service"
  image       = "example.com/mackerel-ecs:0.1.0"
  api_key_arn = "arn:aws:ssm:ap-northeast-1:111122223333:parameter/mackerel/apikey"
  subnet_ids  = ["subnet-0a"]
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_ecs_service.this[0].desired_count == 1 && aws_ecs_service.this[0].launch_type == "FARGATE"
    error_message = "The service must keep one Fargate task."
  }
  assert {
    condition     = aws_ecs_service.this[0].deployment_circuit_breaker[0].enable && aws_ecs_service.this[0].deployment_circuit_breaker[0].rollback
    error_message = "A deployment that fails must be rolled back."
  }
  assert {
    condition     = length(aws_scheduler_schedule.this) == 0 && length(aws_iam_role.scheduler) == 0 && output.schedule_arn == null
    error_message = "There must be no schedule and no role for one."
  }
  assert {
    condition     = local.container.command == tolist(["poll"]) && local.container.healthCheck.command == ["CMD", "/mackerel-ecs", "health"]
    error_message = "The task must poll until it is stopped, and be asked for its health."
  }
  assert {
    condition     = local.environment.MACKEREL_ECS_LISTEN == "127.0.0.1:9808"
    error_message = "The health check needs a listener, within the task alone."
  }
  assert {
    condition     = yamldecode(local.environment.MACKEREL_ECS_CONFIG_YAML) == {}
    error_message = "The configuration must be passed on as it is."
  }
  assert {
    condition     = !aws_ecs_service.this[0].network_configuration[0].assign_public_ip
    error_message = "A public address must be asked for."
  }
}

run "own_account_and_another" {
  command = plan

  variables {
    assign_public_ip = true
    config = {
      targets = [
        { name = "own", regions = ["ap-northeast-1"] },
        { role_arn = "arn:aws:iam::444455556666:role/reader", external_id = "sesame" },
      ]
    }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Sid] == ["Read", "ReadOtherAccounts"]
    error_message = "The poller may read its own account and assume the role in the other."
  }
  assert {
    condition     = aws_ecs_service.this[0].network_configuration[0].assign_public_ip
    error_message = "The task must have a public address."
  }
}

run "reader_role" {
  command = plan

  module {
    source = "./modules/reader-role"
  }

  variables {
    poller_role_arn = "arn:aws:iam::111122223333:role/mackerel-ecs-task"
    external_id     = "sesame"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal == { AWS = "arn:aws:iam::111122223333:root" }
    error_message = "The poller's account must be the principal."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition == { ArnEquals = { "aws:PrincipalArn" = var.poller_role_arn }, StringEquals = { "sts:ExternalId" = "sesame" } }
    error_message = "Only the poller's role with the external id may assume it."
  }
  assert {
    condition     = output.target.external_id == "sesame"
    error_message = "The target must have what the poller needs."
  }
}

# Wrong values, each refused by the validation of its variable.

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
  subnet_ids  = ["subnet-0a"]
}

run "name" {
  command = plan

  variables {
    name = "1st"
  }

  expect_failures = [var.name]
}

run "mode" {
  command = plan

  variables {
    mode = "daemon"
  }

  expect_failures = [var.mode]
}

run "image_without_tag" {
  command = plan

  variables {
    image = "example.com/mackerel-ecs"
  }

  expect_failures = [var.image]
}

run "api_key_itself" {
  command = plan

  variables {
    api_key_arn = "abcdefghijklmnopqrstuvwxyz0123456789"
  }

  expect_failures = [var.api_key_arn]
}

run "api_key_kms_alias" {
  command = plan

  variables {
    api_key_kms_key_arn = "arn:aws:kms:ap-northeast-1:111122223333:alias/key"
  }

  expect_failures = [var.api_key_kms_key_arn]
}

run "config_no_object" {
  command = plan

  variables {
    config = ["metrics"]
  }

  expect_failures = [var.config]
}

run "config_with_the_key" {
  command = plan

  variables {
    config = { mackerel = { apikey = "secret" } }
  }

  expect_failures = [var.config]
}

run "config_unknown_section" {
  command = plan

  variables {
    config = { metric = { profile = "full" } }
  }

  expect_failures = [var.config]
}

run "config_unknown_key" {
  command = plan

  variables {
    config = { metrics = { profil = "full" } }
  }

  expect_failures = [var.config]
}

run "config_no_targets" {
  command = plan

  variables {
    config = { targets = [] }
  }

  expect_failures = [var.config]
}

run "config_target_unknown_key" {
  command = plan

  variables {
    config = { targets = [{ region = "ap-northeast-1" }] }
  }

  expect_failures = [var.config]
}

run "config_no_role" {
  command = plan

  variables {
    config = { targets = [{ role_arn = "reader" }] }
  }

  expect_failures = [var.config]
}

run "config_profile" {
  command = plan

  variables {
    config = { metrics = { profile = "fancy" } }
  }

  expect_failures = [var.config]
}

run "config_too_long" {
  command = plan

  variables {
    config = { host = { memo = join("", [for i in range(1000) : "1234567890123456789012345678901234567890"]) } }
  }

  expect_failures = [var.config]
}

run "rate_of_half_a_minute" {
  command = plan

  variables {
    schedule = { rate_minutes = 0.5 }
  }

  expect_failures = [var.schedule]
}

run "attempts" {
  command = plan

  variables {
    schedule = { maximum_retry_attempts = 186 }
  }

  expect_failures = [var.schedule]
}

run "event_age" {
  command = plan

  variables {
    schedule = { maximum_event_age_seconds = 59 }
  }

  expect_failures = [var.schedule]
}

run "dead_letter_fifo" {
  command = plan

  variables {
    schedule = { dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-1:111122223333:dead.fifo" }
  }

  expect_failures = [var.schedule]
}

run "cluster_name" {
  command = plan

  variables {
    cluster_arn = "prod"
  }

  expect_failures = [var.cluster_arn]
}

run "no_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "subnet_name" {
  command = plan

  variables {
    subnet_ids = ["private-a"]
  }

  expect_failures = [var.subnet_ids]
}

run "security_group_name" {
  command = plan

  variables {
    security_group_ids = ["default"]
  }

  expect_failures = [var.security_group_ids]
}

run "six_security_groups" {
  command = plan

  variables {
    security_group_ids = ["sg-0", "sg-1", "sg-2", "sg-3", "sg-4", "sg-5"]
  }

  expect_failures = [var.security_group_ids]
}

run "cpu" {
  command = plan

  variables {
    cpu = 128
  }

  expect_failures = [var.cpu]
}

run "memory" {
  command = plan

  variables {
    memory = 4096
  }

  expect_failures = [var.memory]
}

run "architecture" {
  command = plan

  variables {
    architecture = "arm"
  }

  expect_failures = [var.architecture]
}

run "log_retention" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "log_kms_alias" {
  command = plan

  variables {
    log_kms_key_arn = "alias/logs"
  }

  expect_failures = [var.log_kms_key_arn]
}

run "log_level" {
  command = plan

  variables {
    log_level = "verbose"
  }

  expect_failures = [var.log_level]
}

run "boundary_name" {
  command = plan

  variables {
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "reserved_tag" {
  command = plan

  variables {
    tags = { "aws:team" = "ops" }
  }

  expect_failures = [var.tags]
}

run "reader_name" {
  command = plan

  module {
    source = "./modules/reader-role"
  }

  variables {
    poller_role_arn = "arn:aws:iam::111122223333:role/poller"
    external_id     = "sesame"
    name            = "a role"
  }

  expect_failures = [var.name]
}

run "reader_for_any_role" {
  command = plan

  module {
    source = "./modules/reader-role"
  }

  variables {
    poller_role_arn = "arn:aws:iam::111122223333:role/*"
    external_id     = "sesame"
  }

  expect_failures = [var.poller_role_arn]
}

run "reader_external_id" {
  command = plan

  module {
    source = "./modules/reader-role"
  }

  variables {
    poller_role_arn = "arn:aws:iam::111122223333:role/poller"
    external_id     = "open sesame"
  }

  expect_failures = [var.external_id]
}

run "reader_boundary" {
  command = plan

  module {
    source = "./modules/reader-role"
  }

  variables {
    poller_role_arn          = "arn:aws:iam::111122223333:role/poller"
    external_id              = "sesame"
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "sidecar_image" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    image = "mackerel-ecs"
  }

  expect_failures = [var.image]
}

run "sidecar_api_key_itself" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    api_key_arn = "abcdefgh"
  }

  expect_failures = [var.api_key_arn]
}

run "sidecar_api_key_kms_alias" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    api_key_kms_key_arn = "alias/key"
  }

  expect_failures = [var.api_key_kms_key_arn]
}

run "sidecar_name" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    name = "a sidecar"
  }

  expect_failures = [var.name]
}

run "sidecar_roles" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    roles = ["web"]
  }

  expect_failures = [var.roles]
}

run "sidecar_platform" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    platform = "kubernetes"
  }

  expect_failures = [var.platform]
}

run "sidecar_config" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    config = "task.yaml"
  }

  expect_failures = [var.config]
}

run "sidecar_environment" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    environment = { MACKEREL_APIKEY = "abcdefgh" }
  }

  expect_failures = [var.environment]
}

run "sidecar_memory" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    memory = 16
  }

  expect_failures = [var.memory]
}

run "sidecar_log_group" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    log = { group = "", region = "ap-northeast-1" }
  }

  expect_failures = [var.log]
}

run "sidecar_log_region" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    log = { group = "/ecs/web", region = "Tokyo" }
  }

  expect_failures = [var.log]
}

run "sidecar_log_prefix" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    log = { group = "/ecs/web", region = "ap-northeast-1", stream_prefix = "" }
  }

  expect_failures = [var.log]
}

run "reader_reserved_tag" {
  command = plan

  module {
    source = "./modules/reader-role"
  }

  variables {
    poller_role_arn = "arn:aws:iam::111122223333:role/poller"
    external_id     = "sesame"
    tags            = { "AWS:team" = "ops" }
  }

  expect_failures = [var.tags]
}

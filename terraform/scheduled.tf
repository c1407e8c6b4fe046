# Mode `scheduled`: EventBridge Scheduler runs the task, which polls once and leaves.

resource "aws_scheduler_schedule_group" "this" {
  count = var.mode == "scheduled" ? 1 : 0

  name = var.name
  tags = var.tags
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:The schedule holds nothing secret; AWS's own key encrypts it.
  count = var.mode == "scheduled" ? 1 : 0

  name                = var.name
  group_name          = aws_scheduler_schedule_group.this[0].name
  description         = "Polls ECS and CloudWatch once and posts to Mackerel"
  schedule_expression = var.schedule.rate_minutes == 1 ? "rate(1 minute)" : "rate(${var.schedule.rate_minutes} minutes)"
  state               = var.schedule.enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = local.cluster_arn
    role_arn = aws_iam_role.scheduler[0].arn

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.this.arn
      launch_type         = "FARGATE"
      task_count          = 1
      propagate_tags      = length(var.tags) > 0 ? "TASK_DEFINITION" : null

      network_configuration {
        subnets          = var.subnet_ids
        security_groups  = local.security_group_ids
        assign_public_ip = var.assign_public_ip
      }
    }

    retry_policy {
      maximum_retry_attempts       = var.schedule.maximum_retry_attempts
      maximum_event_age_in_seconds = var.schedule.maximum_event_age_seconds
    }

    dynamic "dead_letter_config" {
      for_each = var.schedule.dead_letter_queue_arn != null ? [var.schedule.dead_letter_queue_arn] : []

      content {
        arn = dead_letter_config.value
      }
    }
  }
}

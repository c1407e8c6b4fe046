# Mode `service`: an ECS service keeps one task, which polls every minute.

resource "aws_ecs_service" "this" {
  count = var.mode == "service" ? 1 : 0

  name                    = var.name
  cluster                 = local.cluster_arn
  task_definition         = aws_ecs_task_definition.this.arn
  launch_type             = "FARGATE"
  desired_count           = 1
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"
  tags                    = var.tags

  # Two pollers at once do no harm, so the old one goes on until the new one is healthy.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = local.security_group_ids
    assign_public_ip = var.assign_public_ip
  }

  # A task that starts before its roles may do their work fails, and counts as a failed deployment.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}

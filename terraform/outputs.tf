output "cluster_arn" {
  description = "The cluster that the poller runs in."
  value       = local.cluster_arn
}

output "task_definition_arn" {
  description = "The task definition with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "task_role_arn" {
  description = "The role that the poller reads with: `poller_role_arn` of the module reader-role in other accounts."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "The role that ECS starts the task with."
  value       = aws_iam_role.execution.arn
}

output "log_group_name" {
  description = "The log group, one JSON object a line."
  value       = aws_cloudwatch_log_group.this.name
}

output "security_group_ids" {
  description = "The task's security groups, given or made."
  value       = local.security_group_ids
}

output "schedule_arn" {
  description = "The schedule; null in mode service."
  value       = one(aws_scheduler_schedule.this[*].arn)
}

output "service_id" {
  description = "The ECS service's ARN; null in mode scheduled."
  value       = one(aws_ecs_service.this[*].id)
}

output "check_command" {
  description = "A command that runs `mackerel-ecs check` as a task: whether the key, the permissions and the network are right. What it finds is in the log group."
  value = join(" ", [
    "aws ecs run-task --region ${local.region} --launch-type FARGATE --cluster ${local.cluster_arn}",
    "--task-definition ${aws_ecs_task_definition.this.arn}",
    "--network-configuration 'awsvpcConfiguration={subnets=[${join(",", var.subnet_ids)}],securityGroups=[${join(",", local.security_group_ids)}],assignPublicIp=${var.assign_public_ip ? "ENABLED" : "DISABLED"}}'",
    "--overrides '{\"containerOverrides\":[{\"name\":\"mackerel-ecs\",\"command\":[\"check\"]}]}'",
  ])
}

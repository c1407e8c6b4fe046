output "container_definition" {
  description = "The sidecar as an object, to be put among the container definitions of any task definition."
  value       = local.container
}

output "container_definition_json" {
  description = "The sidecar as a JSON object."
  value       = jsonencode(local.container)
}

output "execution_role_policy_json" {
  description = "What the task's execution role needs besides: to read the API key."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.execution_statements })
}

output "task_role_policy_json" {
  description = "What the task role needs besides: null unless the configuration is in S3."
  value       = length(local.task_statements) > 0 ? jsonencode({ Version = "2012-10-17", Statement = local.task_statements }) : null
}

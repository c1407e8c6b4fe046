output "check_command" {
  description = "Runs `mackerel-ecs check` as a task."
  value       = module.mackerel_ecs.check_command
}

output "log_group_name" {
  description = "Where the poller logs."
  value       = module.mackerel_ecs.log_group_name
}

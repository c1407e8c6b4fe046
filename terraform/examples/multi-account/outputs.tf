output "check_command" {
  description = "Runs `mackerel-ecs check` as a task."
  value       = module.mackerel_ecs.check_command
}

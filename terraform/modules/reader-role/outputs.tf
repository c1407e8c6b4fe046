output "role_arn" {
  description = "The role: `role_arn` of the target in the poller's configuration."
  value       = aws_iam_role.this.arn
}

output "target" {
  description = "The role and its external id, as an item of `targets` without Regions."
  value       = { role_arn = aws_iam_role.this.arn, external_id = var.external_id }
}

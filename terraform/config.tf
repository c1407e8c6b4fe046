# The configuration as it is passed on, and what it says about permissions.

locals {
  # The keys of the configuration by section, as in config/example.yaml; those of `targets` are of each
  # item.
  config_keys = {
    mackerel   = ["apibase"]
    targets    = ["name", "role_arn", "external_id", "session_name", "regions", "clusters", "services", "metrics", "roles"]
    clusters   = ["include", "exclude", "tags", "exclude_tags"]
    services   = ["include", "exclude", "tags", "exclude_tags"]
    metrics    = ["profile", "container_insights", "include", "exclude"]
    host       = ["custom_identifier", "display_name", "memo", "roles", "status", "retire_after"]
    poll       = ["interval", "settle", "overlap", "lookback", "grace"]
    aws        = ["rate_share"]
    cloudwatch = ["interval", "monthly_budget_usd", "reader"]
    shard      = []
    heartbeat  = ["service"]
    http       = ["listen"]
    reload     = []
  }

  targets = [for target in try(var.config.targets, []) : target]

  # Where no target is named, or one without a role, the poller reads its own account.
  assumed_role_arns = [for target in local.targets : target.role_arn if try(target.role_arn, null) != null]
  own_targets       = [for target in local.targets : target if try(target.role_arn, null) == null]
  # Where all Regions are polled, the account is asked which are enabled.
  lists_regions     = anytrue([for target in local.own_targets : contains(flatten([try(target.regions, [])]), "all")])
  reads_own_account = length(local.targets) == 0 || length(local.assumed_role_arns) < length(local.targets)

  # A scheduled run comes once in the schedule's rate; what it did not count in between is no gap.
  scheduled_poll = merge({ interval = "${var.schedule.rate_minutes}m" }, try(var.config.poll, {}))
  config         = merge(var.config, { for key in ["poll"] : key => local.scheduled_poll if var.mode == "scheduled" })
}

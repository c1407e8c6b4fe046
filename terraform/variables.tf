variable "name" {
  description = "The name of everything that is made: the task definition's family, the log group, the roles, and the cluster, the schedule or the service."
  type        = string
  default     = "mackerel-ecs"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][0-9A-Za-z_-]{0,47}$", var.name))
    error_message = "The name must begin with a letter and be up to 48 letters, digits, hyphens and underscores."
  }
}

variable "mode" {
  description = "How the poller runs. `scheduled`: EventBridge Scheduler starts a Fargate task that polls once. `service`: an ECS service keeps one task that polls every minute."
  type        = string
  default     = "scheduled"
  nullable    = false

  validation {
    condition     = contains(["scheduled", "service"], var.mode)
    error_message = "The mode must be scheduled or service."
  }
}

variable "image" {
  description = "The image of mackerel-ecs with its tag or digest. For one in a private ECR repository the execution role may pull from that repository alone."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^\\s@]+(:[0-9A-Za-z_][0-9A-Za-z._-]{0,127}|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "The image must be REPOSITORY:TAG or REPOSITORY@sha256:DIGEST."
  }
}

variable "api_key_arn" {
  description = "The ARN of the Secrets Manager secret or SSM parameter that holds the Mackerel API key (read and write permission). To take one key of a JSON secret, append `:KEY::` to the secret's ARN."
  type        = string
  nullable    = false

  validation {
    condition = can(regex(join("|", [
      "^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[0-9A-Za-z/_+=.@-]+(:[^:]*:[^:]*:[^:]*)?$",
      "^arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[0-9A-Za-z/_.-]+$",
    ]), var.api_key_arn))
    error_message = "The API key is given by the ARN of a Secrets Manager secret (arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME) or of an SSM parameter (arn:aws:ssm:REGION:ACCOUNT:parameter/NAME), never as the key itself."
  }
}

variable "api_key_kms_key_arn" {
  description = "The ARN of the KMS key that encrypts the API key, where it is a customer managed one. The execution role may then decrypt with it."
  type        = string
  default     = null

  validation {
    condition     = var.api_key_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-z-]+$", var.api_key_kms_key_arn))
    error_message = "The key must be given by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID; an alias is no resource of an IAM policy."
  }
}

variable "config" {
  description = "The configuration of mackerel-ecs, with the keys of config/example.yaml; passed on as YAML in MACKEREL_ECS_CONFIG_YAML. The roles in `targets` may be assumed by the task role, and nothing else may. In mode `scheduled` `poll.interval` is the schedule's rate unless given."
  # Its values have many types, and conversion to an object type would drop misspelt keys silently.
  type     = any
  default  = {}
  nullable = false

  validation {
    condition     = can(keys(var.config)) && !can(tolist(var.config))
    error_message = "The configuration must be an object."
  }

  validation {
    condition     = !contains(try(keys(var.config.mackerel), []), "apikey")
    error_message = "The API key must not be in the configuration, which anyone who may describe the task definition can read: put it into Secrets Manager or SSM and give its ARN as api_key_arn."
  }

  validation {
    condition     = length(setsubtract(try(keys(var.config), []), keys(local.config_keys))) == 0
    error_message = "The configuration has sections that are unknown: ${join(", ", setsubtract(try(keys(var.config), []), keys(local.config_keys)))}. Known are ${join(", ", keys(local.config_keys))}."
  }

  validation {
    condition = alltrue([
      for section, known in local.config_keys :
      length(setsubtract(try(keys(var.config[section]), []), concat(known, ["apikey"]))) == 0 if section != "targets"
    ])
    error_message = "A section of the configuration has a key that is unknown. Known are ${jsonencode(local.config_keys)}."
  }

  validation {
    condition = !can(var.config.targets) || (try(length(var.config.targets) > 0, false) && alltrue([
      for target in try(var.config.targets, []) : try(length(setsubtract(keys(target), local.config_keys.targets)) == 0, false)
    ]))
    error_message = "The targets must be a list of objects, one at least, with the keys ${join(", ", local.config_keys.targets)}."
  }

  validation {
    condition = alltrue([
      for target in try(var.config.targets, []) : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/\\S+$", target.role_arn)) if try(target.role_arn, null) != null
    ])
    error_message = "Each role_arn in targets must be arn:aws:iam::ACCOUNT:role/NAME."
  }

  validation {
    condition     = contains(["compact", "standard", "full"], try(var.config.metrics.profile, "standard"))
    error_message = "The profile in metrics must be compact, standard or full."
  }

  validation {
    condition     = length(jsonencode(var.config)) <= 32768
    error_message = "The configuration must be under 32 KiB: a task definition may have 64 KiB altogether."
  }
}

variable "schedule" {
  description = "Of mode `scheduled`: how often the task runs, how often and how long it is tried to start a task that could not be started, whether the schedule is enabled, and the ARN of an SQS queue for starts that failed for good (none by default; the next run reads what was missed)."
  type = object({
    rate_minutes              = optional(number, 5)
    maximum_retry_attempts    = optional(number, 2)
    maximum_event_age_seconds = optional(number, 120)
    enabled                   = optional(bool, true)
    dead_letter_queue_arn     = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.schedule.rate_minutes >= 1 && var.schedule.rate_minutes <= 60 && floor(var.schedule.rate_minutes) == var.schedule.rate_minutes
    error_message = "The rate must be 1 to 60 whole minutes."
  }

  validation {
    condition     = var.schedule.maximum_retry_attempts >= 0 && var.schedule.maximum_retry_attempts <= 185 && floor(var.schedule.maximum_retry_attempts) == var.schedule.maximum_retry_attempts
    error_message = "The attempts must be 0 to 185."
  }

  validation {
    condition     = var.schedule.maximum_event_age_seconds >= 60 && var.schedule.maximum_event_age_seconds <= 86400
    error_message = "The event age must be 60 to 86400 seconds."
  }

  validation {
    condition     = var.schedule.dead_letter_queue_arn == null || can(regex("^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[0-9A-Za-z_-]+$", var.schedule.dead_letter_queue_arn))
    error_message = "The dead-letter queue must be the ARN of a standard SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME; EventBridge Scheduler takes no FIFO queue."
  }
}

variable "cluster_arn" {
  description = "The ARN of the ECS cluster that the poller runs in; it needs no capacity but Fargate. A cluster of its own is made unless given, which costs nothing."
  type        = string
  default     = null

  validation {
    condition     = var.cluster_arn == null || can(regex("^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[0-9A-Za-z_-]{1,255}$", var.cluster_arn))
    error_message = "The cluster must be given by its ARN, arn:aws:ecs:REGION:ACCOUNT:cluster/NAME."
  }
}

variable "subnet_ids" {
  description = "The subnets that the task runs in, of one VPC. They need a way to AWS and to api.mackerelio.com on port 443: a NAT gateway, or an internet gateway and `assign_public_ip`."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 1 && length(var.subnet_ids) <= 16
    error_message = "Give 1 to 16 subnets."
  }

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "Each subnet must be given by its id, subnet-...."
  }
}

variable "security_group_ids" {
  description = "The security groups of the task. One is made unless given, which lets nothing in and only port 443 out."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.security_group_ids) <= 5
    error_message = "A task can have 5 security groups at most."
  }

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "Each security group must be given by its id, sg-...."
  }
}

variable "assign_public_ip" {
  description = "Whether the task gets a public IPv4 address: needed in public subnets, where nothing else leads out. It costs $0.005 an hour."
  type        = bool
  default     = false
  nullable    = false
}

variable "cpu" {
  description = "CPU units of the task (1024 are one vCPU): 256, 512 or 1024. The poller uses a small part of 256."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = contains([256, 512, 1024], var.cpu)
    error_message = "The CPU must be 256, 512 or 1024 units."
  }
}

variable "memory" {
  description = "Memory of the task in MiB, as Fargate offers it for the CPU: 512, 1024 or 2048 for 256 units, 1024 to 4096 for 512, 2048 to 8192 for 1024."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition = contains({
      "256"  = [512, 1024, 2048]
      "512"  = [1024, 2048, 3072, 4096]
      "1024" = [2048, 3072, 4096, 5120, 6144, 7168, 8192]
    }[tostring(var.cpu)], var.memory)
    error_message = "Fargate does not offer ${var.memory} MiB with ${var.cpu} CPU units."
  }
}

variable "architecture" {
  description = "The processor of the task, which the image must be built for: ARM64, a fifth cheaper, or X86_64."
  type        = string
  default     = "ARM64"
  nullable    = false

  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "The architecture must be ARM64 or X86_64."
  }
}

variable "log_retention_days" {
  description = "How many days the log is kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs offers no such retention; take 7, 14, 30, 60, 90 or another that it offers."
  }
}

variable "log_kms_key_arn" {
  description = "The ARN of the KMS key that encrypts the log; AWS's own unless given. The key's policy must let CloudWatch Logs use it."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-z-]+$", var.log_kms_key_arn))
    error_message = "The key must be given by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "log_level" {
  description = "The least that is logged: error, warn, info, debug or trace."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["error", "warn", "info", "debug", "trace"], var.log_level)
    error_message = "The log level must be error, warn, info, debug or trace."
  }
}

variable "permissions_boundary_arn" {
  description = "The ARN of the policy that bounds the roles that are made; none unless given."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/\\S+$", var.permissions_boundary_arn))
    error_message = "The boundary must be the ARN of a policy, arn:aws:iam::ACCOUNT:policy/NAME."
  }
}

variable "tags" {
  description = "Tags of everything that is made, tasks included."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^.{1,128}$", key)) && !startswith(lower(key), "aws:") && length(value) <= 256])
    error_message = "A tag's key must be 1 to 128 characters and not begin with aws:, its value 256 at most."
  }
}

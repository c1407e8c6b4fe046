variable "image" {
  description = "The image of mackerel-ecs with its tag or digest."
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
  description = "The ARN of the KMS key that encrypts the API key, where it is a customer managed one."
  type        = string
  default     = null

  validation {
    condition     = var.api_key_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-z-]+$", var.api_key_kms_key_arn))
    error_message = "The key must be given by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID; an alias is no resource of an IAM policy."
  }
}

variable "name" {
  description = "The container's name within the task."
  type        = string
  default     = "mackerel-ecs"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z_-]{1,255}$", var.name))
    error_message = "The name must be 1 to 255 letters, digits, hyphens and underscores."
  }
}

variable "roles" {
  description = "The roles of the task's host on Mackerel, each as `service:role`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.roles : can(regex("^[0-9A-Za-z][0-9A-Za-z_-]+: ?[0-9A-Za-z][0-9A-Za-z_-]+$", role))])
    error_message = "Each role must be service:role."
  }
}

variable "platform" {
  description = "MACKEREL_CONTAINER_PLATFORM: `ecs` on EC2 and Fargate alike, or `ecs_anywhere`."
  type        = string
  default     = "ecs"
  nullable    = false

  validation {
    condition     = contains(["ecs", "fargate", "ecs_anywhere"], var.platform)
    error_message = "The platform must be ecs, fargate or ecs_anywhere."
  }
}

variable "config" {
  description = "Where the sidecar's YAML is, MACKEREL_AGENT_CONFIG: a path in the image or a volume, an https:// or an s3:// URL. The settings of the environment are enough for most."
  type        = string
  default     = null

  validation {
    condition     = var.config == null || can(regex("^(/|https?://|s3://[0-9a-z.-]{3,63}/)\\S+$", var.config))
    error_message = "The configuration must be an absolute path, an http(s):// URL or s3://BUCKET/KEY."
  }
}

variable "environment" {
  description = "Other variables of the sidecar, such as MACKEREL_DISPLAY_NAME, MACKEREL_MEMO, MACKEREL_IGNORE_CONTAINER or MACKEREL_LOG_LEVEL."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.environment), ["MACKEREL_APIKEY", "MACKEREL_ROLES", "MACKEREL_CONTAINER_PLATFORM", "MACKEREL_AGENT_CONFIG"])) == 0
    error_message = "The API key is given by api_key_arn; MACKEREL_ROLES, MACKEREL_CONTAINER_PLATFORM and MACKEREL_AGENT_CONFIG by roles, platform and config."
  }
}

variable "memory" {
  description = "The most memory that the sidecar may use, in MiB."
  type        = number
  default     = 64
  nullable    = false

  validation {
    condition     = var.memory >= 32 && floor(var.memory) == var.memory
    error_message = "The memory must be 32 MiB at least."
  }
}

variable "log" {
  description = "Where the sidecar logs: a CloudWatch log group that the task's execution role may write to, its Region, and the prefix of the stream. Nowhere unless given."
  type = object({
    group         = string
    region        = string
    stream_prefix = optional(string, "mackerel-ecs")
  })
  default = null

  validation {
    condition     = var.log == null || can(regex("^[0-9A-Za-z_/.#-]{1,512}$", var.log.group))
    error_message = "The log group must be given by its name, such as /ecs/web."
  }

  validation {
    condition     = var.log == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.log.region))
    error_message = "The log's Region must be one of AWS, such as ap-northeast-1."
  }

  validation {
    condition     = var.log == null || can(regex("^[^:*]+$", var.log.stream_prefix))
    error_message = "The prefix of the log's streams must not be empty, nor hold a colon or an asterisk."
  }
}

variable "name" {
  description = "The role's name."
  type        = string
  default     = "mackerel-ecs-reader"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", var.name))
    error_message = "The name must be 1 to 64 letters, digits and +=,.@_-."
  }
}

variable "poller_role_arn" {
  description = "The role of the poller in its own account, alone allowed to assume this one: `task_role_arn` of the poller's module."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[^*?\\s]+$", var.poller_role_arn))
    error_message = "The poller's role must be arn:aws:iam::ACCOUNT:role/NAME, without wildcards."
  }
}

variable "external_id" {
  description = "The external id that the poller must show: `external_id` of the target in its configuration."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z_+=,.@:/-]+$", var.external_id)) && length(var.external_id) >= 2 && length(var.external_id) <= 1224
    error_message = "The external id must be 2 to 1224 letters, digits and _+=,.@:/-."
  }
}

variable "lists_regions" {
  description = "Whether the poller may ask which Regions are enabled: for a target with `regions: all`."
  type        = bool
  default     = false
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "The ARN of the policy that bounds the role; none unless given."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/\\S+$", var.permissions_boundary_arn))
    error_message = "The boundary must be the ARN of a policy, arn:aws:iam::ACCOUNT:policy/NAME."
  }
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^.{1,128}$", key)) && !startswith(lower(key), "aws:") && length(value) <= 256])
    error_message = "A tag's key must be 1 to 128 characters and not begin with aws:, its value 256 at most."
  }
}

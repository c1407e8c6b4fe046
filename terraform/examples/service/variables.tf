variable "region" {
  description = "The Region that the poller runs in, and reads."
  type        = string
  default     = "ap-northeast-1"
}

variable "image" {
  description = "The image of mackerel-ecs with its tag or digest."
  type        = string
}

variable "api_key_arn" {
  description = "The ARN of the SSM parameter or the secret that holds the Mackerel API key."
  type        = string
}

variable "subnet_ids" {
  description = "The subnets that the task runs in."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Whether the task gets a public address: true in public subnets."
  type        = bool
  default     = false
}

variable "region" {
  description = "The Region of the task."
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

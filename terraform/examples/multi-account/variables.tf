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

variable "external_id" {
  description = "What the poller shows to the other account: any text that nobody else uses."
  type        = string
}

variable "shop_admin_role_arn" {
  description = "A role in the account `shop` that Terraform may assume to make the reader's role there."
  type        = string
}

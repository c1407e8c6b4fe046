# A Fargate task that polls once every five minutes: the cheapest way.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

provider "aws" {
  region = var.region
}

module "mackerel_ecs" {
  source = "../.."

  mode             = "scheduled"
  image            = var.image
  api_key_arn      = var.api_key_arn
  subnet_ids       = var.subnet_ids
  assign_public_ip = var.assign_public_ip

  schedule = { rate_minutes = 5 }
  config = {
    metrics = { profile = "standard" }
  }
}

# A service of one task that polls every minute.

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

  mode             = "service"
  image            = var.image
  api_key_arn      = var.api_key_arn
  subnet_ids       = var.subnet_ids
  assign_public_ip = var.assign_public_ip

  config = {
    metrics  = { profile = "standard" }
    clusters = { exclude = ["*-test"] }
  }
}

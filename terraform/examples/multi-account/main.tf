# One poller for its own account and another one, in two Regions each.

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
  region = "ap-northeast-1"
}

provider "aws" {
  alias  = "shop"
  region = "ap-northeast-1"

  assume_role {
    role_arn = var.shop_admin_role_arn
  }
}

locals {
  regions = ["ap-northeast-1", "us-east-1"]
}

module "reader" {
  source    = "../../modules/reader-role"
  providers = { aws = aws.shop }

  poller_role_arn = module.mackerel_ecs.task_role_arn
  external_id     = var.external_id
}

module "mackerel_ecs" {
  source = "../.."

  mode        = "service"
  image       = var.image
  api_key_arn = var.api_key_arn
  subnet_ids  = var.subnet_ids

  config = {
    targets = [
      { name = "own", regions = local.regions },
      merge(module.reader.target, { name = "shop", regions = local.regions }),
    ]
  }
}

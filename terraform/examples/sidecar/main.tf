# A task definition of your own with the sidecar in it.

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

module "sidecar" {
  source = "../../modules/sidecar"

  image       = var.image
  api_key_arn = var.api_key_arn
  roles       = ["shop:web"]
  log         = { group = aws_cloudwatch_log_group.web.name, region = var.region }
}

resource "aws_cloudwatch_log_group" "web" {
  #checkov:skip=CKV_AWS_158:An example.
  #checkov:skip=CKV_AWS_338:An example.
  name              = "/ecs/web"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "web" {
  family                   = "web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([
    {
      name                   = "web"
      image                  = "public.ecr.aws/nginx/nginx:1.29"
      essential              = true
      portMappings           = [{ containerPort = 80 }]
      readonlyRootFilesystem = false
    },
    module.sidecar.container_definition,
  ])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "ARM64"
  }
}

resource "aws_iam_role" "execution" {
  name = "web-execution"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.web.arn}:*"]
    }]
  })
}

resource "aws_iam_role_policy" "sidecar" {
  name   = "mackerel-ecs"
  role   = aws_iam_role.execution.id
  policy = module.sidecar.execution_role_policy_json
}

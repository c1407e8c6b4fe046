data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.region
  account_id = data.aws_caller_identity.current.account_id

  cluster_arn        = var.cluster_arn != null ? var.cluster_arn : aws_ecs_cluster.this[0].arn
  security_group_ids = length(var.security_group_ids) > 0 ? var.security_group_ids : [aws_security_group.this[0].id]

  # Where the poller answers `mackerel-ecs health`, within the task alone.
  health_address = "127.0.0.1:9808"

  environment = merge(
    {
      MACKEREL_ECS_CONFIG_YAML = yamlencode(local.config)
      MACKEREL_ECS_LOG         = var.log_level
      MACKEREL_ECS_LOG_FORMAT  = "json"
    },
    var.mode == "service" ? { MACKEREL_ECS_LISTEN = local.health_address } : {},
  )

  container = merge(
    {
      name                   = "mackerel-ecs"
      image                  = var.image
      essential              = true
      command                = var.mode == "scheduled" ? ["poll", "--once"] : ["poll"]
      environment            = [for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }]
      secrets                = [{ name = "MACKEREL_APIKEY", valueFrom = var.api_key_arn }]
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      privileged             = false
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      # More than the 25 seconds that the poll in hand takes at most after a signal to stop.
      stopTimeout = 30
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = local.region
          awslogs-stream-prefix = var.mode
        }
      }
    },
    { for key, value in { healthCheck = local.health_check } : key => value if var.mode == "service" },
  )

  health_check = {
    command     = ["CMD", "/mackerel-ecs", "health"]
    interval    = 30
    timeout     = 5
    retries     = 3
    startPeriod = 120
  }
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Container Insights is charged by the metric; the poller does without.
  count = var.cluster_arn == null ? 1 : 0

  name = var.name
  tags = var.tags
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:The log holds no secret; log_kms_key_arn encrypts it with a key of one's own.
  #checkov:skip=CKV_AWS_338:A year of an operational log is for nothing; log_retention_days keeps it longer.
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.container])
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }
}

data "aws_subnet" "first" {
  count = length(var.security_group_ids) == 0 ? 1 : 0

  id = var.subnet_ids[0]
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:It is attached to the task by the schedule or the service.
  count = length(var.security_group_ids) == 0 ? 1 : 0

  name        = var.name
  description = "mackerel-ecs: HTTPS out, nothing in"
  vpc_id      = data.aws_subnet.first[0].vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  count = length(var.security_group_ids) == 0 ? 1 : 0

  security_group_id = aws_security_group.this[0].id
  description       = "AWS and Mackerel"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
  tags              = var.tags
}

# Three roles, each with what its own work needs and nothing that is off.

locals {
  # What reading an account takes. The same lists are printed by `mackerel-ecs iam-policy`; reader-role
  # and the CloudFormation templates have them too, and a test keeps them equal.
  all_read_actions = [
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "ecs:DescribeClusters",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:ListClusters",
    "ecs:ListServices",
  ]

  # The configuration may leave out one of CloudWatch's two calls.
  unused_call = lookup({
    get_metric_data       = "cloudwatch:GetMetricStatistics"
    get_metric_statistics = "cloudwatch:GetMetricData"
  }, try(var.config.cloudwatch.reader, "auto"), "")

  read_actions = [for action in local.all_read_actions : action if action != local.unused_call]

  # 123456789012.dkr.ecr.REGION.amazonaws.com/NAME:TAG; null for an image from elsewhere.
  ecr = try(regex("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.[a-z.]+/(?P<name>[^:@]+)", var.image), null)

  # A policy names the secret without the JSON key, stage and version that may follow.
  api_key_resource = join(":", slice(split(":", var.api_key_arn), 0, strcontains(var.api_key_arn, ":secretsmanager:") ? 7 : 6))

  task_statements = concat(
    local.reads_own_account ? [{
      Sid      = "Read"
      Effect   = "Allow"
      Action   = sort(concat(local.read_actions, local.lists_regions ? ["ec2:DescribeRegions"] : []))
      Resource = ["*"]
    }] : [],
    length(local.assumed_role_arns) > 0 ? [{
      Sid      = "ReadOtherAccounts"
      Effect   = "Allow"
      Action   = ["sts:AssumeRole"]
      Resource = local.assumed_role_arns
    }] : [],
  )

  execution_statements = concat(
    [
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
      {
        Sid      = "ApiKey"
        Effect   = "Allow"
        Action   = strcontains(var.api_key_arn, ":secretsmanager:") ? ["secretsmanager:GetSecretValue"] : ["ssm:GetParameters"]
        Resource = [local.api_key_resource]
      },
    ],
    var.api_key_kms_key_arn != null ? [{
      Sid      = "DecryptApiKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [var.api_key_kms_key_arn]
    }] : [],
    local.ecr != null ? [
      {
        Sid      = "Pull"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [try("arn:${local.partition}:ecr:${local.ecr.region}:${local.ecr.account}:repository/${local.ecr.name}", "")]
      },
      {
        Sid      = "PullToken"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
    ] : [],
  )

  scheduler_statements = concat(
    [
      {
        Sid       = "Run"
        Effect    = "Allow"
        Action    = ["ecs:RunTask"]
        Resource  = ["${aws_ecs_task_definition.this.arn_without_revision}:*"]
        Condition = { ArnEquals = { "ecs:cluster" = local.cluster_arn } }
      },
      {
        Sid       = "PassRoles"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ],
    length(var.tags) > 0 ? [{
      Sid       = "TagTasks"
      Effect    = "Allow"
      Action    = ["ecs:TagResource"]
      Resource  = ["arn:${local.partition}:ecs:${local.region}:${local.account_id}:task/*"]
      Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
    }] : [],
    var.schedule.dead_letter_queue_arn != null ? [{
      Sid      = "DeadLetter"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [var.schedule.dead_letter_queue_arn]
    }] : [],
  )
}

# The task role: what the poller itself may do.
resource "aws_iam_role" "task" {
  name                 = "${var.name}-task"
  description          = "mackerel-ecs: reads ECS and CloudWatch"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account_id}:*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "task" {
  #checkov:skip=CKV_AWS_355:All clusters and services of the account are read; CloudWatch can't be narrowed at all.
  name   = "read"
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.task_statements })
}

# The execution role: what ECS does to start the task.
resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  description          = "mackerel-ecs: starts the task, reads its API key, writes its log"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

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
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.execution_statements })
}

# The scheduler's role: what EventBridge Scheduler does on time.
resource "aws_iam_role" "scheduler" {
  count = var.mode == "scheduled" ? 1 : 0

  name                 = "${var.name}-scheduler"
  description          = "mackerel-ecs: runs the task on schedule"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account_id
          "aws:SourceArn"     = aws_scheduler_schedule_group.this[0].arn
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  count = var.mode == "scheduled" ? 1 : 0

  name   = "run"
  role   = aws_iam_role.scheduler[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.scheduler_statements })
}

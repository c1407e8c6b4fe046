locals {
  # The same list as in the poller's own module and in `mackerel-ecs iam-policy --for reader`.
  read_actions = [
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "ecs:DescribeClusters",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:ListClusters",
    "ecs:ListServices",
  ]

  poller = regex("^arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]{12}):", var.poller_role_arn)
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "mackerel-ecs in account ${local.poller.account} reads ECS and CloudWatch"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
  # A session from a role's session lasts one hour at most.
  max_session_duration = 3600

  # The account with a condition on the role, and not the role itself as principal, which would have
  # to exist first and would be another one once it was made anew.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:${local.poller.partition}:iam::${local.poller.account}:root" }
      Condition = {
        ArnEquals    = { "aws:PrincipalArn" = var.poller_role_arn }
        StringEquals = { "sts:ExternalId" = var.external_id }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_355:All clusters and services of the account are read; CloudWatch can't be narrowed at all.
  name = "read"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Read"
      Effect   = "Allow"
      Action   = sort(concat(local.read_actions, var.lists_regions ? ["ec2:DescribeRegions"] : []))
      Resource = ["*"]
    }]
  })
}

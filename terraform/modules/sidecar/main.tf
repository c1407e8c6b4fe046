locals {
  is_secret = strcontains(var.api_key_arn, ":secretsmanager:")

  environment = merge(
    var.environment,
    { MACKEREL_CONTAINER_PLATFORM = var.platform },
    length(var.roles) > 0 ? { MACKEREL_ROLES = join(",", var.roles) } : {},
    var.config != null ? { MACKEREL_AGENT_CONFIG = var.config } : {},
  )

  container = merge(
    {
      name  = var.name
      image = var.image
      # The task's own work goes on when the sidecar ends.
      essential              = false
      command                = ["task"]
      memory                 = var.memory
      environment            = [for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }]
      secrets                = [{ name = "MACKEREL_APIKEY", valueFrom = var.api_key_arn }]
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      privileged             = false
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      stopTimeout            = 30
    },
    { for key, value in { logConfiguration = local.log_configuration } : key => value if var.log != null },
  )

  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = try(var.log.group, "")
      awslogs-region        = try(var.log.region, "")
      awslogs-stream-prefix = try(var.log.stream_prefix, "")
    }
  }

  # s3://BUCKET/KEY; null for a configuration from elsewhere.
  s3 = try(regex("^s3://(?P<bucket>[^/]+)/(?P<key>.+)$", var.config), null)

  execution_statements = concat(
    [{
      Sid      = "ApiKey"
      Effect   = "Allow"
      Action   = local.is_secret ? ["secretsmanager:GetSecretValue"] : ["ssm:GetParameters"]
      Resource = [join(":", slice(split(":", var.api_key_arn), 0, local.is_secret ? 7 : 6))]
    }],
    var.api_key_kms_key_arn != null ? [{
      Sid      = "DecryptApiKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [var.api_key_kms_key_arn]
    }] : [],
  )

  task_statements = local.s3 != null ? [{
    Sid      = "Config"
    Effect   = "Allow"
    Action   = ["s3:GetObject"]
    Resource = [try("arn:${split(":", var.api_key_arn)[1]}:s3:::${local.s3.bucket}/${local.s3.key}", "")]
  }] : []
}

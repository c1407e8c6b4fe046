# The sidecar's container definition, which needs no provider.

variables {
  image       = "example.com/mackerel-ecs:0.1.0"
  api_key_arn = "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:mackerel-AbCdEf:apikey::"
}

run "defaults" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  assert {
    condition     = output.container_definition.command == ["task"] && !output.container_definition.essential
    error_message = "The task must go on when the sidecar ends."
  }
  assert {
    condition     = output.container_definition.environment == [{ name = "MACKEREL_CONTAINER_PLATFORM", value = "ecs" }]
    error_message = "The platform is all that must be set."
  }
  assert {
    condition     = output.container_definition.secrets == [{ name = "MACKEREL_APIKEY", valueFrom = var.api_key_arn }]
    error_message = "The key must be passed on as a secret."
  }
  assert {
    condition     = !can(output.container_definition.logConfiguration) && output.task_role_policy_json == null
    error_message = "What is not asked for must not be there."
  }
  assert {
    condition     = jsondecode(output.execution_role_policy_json).Statement == [{ Sid = "ApiKey", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = ["arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:mackerel-AbCdEf"] }]
    error_message = "The execution role may read the one secret."
  }
  assert {
    condition     = jsondecode(output.container_definition_json) == output.container_definition
    error_message = "Both outputs must be the same."
  }
}

run "with_everything" {
  command = plan

  module {
    source = "./modules/sidecar"
  }

  variables {
    name        = "monitor"
    roles       = ["shop:web", "shop:all"]
    platform    = "fargate"
    config      = "s3://settings/mackerel/task.yaml"
    environment = { MACKEREL_IGNORE_CONTAINER = "^proxy$" }
    memory      = 128
    log         = { group = "/ecs/web", region = "ap-northeast-1" }
  }

  assert {
    condition = { for variable in output.container_definition.environment : variable.name => variable.value } == {
      MACKEREL_AGENT_CONFIG       = "s3://settings/mackerel/task.yaml"
      MACKEREL_CONTAINER_PLATFORM = "fargate"
      MACKEREL_IGNORE_CONTAINER   = "^proxy$"
      MACKEREL_ROLES              = "shop:web,shop:all"
    }
    error_message = "Each input must be a variable of the sidecar."
  }
  assert {
    condition     = jsondecode(output.task_role_policy_json).Statement[0].Resource == ["arn:aws:s3:::settings/mackerel/task.yaml"]
    error_message = "The task role may read the one object."
  }
  assert {
    condition     = output.container_definition.logConfiguration.options.awslogs-stream-prefix == "mackerel-ecs"
    error_message = "The log must go where it is asked to."
  }
}

"""Fills gaps of moto's CloudFormation: EventBridge Scheduler, and all but the name of a task definition.

The properties of these resources go through boto3 to moto's own services, so that botocore's model
of each service judges every name and type. To import this is enough: moto finds all direct
subclasses.
"""

import boto3
from moto.core.common_models import CloudFormationModel
from moto.ecs.models import TaskDefinition, ecs_backends


class Named:
    def __init__(self, name, arn):
        self.name = self.physical_resource_id = name
        self.arn = arn

    @staticmethod
    def cloudformation_name_type():
        return "Name"

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name):
        assert attribute_name == "Arn"
        return self.arn


class ScheduleGroup(Named, CloudFormationModel):
    # moto takes the service from the second part.
    __module__ = "moto.scheduler"

    @staticmethod
    def cloudformation_type():
        return "AWS::Scheduler::ScheduleGroup"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **_
    ):
        properties = cloudformation_json["Properties"]
        made = boto3.client("scheduler", region_name).create_schedule_group(**properties)
        return cls(properties["Name"], made["ScheduleGroupArn"])


class Schedule(Named, CloudFormationModel):
    __module__ = "moto.scheduler"

    @staticmethod
    def cloudformation_type():
        return "AWS::Scheduler::Schedule"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **_
    ):
        properties = cloudformation_json["Properties"]
        # The API spells this one name in another way than CloudFormation.
        network = properties["Target"]["EcsParameters"]["NetworkConfiguration"]
        network["awsvpcConfiguration"] = network.pop("AwsvpcConfiguration")
        made = boto3.client("scheduler", region_name).create_schedule(**properties)
        return cls(properties["Name"], made["ScheduleArn"])


def as_the_api_spells(properties):
    """Names of CloudFormation as those of the ECS API; the options of a log driver are data."""
    if isinstance(properties, list):
        return [as_the_api_spells(one) for one in properties]
    if isinstance(properties, dict):
        return {
            key[0].lower() + key[1:]: dict(value) if key == "Options" else as_the_api_spells(value)
            for key, value in properties.items()
        }
    return properties


def register(resource_name, cloudformation_json, account_id, region_name, **_):
    properties = as_the_api_spells(cloudformation_json["Properties"])
    boto3.client("ecs", region_name).register_task_definition(**properties)
    return ecs_backends[account_id][region_name].describe_task_definition(properties["family"])


TaskDefinition.create_from_cloudformation_json = staticmethod(register)

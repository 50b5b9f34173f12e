"""Removes from the cloud what belongs to APP, and nothing else. What is gone already is no trouble."""

import os

import boto3
from botocore.exceptions import ClientError

APP = os.environ["APP"]
BUCKETS = [f"{APP}-static"]
ecr, ecs, s3, secrets, ssm = (boto3.client(name) for name in ("ecr", "ecs", "s3", "secretsmanager", "ssm"))


def remove(action, **what):
    try:
        return action(**what)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "NotFound" not in code and code != "NoSuchBucket":
            raise
    return {}


remove(ecs.delete_service, cluster=APP, service=APP, force=True)
for task in ecs.list_task_definitions(familyPrefix=APP)["taskDefinitionArns"]:
    ecs.deregister_task_definition(taskDefinition=task)
remove(ecs.delete_cluster, cluster=APP)
remove(ecr.delete_repository, repositoryName=APP, force=True)
for bucket in BUCKETS:
    for one in remove(s3.list_objects_v2, Bucket=bucket).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=one["Key"])
    remove(s3.delete_bucket, Bucket=bucket)
remove(secrets.delete_secret, SecretId=f"{APP}/secret-key", ForceDeleteWithoutRecovery=True)
names = [one["Name"] for one in ssm.get_parameters_by_path(Path=f"/{APP}", Recursive=True)["Parameters"]]
if names:
    ssm.delete_parameters(Names=names)

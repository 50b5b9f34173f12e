"""Makes, or brings up to date, what the shop needs in the cloud. APP, RELEASE, SECRET_KEY and ALLOWED_HOSTS are in the environment.

Nothing is remembered between two runs: each looks at what there is, and changes what is not as it should be.
"""

import mimetypes
import os
import subprocess
import urllib.request
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

PROJECT = Path(__file__).resolve().parent.parent
APP, RELEASE = os.environ["APP"], os.environ["RELEASE"]
# Where the image is pushed to from here; the emulated registry of the cloud takes its manifest.
REGISTRY = os.environ.get("REGISTRY", "registry:5000")
MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"

ec2, ecr, ecs, s3, secrets, ssm = (boto3.client(name) for name in ("ec2", "ecr", "ecs", "s3", "secretsmanager", "ssm"))


def repository():
    try:
        found = ecr.describe_repositories(repositoryNames=[APP])["repositories"][0]
    except ecr.exceptions.RepositoryNotFoundException:
        found = ecr.create_repository(repositoryName=APP)["repository"]
    return found["repositoryUri"]


def image():
    local = f"{REGISTRY}/{APP}:{RELEASE}"
    build = ["docker", "build", "--quiet", "--build-arg", f"RELEASE={RELEASE}", "--tag", local, str(PROJECT)]
    subprocess.run(build, check=True)
    subprocess.run(["docker", "push", "--quiet", local], check=True)
    asked = urllib.request.Request(f"http://{REGISTRY}/v2/{APP}/manifests/{RELEASE}", headers={"Accept": MANIFESTS})
    with urllib.request.urlopen(asked) as answer:
        manifest = answer.read().decode()
    try:
        ecr.put_image(repositoryName=APP, imageManifest=manifest, imageTag=RELEASE)
    except ecr.exceptions.ImageAlreadyExistsException:
        pass


def bucket(name):
    try:
        s3.head_bucket(Bucket=name)
    except ClientError:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    folder = PROJECT / "catalog" / "static"
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        s3.put_object(Bucket=name, Key=file.relative_to(folder).as_posix(), Body=file.read_bytes(), ContentType=kind)


def secret(name, value):
    try:
        if secrets.get_secret_value(SecretId=name)["SecretString"] != value:
            secrets.put_secret_value(SecretId=name, SecretString=value)
        return secrets.describe_secret(SecretId=name)["ARN"]
    except secrets.exceptions.ResourceNotFoundException:
        return secrets.create_secret(Name=name, SecretString=value)["ARN"]


def parameter(name, value):
    try:
        known = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        known = None
    if known != value:
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    return ssm.get_parameter(Name=name)["Parameter"]["ARN"]


def cluster():
    found = ecs.describe_clusters(clusters=[APP])["clusters"]
    if not any(one["status"] == "ACTIVE" for one in found):
        ecs.create_cluster(clusterName=APP)


def living_service():
    """What was deleted is told about for a while; it does not count."""
    found = ecs.describe_services(cluster=APP, services=[APP])["services"]
    return next((one for one in found if one["status"] == "ACTIVE"), None)


def network():
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    return {
        "awsvpcConfiguration": {
            "subnets": sorted(one["SubnetId"] for one in subnets),
            "securityGroups": [groups[0]["GroupId"]],
            "assignPublicIp": "ENABLED",
        }
    }


def service(container):
    living = living_service()
    # goal: cloud-again
    if living:
        task = ecs.describe_task_definition(taskDefinition=living["taskDefinition"])["taskDefinition"]
        known = task["containerDefinitions"][0]
        if all(known.get(key) == value for key, value in container.items()):
            return
    # end
    task = ecs.register_task_definition(
        family=APP,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[container],
    )["taskDefinition"]["taskDefinitionArn"]
    if living:
        ecs.update_service(cluster=APP, service=APP, taskDefinition=task)
    else:
        ecs.create_service(
            cluster=APP,
            serviceName=APP,
            taskDefinition=task,
            desiredCount=2,
            launchType="FARGATE",
            networkConfiguration=network(),
        )


def main():
    address = repository()
    image()
    bucket(f"{APP}-static")
    key = secret(f"{APP}/secret-key", os.environ["SECRET_KEY"])
    hosts = parameter(f"/{APP}/allowed-hosts", os.environ["ALLOWED_HOSTS"])
    cluster()
    service(
        {
            "name": "web",
            "image": f"{address}:{RELEASE}",
            "essential": True,
            "portMappings": [{"containerPort": 8000, "hostPort": 8000, "protocol": "tcp"}],
            "environment": [{"name": "DEBUG", "value": "0"}],
            # Where they are, not what they are: the container gets them when it starts.
            "secrets": [{"name": "SECRET_KEY", "valueFrom": key}, {"name": "ALLOWED_HOSTS", "valueFrom": hosts}],
        }
    )


main()

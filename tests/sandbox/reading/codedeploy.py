"""CodeDeploy's: applications, groups, configurations, deployments and their targets."""

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    deploy = clients("codedeploy", account, region)
    if names := deploy.list_applications()["applications"]:
        deploy.batch_get_applications(applicationNames=names)
    for name in names:
        groups = deploy.list_deployment_groups(applicationName=name)["deploymentGroups"]
        deploy.batch_get_deployment_groups(applicationName=name, deploymentGroupNames=groups)
    for name in deploy.list_deployment_configs()["deploymentConfigsList"]:
        deploy.get_deployment_config(deploymentConfigName=name)
    if instances := deploy.list_on_premises_instances()["instanceNames"]:
        deploy.batch_get_on_premises_instances(instanceNames=instances)
    ids = deploy.list_deployments()["deployments"][:50]
    for start in range(0, len(ids), 25):
        batch = ids[start : start + 25]
        for one in deploy.batch_get_deployments(deploymentIds=batch)["deploymentsInfo"]:
            deploy.get_application_revision(
                applicationName=one["applicationName"], revision=one["revision"]
            )
            if one["revision"]["revisionType"] == "S3":
                at = one["revision"]["s3Location"]
                s3 = clients("s3", account, region)
                s3.get_object(Bucket=at["bucket"], Key=at["key"], Range="bytes=-22")["Body"].read()
            if one["status"] in ("Created", "Queued"):
                continue
            deployment = one["deploymentId"]
            found = deploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
            for first in range(0, len(found), 25):
                deploy.batch_get_deployment_targets(
                    deploymentId=deployment, targetIds=found[first : first + 25]
                )

"""What deployments run on: Lambda's, ECS's, EC2's, Auto Scaling's and the load balancers'."""

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    functions = clients("lambda", account, region)
    for one in functions.list_functions()["Functions"]:
        name = one["FunctionName"]
        functions.get_function_configuration(FunctionName=name)
        functions.list_aliases(FunctionName=name)
        functions.list_versions_by_function(FunctionName=name)
    read_ecs(clients, account, region)
    machines = clients("ec2", account, region)
    machines.describe_instances()
    machines.describe_instance_status(IncludeAllInstances=True)
    scaling = clients("autoscaling", account, region)
    for group in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        scaling.describe_scaling_activities(AutoScalingGroupName=group["AutoScalingGroupName"])
    balancers = clients("elbv2", account, region)
    balancers.describe_load_balancers()
    for group in balancers.describe_target_groups()["TargetGroups"]:
        balancers.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    classic = clients("elb", account, region)
    for one in classic.describe_load_balancers()["LoadBalancerDescriptions"]:
        classic.describe_instance_health(LoadBalancerName=one["LoadBalancerName"])
    profiles = clients("iam", account, region)
    for reservation in machines.describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            if arn := one.get("IamInstanceProfile", {}).get("Arn"):
                profiles.get_instance_profile(InstanceProfileName=arn.rpartition("/")[2])


def read_ecs(clients: Clients, account: str, region: str) -> None:
    ecs = clients("ecs", account, region)
    clusters = ecs.list_clusters()["clusterArns"]
    if clusters:
        ecs.describe_clusters(clusters=clusters, include=["TAGS"])
    for cluster in clusters:
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        found = ecs.describe_services(cluster=cluster, services=arns[:10])["services"]
        for service in found:
            ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
        stopped = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
        if stopped:
            ecs.describe_tasks(cluster=cluster, tasks=stopped[:100])

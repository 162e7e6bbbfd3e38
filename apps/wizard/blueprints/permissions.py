"""The IAM actions that whoever makes a project, and undoes it, has to be allowed.

CloudFormation calls with the permissions of who started it. For each type of resource these are
the actions its handlers need to create, read and delete it with the properties our templates set.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html#schema-properties-handlers
"""

from collections.abc import Collection, Iterable, Mapping

#: Under this name stand what is done besides what CloudFormation does.
CREATOR = "creator"
#: ... and under this what undoing the pipeline's own stack takes.
APP_STACK = "app-stack"

_ACTIONS: dict[str, str] = {
    CREATOR: (
        "cloudformation:CreateChangeSet cloudformation:DeleteChangeSet cloudformation:DeleteStack "
        "cloudformation:DescribeChangeSet cloudformation:DescribeStackEvents "
        "cloudformation:DescribeStackResources cloudformation:DescribeStacks "
        "cloudformation:ExecuteChangeSet cloudformation:GetTemplate "
        "cloudformation:ListStackResources cloudformation:TagResource "
        "codepipeline:DisableStageTransition codepipeline:GetPipeline "
        "codepipeline:GetPipelineState codepipeline:ListPipelineExecutions "
        "codepipeline:StopPipelineExecution "
        # The bucket that the code waits in, and emptying the artifacts'.
        "s3:CreateBucket s3:DeleteBucket s3:DeleteObject s3:DeleteObjectVersion s3:GetObject "
        "s3:ListBucket s3:ListBucketVersions s3:PutBucketPublicAccessBlock "
        "s3:PutEncryptionConfiguration s3:PutObject "
        # Whether all of this is allowed is asked before it is begun.
        "iam:SimulatePrincipalPolicy"
    ),
    # The pipeline made it with a role, which undoes it, too: nobody has to be allowed to pass it.
    # What was edited of it is found by reading it with the permissions of who asks.
    APP_STACK: (
        "apigateway:GET cloudformation:DeleteStack cloudformation:DescribeStacks "
        "cloudformation:UpdateStack cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource "
        "codedeploy:GetApplication codedeploy:GetDeploymentGroup codedeploy:ListTagsForResource "
        "lambda:GetAlias lambda:GetFunction lambda:GetFunctionCodeSigningConfig "
        "lambda:GetFunctionConfiguration lambda:GetFunctionRecursionConfig lambda:GetPolicy "
        "lambda:GetProvisionedConcurrencyConfig lambda:GetRuntimeManagementConfig "
        "lambda:ListTags lambda:ListVersionsByFunction logs:DescribeLogGroups "
        "logs:ListTagsForResource"
    ),
    "AWS::AutoScaling::AutoScalingGroup": (
        "autoscaling:CreateAutoScalingGroup autoscaling:CreateOrUpdateTags "
        "autoscaling:DeleteAutoScalingGroup autoscaling:DescribeAutoScalingGroups "
        "autoscaling:DescribeScalingActivities autoscaling:UpdateAutoScalingGroup "
        "ec2:DescribeImages ec2:DescribeInstances ec2:DescribeLaunchTemplateVersions "
        "ec2:DescribeLaunchTemplates ec2:DescribeSubnets ec2:RunInstances ec2:CreateTags "
        "iam:CreateServiceLinkedRole iam:PassRole"
    ),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource "
        "cloudwatch:PutMetricAlarm cloudwatch:TagResource"
    ),
    "AWS::CodeBuild::Project": (
        "codebuild:BatchGetProjects codebuild:CreateProject codebuild:DeleteProject iam:PassRole"
    ),
    "AWS::CodeBuild::ReportGroup": (
        "codebuild:BatchGetReportGroups codebuild:CreateReportGroup codebuild:DeleteReportGroup"
    ),
    "AWS::CodeCommit::Repository": (
        "codecommit:CreateCommit codecommit:CreateRepository codecommit:DeleteRepository "
        "codecommit:GetRepository codecommit:GetRepositoryTriggers codecommit:ListRepositories "
        "codecommit:ListTagsForResource codecommit:TagResource s3:GetObject s3:GetObjectVersion"
    ),
    "AWS::CodeConnections::Connection": (
        "codeconnections:CreateConnection codeconnections:DeleteConnection "
        "codeconnections:GetConnection codeconnections:ListTagsForResource "
        "codeconnections:TagResource"
    ),
    "AWS::CodeDeploy::Application": (
        "codedeploy:CreateApplication codedeploy:DeleteApplication codedeploy:GetApplication "
        "codedeploy:ListTagsForResource codedeploy:TagResource"
    ),
    "AWS::CodeDeploy::DeploymentGroup": (
        "codedeploy:CreateDeploymentGroup codedeploy:DeleteDeploymentGroup "
        "codedeploy:GetDeployment codedeploy:GetDeploymentConfig codedeploy:GetDeploymentGroup "
        "codedeploy:ListDeployments codedeploy:ListTagsForResource codedeploy:TagResource "
        "iam:PassRole"
    ),
    "AWS::CodePipeline::Pipeline": (
        "codepipeline:CreatePipeline codepipeline:DeletePipeline codepipeline:GetPipeline "
        "codepipeline:GetPipelineState codepipeline:ListTagsForResource codepipeline:TagResource "
        "iam:GetRole iam:PassRole"
    ),
    "AWS::EC2::LaunchTemplate": (
        "ec2:CreateLaunchTemplate ec2:CreateTags ec2:DeleteLaunchTemplate ec2:DeleteTags "
        "ec2:DescribeLaunchTemplates iam:PassRole ssm:GetParameters"
    ),
    "AWS::EC2::SecurityGroup": (
        "ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress "
        "ec2:CreateSecurityGroup ec2:CreateTags ec2:DeleteSecurityGroup ec2:DescribeInstances "
        "ec2:DescribeSecurityGroups ec2:RevokeSecurityGroupEgress"
    ),
    "AWS::ElasticBeanstalk::Application": (
        "elasticbeanstalk:AddTags elasticbeanstalk:CreateApplication "
        "elasticbeanstalk:DeleteApplication elasticbeanstalk:DescribeApplications iam:PassRole "
        "s3:CreateBucket s3:GetBucketLocation s3:GetBucketPolicy s3:GetObject s3:ListBucket "
        "s3:PutBucketOwnershipControls s3:PutBucketPolicy s3:PutBucketPublicAccessBlock "
        "s3:PutBucketVersioning s3:PutObject"
    ),
    # Elastic Beanstalk makes instances, groups, balancers and stacks with its caller's permissions.
    "AWS::ElasticBeanstalk::Environment": (
        "elasticbeanstalk:AddTags elasticbeanstalk:CreateEnvironment "
        "elasticbeanstalk:DescribeConfigurationSettings elasticbeanstalk:DescribeEnvironments "
        "elasticbeanstalk:DescribeEvents elasticbeanstalk:ListAvailableSolutionStacks "
        "elasticbeanstalk:ListTagsForResource elasticbeanstalk:TerminateEnvironment "
        "autoscaling:CreateAutoScalingGroup autoscaling:CreateOrUpdateTags "
        "autoscaling:DeleteAutoScalingGroup autoscaling:DeletePolicy "
        "autoscaling:DescribeAutoScalingGroups autoscaling:DescribeScalingActivities "
        "autoscaling:PutNotificationConfiguration autoscaling:PutScalingPolicy "
        "autoscaling:UpdateAutoScalingGroup cloudformation:CreateStack cloudformation:DeleteStack "
        "cloudformation:DescribeStackEvents cloudformation:DescribeStackResources "
        "cloudformation:DescribeStacks cloudwatch:DeleteAlarms cloudwatch:PutMetricAlarm "
        "ec2:AllocateAddress ec2:AssociateAddress ec2:AuthorizeSecurityGroupIngress "
        "ec2:CreateLaunchTemplate ec2:CreateSecurityGroup ec2:CreateTags ec2:DeleteLaunchTemplate "
        "ec2:DeleteSecurityGroup ec2:DescribeAddresses ec2:DescribeImages ec2:DescribeInstances "
        "ec2:DescribeLaunchTemplateVersions ec2:DescribeLaunchTemplates "
        "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs ec2:DisassociateAddress "
        "ec2:ReleaseAddress ec2:RunInstances ec2:TerminateInstances "
        "iam:CreateServiceLinkedRole iam:PassRole logs:CreateLogGroup logs:DeleteLogGroup "
        "logs:PutRetentionPolicy"
    ),
    "AWS::Events::Rule": (
        "events:DeleteRule events:DescribeRule events:ListTagsForResource "
        "events:ListTargetsByRule events:PutRule events:PutTargets events:RemoveTargets "
        "events:TagResource iam:PassRole"
    ),
    "AWS::IAM::InstanceProfile": (
        "iam:AddRoleToInstanceProfile iam:CreateInstanceProfile iam:DeleteInstanceProfile "
        "iam:GetInstanceProfile iam:PassRole iam:RemoveRoleFromInstanceProfile"
    ),
    "AWS::IAM::Role": (
        "iam:AttachRolePolicy iam:CreateRole iam:DeleteRole iam:DeleteRolePolicy "
        "iam:DetachRolePolicy iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies "
        "iam:ListRolePolicies iam:PutRolePolicy iam:TagRole iam:UntagRole"
    ),
    "AWS::IAM::RolePolicy": "iam:DeleteRolePolicy iam:GetRolePolicy iam:PutRolePolicy",
    "AWS::KMS::Alias": "kms:CreateAlias kms:DeleteAlias kms:ListAliases",
    "AWS::KMS::Key": (
        "kms:CreateKey kms:DescribeKey kms:DisableKey kms:EnableKeyRotation kms:GetKeyPolicy "
        "kms:GetKeyRotationStatus kms:ListResourceTags kms:PutKeyPolicy kms:ScheduleKeyDeletion "
        "kms:TagResource"
    ),
    "AWS::Logs::LogGroup": (
        "logs:AssociateKmsKey logs:CreateLogGroup logs:DeleteLogGroup "
        "logs:DescribeIndexPolicies logs:DescribeLogGroups logs:DescribeResourcePolicies "
        "logs:GetDataProtectionPolicy logs:ListTagsForResource logs:PutRetentionPolicy "
        "logs:TagResource"
    ),
    "AWS::S3::Bucket": (
        "s3:CreateBucket s3:DeleteBucket s3:GetAccelerateConfiguration "
        "s3:GetAnalyticsConfiguration s3:GetBucketCORS s3:GetBucketLogging "
        "s3:GetBucketNotification s3:GetBucketObjectLockConfiguration "
        "s3:GetBucketOwnershipControls s3:GetBucketPublicAccessBlock s3:GetBucketTagging "
        "s3:GetBucketVersioning s3:GetBucketWebsite s3:GetEncryptionConfiguration "
        "s3:GetIntelligentTieringConfiguration s3:GetInventoryConfiguration "
        "s3:GetLifecycleConfiguration s3:GetMetricsConfiguration s3:GetReplicationConfiguration "
        "s3:ListBucket s3:PutBucketOwnershipControls s3:PutBucketPublicAccessBlock "
        "s3:PutBucketTagging s3:PutBucketVersioning s3:PutEncryptionConfiguration "
        "s3:PutLifecycleConfiguration"
    ),
    "AWS::S3::BucketPolicy": "s3:DeleteBucketPolicy s3:GetBucketPolicy s3:PutBucketPolicy",
}
# What a type of resource takes besides, where a fact holds (rendering.facts_of).
_BESIDES: dict[tuple[str, str], str] = {
    ("AWS::CodePipeline::Pipeline", "github"): (
        "codeconnections:PassConnection codestar-connections:PassConnection"
    ),
    ("AWS::ElasticBeanstalk::Environment", "balanced"): (
        "elasticloadbalancing:AddTags elasticloadbalancing:CreateListener "
        "elasticloadbalancing:CreateLoadBalancer elasticloadbalancing:CreateTargetGroup "
        "elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:DeleteTargetGroup "
        "elasticloadbalancing:DescribeLoadBalancers elasticloadbalancing:DescribeTargetGroups"
    ),
}


def actions(kind: str, facts: Collection[str]) -> tuple[str, ...]:
    """Return the actions for a type of resource where these facts hold, sorted.

    Raises KeyError for a type that no template had yet: it belongs into the table.
    """
    besides = [_BESIDES[of, fact] for of, fact in _BESIDES if of == kind and fact in facts]
    return tuple(sorted(set(" ".join([_ACTIONS[kind], *besides]).split())))


#: Whatever any choice takes, by type: what the dashboard is to be allowed to make every template.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    kind: actions(kind, {fact for _, fact in _BESIDES}) for kind in _ACTIONS
}


def of(types: Iterable[str], facts: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the actions for these types of resources, each, and for what is done besides."""
    kinds = [CREATOR, *([APP_STACK] if "lambda" in facts else []), *types]
    return {kind: actions(kind, facts) for kind in kinds}

"""The default scenario's templates, as teams write them."""

from __future__ import annotations

#: Where templates of nested stacks lie; no bucket is needed.
LIBRARY = "https://cloudformation-templates.s3.eu-west-1.amazonaws.com"
NETWORK_URL, DATA_URL = f"{LIBRARY}/network.yaml", f"{LIBRARY}/data.yaml"


def image_resizer(number: int, broken: bool = False) -> str:
    """What the pipeline ``image-resizer`` builds: each commit is a new revision of the function."""
    memory = 20_480 if broken else 512 + number % 3 * 256
    return f"""AWSTemplateFormatVersion: '2010-09-09'
Description: Resizes product images on upload
Parameters:
  Stage:
    Type: String
    Default: production
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {{Service: lambda.amazonaws.com}}
            Action: sts:AssumeRole
  Resizer:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: image-resizer
      Runtime: nodejs22.x
      Handler: index.handler
      MemorySize: {memory}
      Role: !GetAtt Role.Arn
      Environment:
        Variables:
          STAGE: !Ref Stage
          REVISION: '{number}'
  Logs:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub '/aws/lambda/${{Resizer}}'
      RetentionInDays: 30
  Errors:
    Type: AWS::CloudWatch::Alarm
    DependsOn: Resizer
    Properties:
      AlarmName: image-resizer-errors
      Namespace: AWS/Lambda
      MetricName: Errors
Outputs:
  Function:
    Value: !GetAtt Resizer.Arn
    Export: {{Name: image-resizer-function}}
"""


def shared_network(number: int, broken: bool = False) -> str:
    """What the pipeline ``infra-network`` packages."""
    third = "10.20.300.0/24" if broken else "10.20.3.0/24"
    return f"""AWSTemplateFormatVersion: '2010-09-09'
Description: The network that every team's services share
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {{CidrBlock: 10.20.0.0/16, EnableDnsHostnames: true}}
  Gateway:
    Type: AWS::EC2::InternetGateway
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {{VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  SubnetA:
    Type: AWS::EC2::Subnet
    Properties:
      {{VpcId: !Ref Vpc, CidrBlock: 10.20.1.0/24, AvailabilityZone: !Select [0, !GetAZs '']}}
  SubnetB:
    Type: AWS::EC2::Subnet
    Properties:
      {{VpcId: !Ref Vpc, CidrBlock: 10.20.2.0/24, AvailabilityZone: !Select [1, !GetAZs '']}}
  SubnetC:
    Type: AWS::EC2::Subnet
    Properties: {{VpcId: !Ref Vpc, CidrBlock: {third}, AvailabilityZone: !Select [2, !GetAZs '']}}
  Routes:
    Type: AWS::EC2::RouteTable
    Properties:
      VpcId: !Ref Vpc
      Tags: [{{Key: revision, Value: '{number}'}}]
Outputs:
  VpcId:
    Value: !Ref Vpc
    Description: The network's id
    Export: {{Name: !Sub '${{AWS::StackName}}-vpc'}}
  Subnets: {{Value: !Join [',', [!Ref SubnetA, !Ref SubnetB, !Ref SubnetC]]}}
"""


NETWORK = """Description: A network of one's own
Parameters:
  Block: {Type: String}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Block}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Ref Block}
  Firewall:
    Type: AWS::EC2::SecurityGroup
    Properties: {VpcId: !Ref Vpc, GroupDescription: What may come in}
Outputs:
  Vpc: {Value: !Ref Vpc}
"""

DATA = """Description: What is kept
Parameters:
  ArchiveName: {Type: String, Default: ''}
  MasterPassword: {Type: String, NoEcho: true, Default: sandbox-secret-marker-9}
Conditions:
  Named: !Not [!Equals [!Ref ArchiveName, '']]
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Archive:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !If [Named, !Ref ArchiveName, !Ref AWS::NoValue]
      VersioningConfiguration: {Status: Enabled}
Outputs:
  Table: {Value: !Ref Orders}
"""


def platform(block: str, archive: str = "") -> str:
    """A root stack with two nested ones."""
    return f"""Description: Network, data and messages of a platform
Resources:
  Network:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {NETWORK_URL}
      Parameters: {{Block: {block}}}
  Data:
    Type: AWS::CloudFormation::Stack
    DependsOn: Network
    Properties:
      TemplateURL: {DATA_URL}
      Parameters: {{ArchiveName: '{archive}'}}
  Messages:
    Type: AWS::SNS::Topic
    Properties: {{DisplayName: !GetAtt Data.Outputs.Table}}
Outputs:
  Vpc: {{Value: !GetAtt Network.Outputs.Vpc}}
"""


def ledger(memory: int) -> str:
    """A function with a queue; more memory than there is makes an update fail."""
    return f"""Description: Books payments
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {{Effect: Allow, Principal: {{Service: lambda.amazonaws.com}}, Action: sts:AssumeRole}}
  Queue:
    Type: AWS::SQS::Queue
  Booker:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: payments-ledger
      MemorySize: {memory}
      Role: !GetAtt Role.Arn
      Environment: {{Variables: {{QUEUE: !Ref Queue}}}}
  Late:
    Type: AWS::CloudWatch::Alarm
    DependsOn: Booker
    Properties: {{AlarmName: payments-ledger-late}}
"""


PIPELINE = """Description: How checkout-web is built and delivered
Resources:
  Pipeline:
    Type: AWS::CodePipeline::Pipeline
    DependsOn: Build
    Properties: {Name: checkout-web}
  Build:
    Type: AWS::CodeBuild::Project
    Properties:
      Name: checkout-web-build
      TimeoutInMinutes: 30
      Environment:
        Type: LINUX_CONTAINER
        ComputeType: BUILD_GENERAL1_SMALL
        EnvironmentVariables:
          - {Name: NODE_ENV, Value: production}
          - {Name: NPM_TOKEN, Value: sandbox-secret-marker-7}
  Application:
    Type: AWS::CodeDeploy::Application
    Properties: {ApplicationName: checkout-web}
  Artifacts:
    Type: AWS::S3::Bucket
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: codepipeline-checkout-web
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {Service: codepipeline.amazonaws.com}
            Action: sts:AssumeRole
"""

#: What somebody made of the pipeline's build project by hand.
BUILD_BY_HAND = {
    "TimeoutInMinutes": 60,
    "QueuedTimeoutInMinutes": 480,
    "Environment": {
        "Type": "LINUX_CONTAINER",
        "ComputeType": "BUILD_GENERAL1_LARGE",
        "EnvironmentVariables": [
            {"Name": "NODE_ENV", "Value": "production"},
            {"Name": "NPM_TOKEN", "Value": "sandbox-secret-marker-8"},
            {"Name": "CHECKOUT_DEBUG", "Value": "verbose"},
        ],
    },
}

WAREHOUSE = """Description: Where parcels are counted
Parameters:
  ApiToken: {Type: String, NoEcho: true, Default: sandbox-secret-marker-9}
Resources:
  Stock: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: warehouse-stock}}
  Movements: {Type: 'AWS::SQS::Queue'}
  Alerts: {Type: 'AWS::SNS::Topic'}
"""

RUNNER = """Description: An instance that runs nightly jobs
Resources:
  Runner:
    Type: AWS::EC2::Instance
    CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT15M}}
    Properties: {InstanceType: t3.small, UserData: 'dnf install -y jobs'}
"""

ROLES = """Description: What the fraud model may do
Resources:
  Trainer:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: sts:AssumeRole}
"""

SCORER = """Description: Scores payments
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}
  Scorer:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: fraud-scorer, Role: !GetAtt Role.Arn}
"""

PREVIEW = """Description: A preview that lives for a while
Resources:
  Site: {Type: 'AWS::S3::Bucket'}
  Names: {Type: 'AWS::SNS::Topic'}
"""

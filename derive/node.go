package derive

import (
	"strings"

	"github.com/tomotrace/tomo"
)

// calls reports whether a subsegment is a call that stands for its callee
// until a segment comes from there. X-Ray: namespace aws or remote; the same
// goes here for a sql block without namespace.
func calls(s *tomo.Segment) bool { return s.Namespace != tomo.LocalNamespace || s.HasSQL }

// sends reports whether a call hands a message to a queue or topic. Those stay
// nodes of the graph even when the consumer sends a segment that names the
// call: caller → queue → consumer.
func sends(s *tomo.Segment) bool {
	if s.Namespace != tomo.AWSNamespace {
		return false
	}
	switch wellKnown(s.Name) {
	case "AWS::SQS":
		return strings.HasPrefix(s.AWS.Operation, "SendMessage")
	case "AWS::SNS":
		return strings.HasPrefix(s.AWS.Operation, "Publish")
	}
	return false
}

// segmentNode is the node of a segment.
//
// X-Ray: its name, its origin, and the account that it names. A segment that a
// client sent as an inferred one stands for what it was inferred from.
func segmentNode(s *tomo.Segment) tomo.Node {
	n := tomo.Node{
		NodeID: tomo.NodeID{Name: s.Name, Type: s.Origin, Account: s.AWS.AccountID},
		Region: s.AWS.Region,
	}
	if !s.Inferred {
		return n
	}
	n.State = tomo.StatePassive
	switch {
	case n.Type == "":
		n.Type, n.Account = tomo.RemoteType, ""
	case strings.HasPrefix(n.Type, awsPrefix):
		n.State = tomo.StateUnknown
		if resource, _ := resource(s); resource != "" {
			n.Name = resource
		}
	}
	return n
}

// calleeNode is the node that a call makes for its callee.
func calleeNode(s *tomo.Segment) tomo.Node {
	n := tomo.Node{NodeID: callee(s), State: tomo.StatePassive, Region: s.AWS.Region}
	if s.Namespace == tomo.AWSNamespace {
		n.State = tomo.StateUnknown
	}
	return n
}

// callee is who a call says it called.
//
// X-Ray: a resource is known by its own name only if the operation is there;
// otherwise the callee is called what the subsegment is. Namespace aws gives
// the type AWS:: and the name, remote gives remote, remote with a sql block
// Database::SQL. Accounts are told of AWS resources only.
func callee(s *tomo.Segment) tomo.NodeID {
	switch {
	case s.Namespace == tomo.AWSNamespace:
		n := tomo.NodeID{Name: s.Name, Type: awsType(s.Name), Account: s.AWS.AccountID}
		if name, typ := resource(s); name != "" {
			n.Name, n.Type = name, typ
		}
		return n
	case s.HasSQL:
		return tomo.NodeID{Name: s.Name, Type: sqlType}
	default:
		return tomo.NodeID{Name: s.Name, Type: tomo.RemoteType}
	}
}

// origin is the origin of the inferred segment that a call makes: the callee's
// type, but none for a plain remote call.
func origin(s *tomo.Segment) string {
	if t := callee(s).Type; t != tomo.RemoteType {
		return t
	}
	return ""
}

const (
	awsPrefix = "AWS::"
	sqlType   = "Database::SQL"
	queueType = "AWS::SQS::Queue"
)

// resource is the name and type of the resource that a call of the AWS SDK
// used, "" if it is not told. X-Ray: recorded for these five services.
func resource(s *tomo.Segment) (name, typ string) {
	if s.AWS.Operation == "" {
		return "", ""
	}
	switch wellKnown(s.Name) {
	case "AWS::DynamoDB":
		return s.AWS.TableName, "AWS::DynamoDB::Table"
	case "AWS::S3":
		return s.AWS.BucketName, "AWS::S3::Bucket"
	case "AWS::SQS":
		return s.AWS.QueueURL, queueType
	case "AWS::SNS":
		return s.AWS.TopicARN, "AWS::SNS"
	case "AWS::Lambda":
		return s.AWS.FunctionName, "AWS::Lambda"
	}
	return "", ""
}

// services are the types of the AWS services whose names the SDKs spell in
// different cases, each under the spelling that X-Ray prints.
var services = []string{
	"AWS::CloudWatchLogs",
	"AWS::DynamoDB",
	"AWS::Events",
	"AWS::KMS",
	"AWS::Kinesis",
	"AWS::Lambda",
	"AWS::S3",
	"AWS::SNS",
	"AWS::SQS",
	"AWS::STS",
	"AWS::SecretsManager",
	"AWS::Sfn",
	"AWS::SimpleSystemsManagement",
}

// wellKnown is the type of a well-known AWS service by its name in any case,
// "" for others.
func wellKnown(name string) string {
	for _, t := range services {
		if known := t[len(awsPrefix):]; len(known) == len(name) && strings.EqualFold(known, name) {
			return t
		}
	}
	return ""
}

// awsType is the type of an AWS service by the name that a subsegment gives
// it. Names that are not well known stay as they are. X-Ray: recorded.
func awsType(name string) string {
	if t := wellKnown(name); t != "" {
		return t
	}
	return awsPrefix + name
}

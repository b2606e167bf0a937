// Package awsparams says which parameters of calls of AWS are worth a place in the
// aws block of a subsegment. The integrations of both AWS SDKs share it.
package awsparams

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// fields are the members of a request and of its response that go into the aws
// block, in snake_case. A rule "#Entries=message_count" counts, "@Items=names"
// lists the keys of a map, "Bucket=bucket_name" renames.
type fields struct{ in, out string }

const (
	item      = "TableName"
	capacity  = "ConsumedCapacity"
	metrics   = "ConsumedCapacity ItemCollectionMetrics"
	query     = "AttributesToGet ConsistentRead IndexName Limit ProjectionExpression Select TableName"
	queue     = "QueueUrl"
	bucket    = "Bucket=bucket_name"
	object    = "Bucket=bucket_name Key"
	anyObject = "Bucket=bucket_name Key VersionId"
)

// operations is the list that X-Ray's SDKs share, and what of other operations
// names a resource.
var operations = map[string]fields{
	"DynamoDB.GetItem":        {"ConsistentRead ProjectionExpression TableName", capacity},
	"DynamoDB.PutItem":        {item, metrics},
	"DynamoDB.UpdateItem":     {item, metrics},
	"DynamoDB.DeleteItem":     {item, metrics},
	"DynamoDB.Query":          {query + " ScanIndexForward", capacity},
	"DynamoDB.Scan":           {query + " Segment TotalSegments", capacity + " Count ScannedCount"},
	"DynamoDB.BatchGetItem":   {"@RequestItems=table_names", capacity},
	"DynamoDB.BatchWriteItem": {"@RequestItems=table_names", metrics},
	"DynamoDB.CreateTable":    {"GlobalSecondaryIndexes LocalSecondaryIndexes ProvisionedThroughput TableName", ""},
	"DynamoDB.UpdateTable":    {"AttributeDefinitions GlobalSecondaryIndexUpdates ProvisionedThroughput TableName", ""},
	"DynamoDB.DeleteTable":    {item, ""},
	"DynamoDB.DescribeTable":  {item, ""},
	"DynamoDB.ListTables":     {"ExclusiveStartTableName Limit", "#TableNames=table_count"},

	"SQS.SendMessage":                  {"DelaySeconds QueueUrl @MessageAttributes=message_attribute_names", "MessageId"},
	"SQS.SendMessageBatch":             {"QueueUrl #Entries=message_count", "#Failed=failed_count #Successful=successful_count"},
	"SQS.ReceiveMessage":               {"AttributeNames MaxNumberOfMessages MessageAttributeNames QueueUrl VisibilityTimeout WaitTimeSeconds", "#Messages=message_count"},
	"SQS.DeleteMessageBatch":           {queue, "Failed"},
	"SQS.ChangeMessageVisibilityBatch": {queue, "Failed"},
	"SQS.ChangeMessageVisibility":      {"QueueUrl VisibilityTimeout", ""},
	"SQS.CreateQueue":                  {"Attributes QueueName", ""},
	"SQS.GetQueueAttributes":           {queue, "Attributes"},
	"SQS.GetQueueUrl":                  {"QueueName QueueOwnerAWSAccountId", queue},
	"SQS.ListQueues":                   {"QueueNamePrefix", "#QueueUrls=queue_count"},
	"SQS.ListDeadLetterSourceQueues":   {queue, "QueueUrls"},
	"SQS.SetQueueAttributes":           {"QueueUrl @Attributes=attribute_names", ""},
	"SQS.AddPermission":                {"Label QueueUrl", ""},

	"Lambda.Invoke":      {"FunctionName InvocationType LogType Qualifier", "FunctionError StatusCode"},
	"Lambda.InvokeAsync": {"FunctionName", "Status"},

	"S3.DeleteObject":  {anyObject, "DeleteMarker"},
	"S3.ListObjects":   {bucket, "#Contents=object_count"},
	"S3.ListObjectsV2": {bucket, "#Contents=object_count"},
	"S3.DeleteObjects": {bucket, "#Deleted=deleted_object_count"},
	"S3.ListBuckets":   {"", "#Buckets=bucket_count"},

	"SNS.PublishBatch": {"TopicArn #PublishBatchRequestEntries=message_count", ""},

	"SageMaker Runtime.InvokeEndpoint": {"EndpointName", ""},
}

// services say what names the resource in all other operations of a service.
var services = map[string]string{
	"DynamoDB":          item,
	"SQS":               queue,
	"SNS":               "TopicArn",
	"S3":                object,
	"Lambda":            "FunctionName",
	"Kinesis":           "StreamName",
	"Firehose":          "DeliveryStreamName",
	"SFN":               "StateMachineArn",
	"Secrets Manager":   "SecretId",
	"SageMaker Runtime": "EndpointName",
	"EventBridge":       "EventBusName",
}

// Table says what to take.
type Table struct {
	operations map[string]fields // by service.operation
	services   map[string]string // for the requests of other operations
}

// Default is the table that X-Ray's SDKs share, and the names of resources.
var Default = Table{operations, services}

// Request tells say of the parameters of a request, a struct or a pointer to one. The
// service has the name of the AWS SDK for Go v2.
func (t Table) Request(service, operation string, parameters any, say func(key string, value any)) {
	f, ok := t.operations[service+"."+operation]
	rules := f.in
	if !ok {
		rules = t.services[service]
	}
	apply(say, rules, parameters)
}

// Response tells say of the result.
func (t Table) Response(service, operation string, result any, say func(key string, value any)) {
	apply(say, t.operations[service+"."+operation].out, result)
}

// whitelist is a file that X-Ray's SDKs read.
type whitelist struct {
	Services map[string]struct {
		Operations map[string]struct {
			RequestParameters   []string              `json:"request_parameters"`
			RequestDescriptors  map[string]descriptor `json:"request_descriptors"`
			ResponseParameters  []string              `json:"response_parameters"`
			ResponseDescriptors map[string]descriptor `json:"response_descriptors"`
		}
	}
}

type descriptor struct {
	Map      bool   `json:"map"`
	GetKeys  bool   `json:"get_keys"`
	List     bool   `json:"list"`
	GetCount bool   `json:"get_count"`
	Value    bool   `json:"value"`
	RenameTo string `json:"rename_to"`
}

// Parse reads the text of a parameter whitelist of X-Ray's SDKs. name gives the
// service that the table knows by the name in the file.
func Parse(text []byte, name func(service string) string) (Table, error) {
	var file whitelist
	if err := json.Unmarshal(text, &file); err != nil {
		return Table{}, fmt.Errorf("reading a whitelist of parameters: %w", err)
	}
	t := Table{operations: map[string]fields{}}
	for service, s := range file.Services {
		for operation, o := range s.Operations {
			t.operations[name(service)+"."+operation] = fields{
				in: rules(o.RequestParameters, o.RequestDescriptors), out: rules(o.ResponseParameters, o.ResponseDescriptors),
			}
		}
	}
	return t, nil
}

// rules writes what a whitelist says as rules.
func rules(parameters []string, descriptors map[string]descriptor) string {
	list := slices.Clone(parameters)
	for member, d := range descriptors {
		name := d.RenameTo
		if name == "" {
			name = strings.ToLower(member)
		}
		switch {
		case d.Map && d.GetKeys:
			member = "@" + member
		case d.List && d.GetCount:
			member = "#" + member
		case !d.Value:
			continue // it says nothing
		}
		list = append(list, member+"="+name)
	}
	return strings.Join(list, " ")
}

// apply writes the members of the struct that the rules name.
func apply(say func(string, any), rules string, from any) {
	v := reflect.Indirect(reflect.ValueOf(from))
	if v.Kind() != reflect.Struct {
		return
	}
	for rule := range strings.FieldsSeq(rules) {
		member, name, renamed := strings.Cut(strings.TrimLeft(rule, "#@"), "=")
		if !renamed {
			name = snake(member)
		}
		f := v.FieldByName(member)
		if !f.IsValid() {
			continue
		}
		switch rule[0] {
		case '#':
			if f.Kind() == reflect.Slice || f.Kind() == reflect.Map {
				say(name, f.Len())
			}
		case '@':
			if f.Kind() == reflect.Map && f.Len() > 0 {
				say(name, keys(f))
			}
		default:
			if !f.IsZero() {
				say(name, f.Interface())
			}
		}
	}
}

func keys(m reflect.Value) []string {
	list := make([]string, 0, m.Len())
	for _, k := range m.MapKeys() {
		list = append(list, k.String())
	}
	slices.Sort(list)
	return list
}

// snake turns QueueUrl into queue_url and QueueOwnerAWSAccountId into
// queue_owner_aws_account_id.
func snake(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if unicode.IsUpper(r) {
			if i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

package awsparams

import (
	"maps"
	"reflect"
	"strings"
	"testing"
)

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"QueueUrl": "queue_url", "QueueOwnerAWSAccountId": "queue_owner_aws_account_id", "TopicArn": "topic_arn", "Key": "key", "ID": "id",
	} {
		if got := snake(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// TestParse: a whitelist says the same as rules do.
func TestParse(t *testing.T) {
	table, err := Parse([]byte(`{"services": {"sqs": {"operations": {"SendMessageBatch": {
		"request_parameters": ["QueueUrl", "Missing"],
		"request_descriptors": {
			"Entries": {"list": true, "get_count": true, "rename_to": "message_count"},
			"Attributes": {"map": true, "get_keys": true},
			"Label": {"value": true, "rename_to": "called"},
			"Nothing": {"rename_to": "x"}},
		"response_parameters": ["MessageId"]}}}}}`), strings.ToUpper)
	if err != nil {
		t.Fatal(err)
	}
	url, label, id := "http://queue", "l", "7"
	in := struct {
		QueueUrl, Label *string
		Entries         []int
		Attributes      map[string]bool
		Nothing         int
	}{&url, &label, []int{1, 2}, map[string]bool{"b": true, "a": false}, 1}
	out := struct{ MessageId *string }{&id}
	got := map[string]any{}
	say := func(key string, value any) { got[key] = value }
	table.Request("SQS", "SendMessageBatch", &in, say)
	table.Response("SQS", "SendMessageBatch", &out, say)
	table.Request("SQS", "SendMessage", &in, say) // which the file does not have
	want := map[string]any{"queue_url": &url, "called": &label, "message_count": 2, "attributes": []string{"a", "b"}, "message_id": &id}
	if !maps.EqualFunc(got, want, func(a, b any) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := Parse([]byte(`{"services": []}`), strings.ToUpper); err == nil {
		t.Error("a list of services was taken")
	}
}

package traceaws

import "testing"

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"QueueUrl": "queue_url", "QueueOwnerAWSAccountId": "queue_owner_aws_account_id", "TopicArn": "topic_arn", "Key": "key", "ID": "id",
	} {
		if got := snake(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

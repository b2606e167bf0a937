package awsv1_test

//lint:file-ignore SA1019 programs that still call AWS by the first SDK are who this is for

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sqs"

	"github.com/tomotrace/tomo/sdk/compat/instrumentation/awsv1"
)

// TestWhitelists: a file that is not there is as none, one that is no whitelist and a
// client that is none panic, as they do in the official SDK. What calls send is held
// against it in compat/parity.
func TestWhitelists(t *testing.T) {
	made, err := session.NewSession(aws.NewConfig().WithRegion("eu-central-1"))
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what   string
		call   func()
		panics bool
	}{
		{"no client", func() { awsv1.AWS(nil) }, true},
		{"no whitelist", func() { awsv1.AWSWithWhitelist(sqs.New(made).Client, bad) }, true},
		{"no file", func() { awsv1.AWSWithWhitelist(sqs.New(made).Client, bad+"x") }, false},
		{"session", func() {
			if awsv1.AWSSession(made) != made {
				t.Error("AWSSession gives another session")
			}
		}, false},
	} {
		func() {
			defer func() {
				if got := recover() != nil; got != test.panics {
					t.Errorf("%s: panics %v, want %v", test.what, got, test.panics)
				}
			}()
			test.call()
		}()
	}
}

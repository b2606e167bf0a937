package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/tomotrace/tomo"
)

// TestEncryption gives a server a key, as Terraform does: put, then poll until it
// is active. Then nothing is to be read in the data directory, a restart with
// the key finds everything, and one without it refuses.
func TestEncryption(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if out, err := exec.Command(binary, "keys", "add", "--file", keys, "--id", "k-1", "--alias", "traces").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := start(t, "--quiet", "200ms", "--encryption-keys", keys, "--region", "eu-central-1", "--account-id", "111122223333")
	client, ctx := s.sdk(), t.Context()
	config := func() types.EncryptionConfig {
		t.Helper()
		got, err := client.GetEncryptionConfig(ctx, &xray.GetEncryptionConfigInput{})
		if err != nil {
			t.Fatal(err)
		}
		return *got.EncryptionConfig
	}
	if c := config(); c.Type != types.EncryptionTypeNone || c.Status != types.EncryptionStatusActive || c.KeyId != nil {
		t.Errorf("at first it is %+v", c)
	}
	const secret = "TopSecretName"
	id := tomo.NewTraceID(time.Now())
	s.put(document(id, tomo.NewSegmentID(), secret, ""))
	within(t, 30*time.Second, "done", func() error {
		if n := s.metric("tomo_block_traces"); n != 1 {
			return fmt.Errorf("%v traces in blocks", n)
		}
		return nil
	})
	if _, err := client.PutEncryptionConfig(ctx, &xray.PutEncryptionConfigInput{Type: types.EncryptionTypeKms, KeyId: aws.String("alias/none")}); err == nil || !strings.Contains(err.Error(), "There is no key alias/none") {
		t.Errorf("with a key that there is not: %v", err)
	}
	put, err := client.PutEncryptionConfig(ctx, &xray.PutEncryptionConfigInput{Type: types.EncryptionTypeKms, KeyId: aws.String("alias/traces")})
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:kms:eu-central-1:111122223333:key/k-1"
	if c := put.EncryptionConfig; c.Type != types.EncryptionTypeKms || c.Status != types.EncryptionStatusUpdating || aws.ToString(c.KeyId) != arn {
		t.Errorf("put gives %+v", c)
	}
	within(t, 30*time.Second, "done", func() error {
		if c := config(); c.Type != types.EncryptionTypeKms || c.Status != types.EncryptionStatusActive || aws.ToString(c.KeyId) != arn {
			return fmt.Errorf("it is %+v", c)
		}
		return nil
	})
	err = filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s is to be read", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.start()
	client = s.sdk()
	got, err := client.BatchGetTraces(ctx, &xray.BatchGetTracesInput{TraceIds: []string{id.String()}})
	if err != nil || len(got.Traces) != 1 || !strings.Contains(aws.ToString(got.Traces[0].Segments[0].Document), secret) {
		t.Errorf("after a restart: %v, %v", got, err)
	}
	s.kill()
	out, err := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data", s.data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "encrypted with the key k-1") {
		t.Errorf("without the key: %v, %s", err, out)
	}
}

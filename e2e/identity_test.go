package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/smithy-go"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

// credential makes a credential of the server's and waits until it knows it.
func (s *server) credential(t *testing.T, flags ...string) aws.Credentials {
	t.Helper()
	var made struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	out := run(t, nil, binary, append([]string{"credentials", "add", "--json", "--data", s.data}, flags...)...)
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	is := aws.Credentials{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken}
	// It is known when another secret is wrong for it.
	other := is
	other.SecretAccessKey = "wrong"
	within(t, 10*time.Second, "known", func() error {
		_, err := s.as(other, once).GetGroups(t.Context(), &xray.GetGroupsInput{})
		if code(err) != "InvalidSignatureException" {
			return fmt.Errorf("a wrong secret: %v", err)
		}
		return nil
	})
	return is
}

// as is the SDK of somebody.
func (s *server) as(is aws.Credentials, more ...func(*xray.Options)) *xray.Client {
	return s.sdk(append(more, func(o *xray.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return is, nil })
	})...)
}

// code is the name of the exception in an error of the SDK.
func code(err error) string {
	var exception smithy.APIError
	if errors.As(err, &exception) {
		return exception.ErrorCode()
	}
	return ""
}

// environmentOf is that of a client with the credentials.
func (s *server) environmentOf(t *testing.T, is aws.Credentials) []string {
	return append(s.clientEnvironment(t), "AWS_ACCESS_KEY_ID="+is.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+is.SecretAccessKey, "AWS_ENDPOINT_URL_STS="+s.url(""))
}

// TestIdentity asks a server with credentials with every signer that people
// use: with the right secret, the wrong one, and for what is not allowed.
func TestIdentity(t *testing.T) {
	s := start(t)
	reader := s.credential(t, "--name", "reader", "--tenant", "team-a", "--actions", "read")
	writer := s.credential(t, "--name", "writer", "--tenant", "team-a", "--actions", "write")
	other := s.credential(t, "--name", "other", "--actions", "admin")
	wrong := reader
	wrong.SecretAccessKey = "wrong"

	t.Run("SDK for Go", func(t *testing.T) {
		trace, id := tomo.NewTraceID(time.Now()), tomo.NewSegmentID()
		put := &xray.PutTraceSegmentsInput{TraceSegmentDocuments: []string{document(trace, id, "of team-a", "")}}
		if _, err := s.as(writer).PutTraceSegments(t.Context(), put); err != nil {
			t.Fatal(err)
		}
		if _, err := s.as(reader).PutTraceSegments(t.Context(), put); code(err) != "AccessDeniedException" {
			t.Errorf("a reader writes: %v", err)
		}
		ask := &xray.BatchGetTracesInput{TraceIds: []string{trace.String()}}
		for is, want := range map[*aws.Credentials]int{&reader: 1, &other: 0} {
			if got, err := s.as(*is).BatchGetTraces(t.Context(), ask); err != nil || len(got.Traces) != want {
				t.Errorf("%d traces, %v, want %d", len(got.Traces), err, want)
			}
		}
		if _, err := s.as(writer).BatchGetTraces(t.Context(), ask); code(err) != "AccessDeniedException" {
			t.Errorf("a writer reads: %v", err)
		}
		if _, err := s.as(wrong, once).BatchGetTraces(t.Context(), ask); code(err) != "InvalidSignatureException" {
			t.Errorf("a wrong secret: %v", err)
		}
		if _, err := s.sdk(once).BatchGetTraces(t.Context(), ask); code(err) != "UnrecognizedClientException" {
			t.Errorf("an unknown key: %v", err)
		}
		if _, err := s.sdk(once, func(o *xray.Options) { o.Credentials = aws.AnonymousCredentials{} }).BatchGetTraces(t.Context(), ask); code(err) != "MissingAuthenticationTokenException" {
			t.Errorf("nobody: %v", err)
		}
		temporary := s.credential(t, "--actions", "read", "--expires", "1h")
		temporary.SessionToken = "stale"
		if _, err := s.as(temporary, once).GetGroups(t.Context(), &xray.GetGroupsInput{}); code(err) != "UnrecognizedClientException" {
			t.Errorf("a stale token: %v", err)
		}
	})

	t.Run("clock", func(t *testing.T) {
		sum := sha256.Sum256([]byte("{}"))
		for skew, want := range map[time.Duration]string{0: "", -4 * time.Minute: "", 4 * time.Minute: "", -6 * time.Minute: "Signature expired", 6 * time.Minute: "Signature not yet current"} {
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url("/Groups"), strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if err := v4.NewSigner().SignHTTP(t.Context(), reader, r, hex.EncodeToString(sum[:]), "xray", "eu-west-1", time.Now().Add(skew)); err != nil {
				t.Fatal(err)
			}
			reply, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			var body struct{ Message string }
			_ = json.NewDecoder(reply.Body).Decode(&body)
			reply.Body.Close()
			if (reply.StatusCode == 200) != (want == "") || !strings.HasPrefix(body.Message, want) || want != "" && reply.Header.Get(api.ErrorType) != "InvalidSignatureException" {
				t.Errorf("%v off: %s %v %s", skew, reply.Status, reply.Header, body.Message)
			}
			if reply.Header.Get("Date") == "" {
				t.Error("no Date, by which clients correct their clocks")
			}
		}
	})

	t.Run("AWS CLI", func(t *testing.T) {
		found := programs("aws")
		if len(found) == 0 {
			absent(t, "the AWS CLI")
		}
		for _, program := range found {
			env := s.environmentOf(t, reader)
			run(t, env, program, "xray", "--endpoint-url", s.url(""), "get-groups")
			out := run(t, env, program, "sts", "--endpoint-url", s.url(""), "get-caller-identity", "--query", "Arn", "--output", "text")
			if strings.TrimSpace(out) != "arn:aws:iam::123456789012:user/team-a/reader" {
				t.Errorf("%s is %s", program, out)
			}
			for _, test := range []struct {
				is   aws.Credentials
				want string
				args []string
			}{
				{reader, "(AccessDeniedException) when calling the CreateGroup operation: User: arn:aws:iam::123456789012:user/team-a/reader is not authorized to perform: xray:CreateGroup",
					[]string{"xray", "create-group", "--group-name", "g", "--filter-expression", "fault"}},
				{wrong, "(InvalidSignatureException) when calling the GetGroups operation", []string{"xray", "get-groups"}},
				{wrong, "(SignatureDoesNotMatch) when calling the GetCallerIdentity operation", []string{"sts", "get-caller-identity"}},
			} {
				_, errs, err := tryRun(t, s.environmentOf(t, test.is), program, append(test.args, "--endpoint-url", s.url(""))...)
				if err == nil || !strings.Contains(errs, test.want) {
					t.Errorf("%s %s: %v %s, want %s", program, test.args, err, errs, test.want)
				}
			}
		}
	})

	t.Run("boto3", func(t *testing.T) {
		found := pythons(t, "boto3")
		if len(found) == 0 {
			absent(t, "boto3")
		}
		for _, python := range found {
			run(t, s.environmentOf(t, reader), python, filepath.Join("testdata", "identity.py"), s.url(""))
		}
	})

	t.Run("SDK for JavaScript", func(t *testing.T) {
		if exec.Command("node", "-e", "require('@aws-sdk/client-xray')").Run() != nil {
			absent(t, "the AWS SDK for JavaScript")
		}
		run(t, s.environmentOf(t, reader), "node", filepath.Join("testdata", "identity.js"), s.url(""))
	})

	t.Run("curl", func(t *testing.T) {
		if exec.Command("curl", "--version").Run() != nil {
			absent(t, "curl")
		}
		ask := func(is aws.Credentials) string {
			return run(t, nil, "curl", "-s", "--aws-sigv4", "aws:amz:eu-central-1:xray", "-u", is.AccessKeyID+":"+is.SecretAccessKey, "-H", "Content-Type: application/json", "-d", "{}", s.url("/Groups"))
		}
		if out := ask(reader); !strings.Contains(out, `"GroupName":"Default"`) {
			t.Error(out)
		}
		if out := ask(wrong); !strings.Contains(out, "InvalidSignatureException") {
			t.Error(out)
		}
	})
}

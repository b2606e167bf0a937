package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
)

// TestAs: what a client with keys sends is signed, body and all; without keys
// it is not.
func TestAs(t *testing.T) {
	keys := client.Keys{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token", Region: "eu-west-1"}
	var failure error
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		hash := sha256.Sum256(body)
		s, err := api.ParseSignature(r)
		if err == nil {
			err = s.Check("xray", time.Now())
		}
		if err == nil {
			if s.AccessKeyID != keys.AccessKeyID || s.Token != keys.SessionToken || s.Scope.Region != keys.Region || s.Body == "" {
				t.Errorf("signed as %+v", s)
			}
			key := s.Scope.Key(keys.SecretAccessKey)
			err = s.Verify(r, &key, hex.EncodeToString(hash[:]))
		}
		failure = err
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	unsigned := client.New(server.URL + "/a prefix/")
	signed := unsigned.As(keys)
	for _, ask := range []func(*client.Client) error{
		func(c *client.Client) error { _, err := c.GetGroups(t.Context()); return err },
		func(c *client.Client) error { _, err := c.Losses(t.Context()); return err },
	} {
		if err := ask(signed); err != nil || failure != nil {
			t.Errorf("signed: %v, %v", err, failure)
		}
		if err := ask(unsigned.As(client.Keys{})); err != nil {
			t.Error(err)
		}
		if known, ok := failure.(*api.Error); !ok || known.Name != api.MissingAuthenticationTokenException {
			t.Errorf("unsigned: %v", failure)
		}
	}
}

package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Keys are what a client proves with who it is.
type Keys struct {
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // of temporary credentials
	Region                       string // "": us-east-1; a server takes any
}

// As gives a client of the same server that signs its requests, or c if there
// is no access key.
func (c *Client) As(k Keys) *Client {
	if k.AccessKeyID == "" {
		return c
	}
	if k.Region == "" {
		k.Region = "us-east-1"
	}
	signer := v4.NewSigner()
	signing := *c
	signing.sign = func(ctx context.Context, r *http.Request, body []byte) error {
		hash := sha256.Sum256(body)
		text := hex.EncodeToString(hash[:])
		r.Header.Set("X-Amz-Content-Sha256", text) // so that the server can refuse us before it reads the body
		keys := aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}
		if err := signer.SignHTTP(ctx, keys, r, text, "xray", k.Region, time.Now()); err != nil {
			return fmt.Errorf("signing the request: %w", err)
		}
		return nil
	}
	return &signing
}

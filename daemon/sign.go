package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// service is what requests are signed for.
const service = "xray"

// noCredentials is how long it is remembered that there are none: looking for
// them may take seconds.
const noCredentials = 10 * time.Second

// Signer signs requests as AWS asks it, with what the credentials are at that
// time. What there are no credentials for goes out unsigned: a server that needs
// none takes it, and one that does says so.
type Signer struct {
	next     http.RoundTripper
	provider aws.CredentialsProvider // nil: none
	region   string
	logger   *slog.Logger
	signer   *v4.Signer

	mu     sync.Mutex // guards what follows
	absent time.Time  // when there were no credentials; zero: they were there
}

// NewSigner makes a signer in front of next. Without credentials, nil, nothing is
// signed.
func NewSigner(next http.RoundTripper, credentials aws.CredentialsProvider, region string, log *slog.Logger) *Signer {
	return &Signer{next: next, provider: credentials, region: region, logger: log, signer: v4.NewSigner()}
}

// RoundTrip signs a copy of the request and sends it. If the request has a body
// it must have GetBody too.
func (s *Signer) RoundTrip(r *http.Request) (*http.Response, error) {
	signed := r.Clone(r.Context())
	if err := s.sign(r.Context(), signed); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	resp, err := s.next.RoundTrip(signed)
	if err == nil && (resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusBadRequest) {
		s.doubt(resp)
	}
	return resp, err
}

func (s *Signer) sign(ctx context.Context, r *http.Request) error {
	// What a client signed with is of no use to the upstream.
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"} {
		r.Header.Del(name)
	}
	credentials, ok := s.credentials(ctx)
	if !ok {
		return nil
	}
	sum := sha256.New()
	if r.Body != nil && r.Body != http.NoBody {
		body, err := r.GetBody()
		if err != nil {
			return fmt.Errorf("signing: %w", err)
		}
		_, err = io.Copy(sum, body)
		body.Close()
		if err != nil {
			return fmt.Errorf("signing: %w", err)
		}
	}
	if err := s.signer.SignHTTP(ctx, credentials, r, hex.EncodeToString(sum.Sum(nil)), service, s.region, time.Now()); err != nil {
		s.logger.Error("Unable to sign request: " + err.Error())
		return fmt.Errorf("signing: %w", err)
	}
	return nil
}

func (s *Signer) credentials(ctx context.Context) (aws.Credentials, bool) {
	s.mu.Lock()
	recently := time.Since(s.absent) < noCredentials
	s.mu.Unlock()
	if s.provider == nil || recently {
		return aws.Credentials{}, false
	}
	credentials, err := s.provider.Retrieve(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.mu.Lock()
			first := s.absent.IsZero()
			s.absent = time.Now()
			s.mu.Unlock()
			if first {
				s.logger.Error("Unable to retrieve credentials: " + err.Error())
			}
		}
		return aws.Credentials{}, false
	}
	s.mu.Lock()
	s.absent = time.Time{}
	s.mu.Unlock()
	return credentials, credentials.HasKeys()
}

// doubt forgets credentials of which the upstream says that they have expired.
func (s *Signer) doubt(resp *http.Response) {
	name := resp.Header.Get("X-Amzn-Errortype")
	if cache, ok := s.provider.(*aws.CredentialsCache); ok && (strings.Contains(name, "ExpiredToken") || strings.Contains(name, "UnrecognizedClient")) {
		cache.Invalidate()
	}
}

// Package client asks a server that speaks the X-Ray API. It is for the command
// line; programs use an AWS SDK.
//
// A method is one request: nothing is retried, split or paged behind the
// caller's back. Requests are signed if there are keys to do it with; see As.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

// Client asks one server. Its methods may be called concurrently.
type Client struct {
	endpoint string
	http     *http.Client
	sign     func(context.Context, *http.Request, []byte) error // nil: requests go as they are
}

// timeout bounds a request from connecting to the last byte of the answer. It
// is longer than any answer of a server in health takes.
const timeout = 2 * time.Minute

// maxAnswer bounds an answer. Five large traces are a few megabytes.
const maxAnswer = 256 << 20

// New makes a client of the server at endpoint, a URL that may have a path.
// Without a scheme it is http. Nothing is asked yet: a bad endpoint is an error
// of the first request.
func New(endpoint string) *Client {
	endpoint = strings.TrimRight(strings.TrimSpace(endpoint), "/")
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	return &Client{endpoint: endpoint, http: &http.Client{Timeout: timeout}}
}

// PutTraceSegments sends segment documents. The answer names those that were
// refused; all others are stored.
func (c *Client) PutTraceSegments(ctx context.Context, documents []string) (*api.PutTraceSegmentsResponse, error) {
	return call[api.PutTraceSegmentsResponse](ctx, c, api.PutTraceSegments, &api.PutTraceSegmentsRequest{TraceSegmentDocuments: documents})
}

// BatchGetTraces gets up to five whole traces. Those that are not known are
// left out.
func (c *Client) BatchGetTraces(ctx context.Context, ids []string) (*api.BatchGetTracesResponse, error) {
	return call[api.BatchGetTracesResponse](ctx, c, api.BatchGetTraces, &api.BatchGetTracesRequest{TraceIDs: ids})
}

// GetTraceSummaries gets one page of summaries, newest first. The next page is
// asked for with the NextToken of the answer; a null or empty one ends.
func (c *Client) GetTraceSummaries(ctx context.Context, request *api.GetTraceSummariesRequest) (*api.GetTraceSummariesResponse, error) {
	return call[api.GetTraceSummariesResponse](ctx, c, api.GetTraceSummaries, request)
}

// GetServiceGraph gets the graph of a time.
func (c *Client) GetServiceGraph(ctx context.Context, request *api.GetServiceGraphRequest) (*api.GetServiceGraphResponse, error) {
	return call[api.GetServiceGraphResponse](ctx, c, api.GetServiceGraph, request)
}

// CreateGroup adds a group.
func (c *Client) CreateGroup(ctx context.Context, request *api.CreateGroupRequest) (*api.GroupResponse, error) {
	return call[api.GroupResponse](ctx, c, api.CreateGroup, request)
}

// GetGroup gets one group.
func (c *Client) GetGroup(ctx context.Context, group *api.GroupRequest) (*api.GroupResponse, error) {
	return call[api.GroupResponse](ctx, c, api.GetGroup, group)
}

// GetGroups gets all groups.
func (c *Client) GetGroups(ctx context.Context) (*api.GetGroupsResponse, error) {
	return call[api.GetGroupsResponse](ctx, c, api.GetGroups, &api.GetGroupsRequest{})
}

// UpdateGroup changes the filter and the insights of a group.
func (c *Client) UpdateGroup(ctx context.Context, request *api.UpdateGroupRequest) (*api.GroupResponse, error) {
	return call[api.GroupResponse](ctx, c, api.UpdateGroup, request)
}

// DeleteGroup takes a group away; its traces stay.
func (c *Client) DeleteGroup(ctx context.Context, group *api.GroupRequest) error {
	_, err := call[api.Empty](ctx, c, api.DeleteGroup, group)
	return err
}

// ListTagsForResource gets the tags of a resource.
func (c *Client) ListTagsForResource(ctx context.Context, arn string) (*api.ListTagsForResourceResponse, error) {
	return call[api.ListTagsForResourceResponse](ctx, c, api.ListTagsForResource, &api.ListTagsForResourceRequest{ResourceARN: &arn})
}

// TagResource puts tags on a resource; a key that is there gets the new value.
func (c *Client) TagResource(ctx context.Context, arn string, tags []api.Tag) error {
	_, err := call[api.Empty](ctx, c, api.TagResource, &api.TagResourceRequest{ResourceARN: &arn, Tags: tags})
	return err
}

// UntagResource takes tags from a resource; keys that are not there are ignored.
func (c *Client) UntagResource(ctx context.Context, arn string, keys []string) error {
	_, err := call[api.Empty](ctx, c, api.UntagResource, &api.UntagResourceRequest{ResourceARN: &arn, TagKeys: keys})
	return err
}

// Losses gets what was sent to a Tomo server and is not, or no longer, to be
// seen. X-Ray has no such operation.
func (c *Client) Losses(ctx context.Context) (*api.Losses, error) {
	return ask[api.Losses](ctx, c, "the losses", http.MethodGet, api.LossesPath, nil)
}

// call asks for an operation. The error is an *api.Error if the server answered
// with an exception.
func call[Answer any](ctx context.Context, c *Client, op api.Operation, request any) (*Answer, error) {
	return ask[Answer](ctx, c, op.Name, http.MethodPost, op.Path, request)
}

// ask asks for what is at a path; what names it in errors. A request of nil is an
// empty body. The error is as of call.
func ask[Answer any](ctx context.Context, c *Client, what, method, path string, request any) (*Answer, error) {
	var body bytes.Buffer
	if request != nil {
		if err := api.Encode(&body, request); err != nil {
			return nil, err
		}
	}
	page, err := c.fetch(ctx, what, method, path, body.Bytes(), maxAnswer)
	if err != nil {
		return nil, err
	}
	if page.Status != http.StatusOK {
		return nil, fmt.Errorf("asking %s for %s: %w", c.endpoint, what, api.ParseError(page.Status, page.Header, page.Body))
	}
	answer := new(Answer)
	if err := json.Unmarshal(page.Body, answer); err != nil {
		return nil, fmt.Errorf("the answer of %s to %s is none of X-Ray: %w", c.endpoint, what, err)
	}
	if more, ok := any(answer).(interface{ ReadHeader(http.Header) }); ok {
		more.ReadHeader(page.Header)
	}
	return answer, nil
}

// fetch sends one request and reads the answer, of at most so many bytes.
func (c *Client) fetch(ctx context.Context, what, method, path string, body []byte, most int) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the endpoint %s: %w", c.endpoint, err)
	}
	if method != http.MethodGet {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.sign != nil {
		if err := c.sign(ctx, request, body); err != nil {
			return nil, err
		}
	}
	reply, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking %s for %s: %w", c.endpoint, what, reason(err))
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s to %s: %w", c.endpoint, what, reason(err))
	}
	if len(text) > most {
		return nil, fmt.Errorf("the answer of %s to %s is larger than %d bytes", c.endpoint, what, most)
	}
	return &Page{Status: reply.StatusCode, Header: reply.Header, Body: text, TLS: reply.TLS}, nil
}

// reason takes the URL, which our errors tell already, out of an error of
// net/http, and says in words what is most often the matter.
func reason(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "dial" {
		return fmt.Errorf("%w; is a server running there?", err)
	}
	return err
}

package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// HTTPRequest is the request that a segment serves or a subsegment makes.
type HTTPRequest struct {
	Method        string
	URL           string // scheme, host and path, without the query
	ClientIP      string
	UserAgent     string
	XForwardedFor bool // ClientIP is what the header X-Forwarded-For claims
	Traced        bool // the callee sends a segment of its own
}

// HTTPResponse is the answer. Zero members are not sent.
type HTTPResponse struct {
	Status        int
	ContentLength int64 // bytes
}

// SQL is what a subsegment asks of a database.
type SQL struct {
	ConnectionString string // without passwords
	URL              string // without passwords
	DatabaseType     string
	DatabaseVersion  string
	DriverVersion    string
	User             string
	Preparation      string // "statement" or "call"
	SanitizedQuery   string
}

// Link points from a segment to one of another trace, as from the consumer of a
// batch to the producers of its messages.
type Link struct {
	TraceID TraceID
	ID      ID
}

// Namespaces of subsegments, see [Segment.SetNamespace].
const (
	NamespaceAWS    = "aws"    // a call of an AWS service
	NamespaceRemote = "remote" // a call of anything else
)

type annotation struct {
	key  string
	kind reflect.Kind // String, Bool, Int64, Uint64, Float64
	text string
	bits uint64
}

var (
	// ErrNoSegment is returned by functions that need a segment in the context.
	ErrNoSegment = errors.New("there is no segment in the context")
	errKey       = errors.New("the key of an annotation is 1 to 500 letters of the English alphabet, digits, dots and _")
	errNumber    = errors.New("the value of an annotation is neither infinite nor NaN")
)

// edit runs f with the lock on a recorded segment that is still open.
func (s *Segment) edit(f func(*node)) {
	if s == nil || s.node == nil {
		return
	}
	n := s.node
	n.rec.mu.Lock()
	defer n.rec.mu.Unlock()
	if !n.closed {
		f(n)
	}
}

// Annotate indexes s, and so its trace, by key: filter expressions can ask for
// it. The value is a string, a bool, an integer or a float. A later value of a
// key replaces an earlier one. An error says that key or value cannot be.
func (s *Segment) Annotate(key string, value any) error {
	if s == nil || s.node == nil {
		return nil
	}
	a := annotation{key: key}
	switch v := value.(type) {
	case string:
		a.kind, a.text = reflect.String, v
	case bool:
		a.kind = reflect.Bool
		if v {
			a.bits = 1
		}
	case int:
		a.kind, a.bits = reflect.Int64, uint64(v)
	case int64:
		a.kind, a.bits = reflect.Int64, uint64(v)
	case int32:
		a.kind, a.bits = reflect.Int64, uint64(v)
	case int16:
		a.kind, a.bits = reflect.Int64, uint64(v)
	case int8:
		a.kind, a.bits = reflect.Int64, uint64(v)
	case uint:
		a.kind, a.bits = reflect.Uint64, uint64(v)
	case uint64:
		a.kind, a.bits = reflect.Uint64, v
	case uint32:
		a.kind, a.bits = reflect.Uint64, uint64(v)
	case uint16:
		a.kind, a.bits = reflect.Uint64, uint64(v)
	case uint8:
		a.kind, a.bits = reflect.Uint64, uint64(v)
	case float64:
		a.kind, a.bits = reflect.Float64, math.Float64bits(v)
	case float32:
		a.kind, a.bits = reflect.Float64, math.Float64bits(float64(v))
	default:
		return errValue(reflect.TypeOf(value), key)
	}
	if !goodKey(key) {
		return errKey
	}
	if a.kind == reflect.Float64 {
		if f := math.Float64frombits(a.bits); math.IsInf(f, 0) || math.IsNaN(f) {
			return errNumber
		}
	}
	n := s.node
	n.rec.mu.Lock()
	defer n.rec.mu.Unlock()
	if n.closed {
		return nil
	}
	d := n.detail()
	for i := range d.annotations {
		if d.annotations[i].key == key {
			d.annotations[i] = a
			return nil
		}
	}
	d.annotations = append(d.annotations, a)
	return nil
}

func errValue(t reflect.Type, key string) error {
	return fmt.Errorf("the value of annotation %q is %v; it must be a string, a bool or a number", key, t)
}

// AddMetadata keeps any value beside s, not indexed, in the namespace
// "default". The value is encoded as JSON now. An error says why it cannot be.
func (s *Segment) AddMetadata(key string, value any) error {
	return s.AddMetadataTo("default", key, value)
}

// AddMetadataTo is AddMetadata in another namespace. X-Ray keeps namespaces
// that begin with "AWS." for itself.
func (s *Segment) AddMetadataTo(space, key string, value any) error {
	if s == nil || s.node == nil {
		return nil
	}
	text, err := encodeValue(value)
	if err != nil {
		return fmt.Errorf("encoding the metadata %s of %s: %w", key, space, err)
	}
	s.edit(func(n *node) {
		d := n.detail()
		i := slices.IndexFunc(d.metadata, func(ns namespace) bool { return ns.name == space })
		if i < 0 {
			i = len(d.metadata)
			d.metadata = append(d.metadata, namespace{name: space})
		}
		d.metadata[i].members = set(d.metadata[i].members, key, text)
	})
	return nil
}

func set(members []member, key string, value []byte) []member {
	for i := range members {
		if members[i].key == key {
			members[i].value = value
			return members
		}
	}
	return append(members, member{key, value})
}

// encodeValue is value as JSON.
func encodeValue(value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendString(make([]byte, 0, len(v)+2), v), nil
	case bool:
		if v {
			return []byte("true"), nil
		}
		return []byte("false"), nil
	}
	return json.Marshal(value)
}

// SetAWS puts a member into the aws block, as "operation", "table_name" or
// "queue_url" of a call of an AWS service.
func (s *Segment) SetAWS(key string, value any) error {
	if s == nil || s.node == nil {
		return nil
	}
	text, err := encodeValue(value)
	if err != nil {
		return fmt.Errorf("encoding %s of the aws block: %w", key, err)
	}
	s.edit(func(n *node) { n.detail().aws = set(n.detail().aws, key, text) })
	return nil
}

// SetUser names the user who made the request. X-Ray: of segments only, so that
// of a subsegment goes to the segment that is its root, while that is open.
func (s *Segment) SetUser(user string) {
	if s == nil || s.node == nil {
		return
	}
	r := s.node.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	if root := &r.root; !root.closed && !root.sub {
		root.detail().user = user
	}
}

// SetNamespace says what a subsegment calls: NamespaceAWS, NamespaceRemote or,
// for work of the program itself, "".
func (s *Segment) SetNamespace(namespace string) {
	s.edit(func(n *node) { n.namespace = namespace })
}

// SetName renames s, as when the name is known only after routing.
func (s *Segment) SetName(name string) {
	s.edit(func(n *node) { n.name = cleanName(name) })
}

// SetOrigin says what kind of resource a segment runs on, if not what the
// recorder's plugins say.
func (s *Segment) SetOrigin(origin string) {
	s.edit(func(n *node) { n.detail().origin = origin })
}

// SetResourceARN names the resource a segment runs on.
func (s *Segment) SetResourceARN(arn string) {
	s.edit(func(n *node) { n.detail().resourceARN = arn })
}

// SetHTTPRequest describes the request.
func (s *Segment) SetHTTPRequest(r HTTPRequest) {
	s.edit(func(n *node) { n.detail().request = &r })
}

// SetHTTPResponse describes the answer. The status says what s is: an error from
// 400, with a throttle for 429, a fault from 500 to 599.
func (s *Segment) SetHTTPResponse(r HTTPResponse) {
	s.edit(func(n *node) {
		n.detail().response = &r
		switch {
		case r.Status == 429:
			n.error, n.throttle = true, true
		case 400 <= r.Status && r.Status < 500:
			n.error = true
		case 500 <= r.Status && r.Status < 600:
			n.fault = true
		}
	})
}

// SetSQL describes the query.
func (s *Segment) SetSQL(q SQL) {
	s.edit(func(n *node) { n.detail().sql = &q })
}

// SetFault says that s failed by its own doing, as a 5xx does.
func (s *Segment) SetFault(is bool) { s.edit(func(n *node) { n.fault = is }) }

// SetError says that s failed by its caller's doing, as a 4xx does.
func (s *Segment) SetError(is bool) { s.edit(func(n *node) { n.error = is }) }

// SetThrottle says that s was refused for there being too many, as by a 429.
func (s *Segment) SetThrottle(is bool) { s.edit(func(n *node) { n.throttle = is }) }

// AddLink points from s to a segment of another trace.
func (s *Segment) AddLink(l Link) {
	s.edit(func(n *node) { n.detail().links = append(n.detail().links, l) })
}

// Annotate is [Segment.Annotate] of the segment in ctx; without one it returns
// ErrNoSegment.
func Annotate(ctx context.Context, key string, value any) error {
	if s := FromContext(ctx); s != nil {
		return s.Annotate(key, value)
	}
	return ErrNoSegment
}

// AddMetadata is [Segment.AddMetadata] of the segment in ctx; without one it
// returns ErrNoSegment.
func AddMetadata(ctx context.Context, key string, value any) error {
	if s := FromContext(ctx); s != nil {
		return s.AddMetadata(key, value)
	}
	return ErrNoSegment
}

// AddError is [Segment.AddError] of the segment in ctx; without one it returns
// ErrNoSegment.
func AddError(ctx context.Context, err error) error {
	s := FromContext(ctx)
	if s == nil {
		return ErrNoSegment
	}
	if s.node != nil && err != nil {
		s.addError(err, 1)
	}
	return nil
}

// SetUser is [Segment.SetUser] of the segment in ctx, if there is one.
func SetUser(ctx context.Context, user string) { FromContext(ctx).SetUser(user) }

package xray

import (
	"encoding/json"
	"sync"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/header"
	"github.com/tomotrace/tomo/sdk/compat/strategy/exception"
	"github.com/tomotrace/tomo/sdk/compat/strategy/sampling"
)

// Segment is a segment or subsegment. Its fields may be set until Close, under
// its lock if several goroutines do; Close takes them over. Those that say who it
// is are for reading.
type Segment struct {
	sync.RWMutex
	core    *sdk.Segment // nil: the SDK is disabled
	own     bool         // this package describes it; else another integration does
	up      *Segment
	applied bool

	Sampled          bool           `json:"-"`
	RequestWasTraced bool           `json:"-"`
	ContextDone      bool           `json:"-"`
	Emitted          bool           `json:"-"`
	IncomingHeader   *header.Header `json:"-"`
	ParentSegment    *Segment       `json:"-"` // the segment that this one is or belongs to

	TraceID   string  `json:"trace_id,omitempty"`
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	StartTime float64 `json:"start_time"`
	EndTime   float64 `json:"end_time,omitempty"`

	InProgress  bool       `json:"in_progress,omitempty"`
	ParentID    string     `json:"parent_id,omitempty"`
	Fault       bool       `json:"fault,omitempty"`
	Error       bool       `json:"error,omitempty"`
	Throttle    bool       `json:"throttle,omitempty"`
	Cause       *CauseData `json:"cause,omitempty"`
	ResourceARN string     `json:"resource_arn,omitempty"`
	Origin      string     `json:"origin,omitempty"`

	Type         string   `json:"type,omitempty"`
	Namespace    string   `json:"namespace,omitempty"`
	User         string   `json:"user,omitempty"`
	PrecursorIDs []string `json:"precursor_ids,omitempty"` // not sent

	HTTP    *HTTPData      `json:"http,omitempty"`
	AWS     map[string]any `json:"aws,omitempty"`
	Service *ServiceData   `json:"service,omitempty"` // not taken over; see Config.ServiceVersion
	SQL     *SQLData       `json:"sql,omitempty"`

	Annotations map[string]any            `json:"annotations,omitempty"`
	Metadata    map[string]map[string]any `json:"metadata,omitempty"`

	Subsegments   []json.RawMessage `json:"subsegments,omitempty"` // for an Emitter
	Configuration *Config           `json:"-"`
	Facade        bool              `json:"-"`
	Dummy         bool              `json:"-"` // not recorded
}

// CauseData are the exceptions of a segment.
type CauseData struct {
	WorkingDirectory string                `json:"working_directory,omitempty"`
	Paths            []string              `json:"paths,omitempty"`
	Exceptions       []exception.Exception `json:"exceptions,omitempty"`
}

// HTTPData is a request and its answer.
type HTTPData struct {
	Request  *RequestData  `json:"request,omitempty"`
	Response *ResponseData `json:"response,omitempty"`
}

// RequestData is a request.
type RequestData struct {
	Method        string `json:"method,omitempty"`
	URL           string `json:"url,omitempty"`
	ClientIP      string `json:"client_ip,omitempty"`
	UserAgent     string `json:"user_agent,omitempty"`
	XForwardedFor bool   `json:"x_forwarded_for,omitempty"`
	Traced        bool   `json:"traced,omitempty"`
}

// ResponseData is an answer.
type ResponseData struct {
	Status        int `json:"status,omitempty"`
	ContentLength int `json:"content_length,omitempty"`
}

// ServiceData describes the program.
type ServiceData struct {
	Version        string `json:"version,omitempty"`
	RuntimeVersion string `json:"runtime_version,omitempty"`
	Runtime        string `json:"runtime,omitempty"`
}

// SQLData is a query.
type SQLData struct {
	ConnectionString string `json:"connection_string,omitempty"`
	URL              string `json:"url,omitempty"`
	DatabaseType     string `json:"database_type,omitempty"`
	DatabaseVersion  string `json:"database_version,omitempty"`
	DriverVersion    string `json:"driver_version,omitempty"`
	User             string `json:"user,omitempty"`
	Preparation      string `json:"preparation,omitempty"`
	SanitizedQuery   string `json:"sanitized_query,omitempty"`
}

// GetCause is Cause, made if there is none.
func (s *Segment) GetCause() *CauseData { return made(&s.Cause) }

// GetHTTP is HTTP, made if there is none.
func (s *Segment) GetHTTP() *HTTPData { return made(&s.HTTP) }

// GetAWS is AWS, made if there is none.
func (s *Segment) GetAWS() map[string]any {
	if s.AWS == nil {
		s.AWS = map[string]any{}
	}
	return s.AWS
}

// GetService is Service, made if there is none.
func (s *Segment) GetService() *ServiceData { return made(&s.Service) }

// GetSQL is SQL, made if there is none.
func (s *Segment) GetSQL() *SQLData { return made(&s.SQL) }

// GetRequest is Request, made if there is none.
func (d *HTTPData) GetRequest() *RequestData { return made(&d.Request) }

// GetResponse is Response, made if there is none.
func (d *HTTPData) GetResponse() *ResponseData { return made(&d.Response) }

// GetConfiguration is Configuration, made if there is none.
func (s *Segment) GetConfiguration() *Config { return made(&s.Configuration) }

func made[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// AddRuleName does nothing: the SDK knows which rule decided.
func (s *Segment) AddRuleName(*sampling.Decision) {}

// DownstreamHeader is what a request made on behalf of s has to carry.
func (s *Segment) DownstreamHeader() *header.Header {
	if s == nil || s.core == nil {
		return &header.Header{}
	}
	return header.From(s.core.Header())
}

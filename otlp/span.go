// Package otlp is where segments and OpenTelemetry's spans meet. It knows
// nothing of stores and servers.
//
// [Spans] turns a segment document into spans, one for the segment and one for
// each subsegment, in the JSON that transaction search keeps: attributes as an
// object, kinds and status codes by their names, times in nanoseconds.
// Attributes have the stable names of the semantic conventions; what these have
// no name for is under aws.xray.
package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// Span is one span: its id, 16 hexadecimal digits, and its JSON.
type Span struct {
	ID   string
	JSON []byte
}

// entity is what is read of a segment or subsegment.
type entity struct {
	ID         string
	Name       string
	TraceID    string      `json:"trace_id"`
	ParentID   string      `json:"parent_id"`
	Type       string      `json:"type"`
	Namespace  string      `json:"namespace"`
	Start      json.Number `json:"start_time"`
	End        json.Number `json:"end_time"`
	InProgress bool        `json:"in_progress"`
	Inferred   bool        `json:"inferred"`
	Fault      bool        `json:"fault"`
	Error      bool        `json:"error"`
	Throttle   bool        `json:"throttle"`
	Origin     string      `json:"origin"`
	User       string      `json:"user"`
	Resource   string      `json:"resource_arn"`
	Traced     bool        `json:"traced"`

	Service struct{ Version string }
	HTTP    struct {
		Request struct {
			Method, URL   string
			UserAgent     string `json:"user_agent"`
			ClientIP      string `json:"client_ip"`
			XForwardedFor bool   `json:"x_forwarded_for"`
			Traced        bool
		}
		Response struct {
			Status        json.Number
			ContentLength json.RawMessage `json:"content_length"`
		}
	}
	SQL         map[string]json.RawMessage
	AWS         map[string]json.RawMessage
	Annotations map[string]json.RawMessage
	Metadata    map[string]json.RawMessage
	Cause       json.RawMessage
	Links       []struct {
		TraceID    string `json:"trace_id"`
		ID         string
		Attributes map[string]json.RawMessage
	}
	Subsegments []json.RawMessage
}

// attributes are what is told of a span or of its resource.
type attributes map[string]any

// set adds what is there.
func (a attributes) set(name, value string) {
	if value != "" {
		a[name] = value
	}
}

// raw adds a JSON value; objects and lists are told as their text, because an
// attribute is neither.
func (a attributes) raw(name string, value json.RawMessage) {
	value = bytes.TrimSpace(value)
	switch {
	case len(value) == 0 || string(value) == "null":
	case value[0] == '{' || value[0] == '[':
		a[name] = string(value)
	default:
		a[name] = value
	}
}

// The JSON of a span. Members without a value are left out.
type (
	spanJSON struct {
		Resource     resourceJSON `json:"resource"`
		Scope        scopeJSON    `json:"scope"`
		TraceID      string       `json:"traceId"`
		SpanID       string       `json:"spanId"`
		ParentSpanID string       `json:"parentSpanId,omitempty"`
		Name         string       `json:"name"`
		Kind         string       `json:"kind"`
		Start        *big.Int     `json:"startTimeUnixNano"`
		End          *big.Int     `json:"endTimeUnixNano,omitempty"`
		Duration     *big.Int     `json:"durationNano,omitempty"`
		Attributes   attributes   `json:"attributes"`
		Events       []eventJSON  `json:"events,omitempty"`
		Links        []linkJSON   `json:"links,omitempty"`
		Status       statusJSON   `json:"status"`
	}
	resourceJSON struct {
		Attributes attributes `json:"attributes"`
	}
	scopeJSON struct {
		Name    string `json:"name,omitempty"`
		Version string `json:"version,omitempty"`
	}
	eventJSON struct {
		Name       string     `json:"name"`
		Time       *big.Int   `json:"timeUnixNano"`
		Attributes attributes `json:"attributes"`
	}
	linkJSON struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId,omitempty"`
		Attributes attributes `json:"attributes,omitempty"`
	}
	statusJSON struct {
		Code    string `json:"code"`
		Message string `json:"message,omitempty"`
	}
)

// Spans turns a segment document, or that of an independent subsegment, into
// spans: the entity, then all below it in document order. An inferred segment
// gives none, because the subsegment that it was inferred from is a span
// already. The error says that the text is not a segment document.
func Spans(document []byte) ([]Span, error) {
	var top entity
	if err := decode(document, &top); err != nil {
		return nil, err
	}
	if top.Inferred {
		return nil, nil
	}
	c := &conversion{traceID: hexOf(top.TraceID), top: &top, resource: resourceOf(&top), scope: scopeOf(&top)}
	if err := c.add(&top, top.ParentID, top.Type != "subsegment"); err != nil {
		return nil, err
	}
	return c.spans, nil
}

// decode reads an entity. A member of the wrong type is as absent, as it was
// when the document was accepted.
func decode(text []byte, e *entity) error {
	var wrong *json.UnmarshalTypeError
	if err := json.Unmarshal(text, e); err != nil && (!errors.As(err, &wrong) || wrong.Field == "") {
		return fmt.Errorf("reading a segment document: %w", err)
	}
	return nil
}

// hexOf is a trace id in the form of W3C.
func hexOf(traceID string) string {
	return strings.ReplaceAll(strings.TrimPrefix(traceID, "1-"), "-", "")
}

// conversion is what the spans of a document share.
type conversion struct {
	traceID  string
	top      *entity
	resource attributes
	scope    scopeJSON
	spans    []Span
}

// add appends e and all below it.
func (c *conversion) add(e *entity, parent string, segment bool) error {
	start, end := nanoseconds(e.Start), nanoseconds(e.End)
	if start == nil {
		return fmt.Errorf("reading a segment document: %s has no start_time", e.ID)
	}
	s := spanJSON{
		Resource: resourceJSON{c.resource}, Scope: c.scope,
		TraceID: c.traceID, SpanID: e.ID, ParentSpanID: parent,
		Name: e.Name, Kind: kindOf(e, segment), Start: start,
		Attributes: attributesOf(e),
	}
	last := start
	if end != nil && !e.InProgress {
		s.End, s.Duration, last = end, new(big.Int).Sub(end, start), end
	}
	s.Status.Code = "UNSET"
	if e.Fault || e.Error || e.Throttle || len(e.HTTP.Response.Status) == 3 && e.HTTP.Response.Status >= "400" {
		s.Status.Code = "ERROR"
	}
	s.cause(e, last)
	for _, l := range e.Links {
		link := linkJSON{TraceID: hexOf(l.TraceID), SpanID: l.ID, Attributes: attributes{}}
		for _, key := range slices.Sorted(maps.Keys(l.Attributes)) {
			link.Attributes.raw(key, l.Attributes[key])
		}
		s.Links = append(s.Links, link)
	}
	text, err := encode(s)
	if err != nil {
		return err
	}
	c.spans = append(c.spans, Span{e.ID, text})
	for _, below := range e.Subsegments {
		var sub entity
		if decode(below, &sub) != nil || sub.Start == "" {
			continue // the segment was accepted without it
		}
		if err := c.add(&sub, e.ID, false); err != nil {
			return err
		}
	}
	return nil
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing a span: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// nanoseconds reads a number of seconds, exactly; nil if there is none.
func nanoseconds(seconds json.Number) *big.Int {
	const longest = 64 // digits; a larger exponent would cost memory
	if seconds == "" || len(seconds) > longest || strings.ContainsAny(string(seconds), "eE") && !plausible(seconds) {
		return nil
	}
	r, ok := new(big.Rat).SetString(string(seconds))
	if !ok {
		return nil
	}
	r.Mul(r, big.NewRat(1e9, 1))
	r.Add(r, big.NewRat(1, 2))
	return new(big.Int).Div(r.Num(), r.Denom())
}

// plausible keeps exponents that no time has away from exact arithmetic.
func plausible(seconds json.Number) bool {
	f, err := seconds.Float64()
	return err == nil && f >= 0 && f < 1e12 && (f == 0 || f > 1e-12)
}

// kindOf tells what role the entity had in a call.
func kindOf(e *entity, segment bool) string {
	switch {
	case segment:
		return "SERVER"
	case e.Namespace == "aws" || e.Namespace == "remote":
		return "CLIENT"
	case e.HTTP.Request.ClientIP != "":
		return "SERVER"
	default:
		return "INTERNAL"
	}
}

func attributesOf(e *entity) attributes {
	a := attributes{}
	request, response := &e.HTTP.Request, &e.HTTP.Response
	a.set("http.request.method", request.Method)
	a.set("url.full", request.URL)
	a.set("user_agent.original", request.UserAgent)
	a.set("client.address", request.ClientIP)
	a.raw("http.response.status_code", json.RawMessage(response.Status))
	a.raw("http.response.body.size", response.ContentLength)
	a.set("enduser.id", e.User)
	a.set("aws.xray.origin", e.Origin)
	a.set("aws.xray.resource_arn", e.Resource)
	if e.Namespace == "aws" {
		a.set("aws.service", e.Name)
	}
	for name, set := range map[string]bool{
		"aws.xray.inprogress": e.InProgress, "aws.xray.fault": e.Fault, "aws.xray.error": e.Error, "aws.xray.throttle": e.Throttle,
		"aws.xray.traced": e.Traced || request.Traced, "aws.xray.x_forwarded_for": request.XForwardedFor,
	} {
		if set {
			a[name] = true
		}
	}
	for key, value := range e.AWS {
		switch key {
		case "xray", "ec2", "ecs", "eks", "elastic_beanstalk": // of the resource
		case "account_id":
			a.raw("cloud.account.id", value)
		case "table_names":
			a.raw("aws.dynamodb.table_names", value)
		case "retries":
			a.raw("aws.xray.retries", value)
		default:
			a.raw("aws."+key, value)
		}
	}
	for key, value := range e.SQL {
		name, known := sqlNames[key]
		if !known {
			name = "aws.xray.sql." + key
		}
		a.raw(name, value)
	}
	for key, value := range e.Annotations {
		a.raw(key, value)
	}
	if len(e.Annotations) > 0 {
		a["aws.xray.annotations"] = slices.Sorted(maps.Keys(e.Annotations))
	}
	for namespace, value := range e.Metadata {
		a["aws.xray.metadata."+namespace] = string(compact(value))
	}
	return a
}

var sqlNames = map[string]string{
	"url":               "db.url",
	"connection_string": "db.connection_string",
	"database_type":     "db.system.name",
	"sanitized_query":   "db.query.text",
	"user":              "db.user",
}

func compact(value json.RawMessage) []byte {
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return value
	}
	return out.Bytes()
}

// platforms are the origins that have a name in cloud.platform.
var platforms = map[string]string{
	"AWS::EC2::Instance":                 "aws_ec2",
	"AWS::ECS::Container":                "aws_ecs",
	"AWS::ECS::EC2":                      "aws_ecs",
	"AWS::ECS::Fargate":                  "aws_ecs",
	"AWS::EKS::Container":                "aws_eks",
	"AWS::ElasticBeanstalk::Environment": "aws_elastic_beanstalk",
	"AWS::AppRunner::Service":            "aws_app_runner",
	"AWS::Lambda::Function":              "aws_lambda",
}

// resourceNames is what of the aws block is told of the resource.
var resourceNames = map[string]map[string]string{
	"ec2": {"instance_id": "host.id", "instance_size": "host.type", "ami_id": "host.image.id", "availability_zone": "cloud.availability_zone"},
	"ecs": {"container": "container.name", "container_id": "container.id", "availability_zone": "cloud.availability_zone",
		"container_arn": "aws.ecs.container.arn", "cluster_arn": "aws.ecs.cluster.arn", "task_arn": "aws.ecs.task.arn",
		"task_family": "aws.ecs.task.family", "launch_type": "aws.ecs.launchtype"},
	"eks":               {"cluster_name": "k8s.cluster.name", "pod": "k8s.pod.name", "container_id": "container.id"},
	"elastic_beanstalk": {"environment_name": "service.namespace", "deployment_id": "service.instance.id", "version_label": "service.version"},
}

func resourceOf(e *entity) attributes {
	a := attributes{}
	a.set("service.name", e.Name)
	a.set("cloud.platform", platforms[e.Origin])
	if len(e.AWS) > 0 {
		a["cloud.provider"] = "aws"
	}
	for block, names := range resourceNames {
		var members map[string]json.RawMessage
		if json.Unmarshal(e.AWS[block], &members) != nil {
			continue
		}
		for key, name := range names {
			a.raw(name, members[key])
		}
	}
	a.set("service.version", e.Service.Version)
	if sdk := sdkOf(e); sdk.SDK != "" {
		name, language, _ := strings.Cut(sdk.SDK, " for ")
		a.set("telemetry.sdk.name", name)
		a.set("telemetry.sdk.language", strings.ToLower(language))
		a.set("telemetry.sdk.version", sdk.Version)
	}
	return a
}

type sdk struct {
	SDK     string
	Version string `json:"sdk_version"`
}

func sdkOf(e *entity) (s sdk) {
	_ = json.Unmarshal(e.AWS["xray"], &s) // what has another form has neither
	return s
}

func scopeOf(e *entity) scopeJSON {
	s := sdkOf(e)
	return scopeJSON{s.SDK, s.Version}
}

// cause tells the exceptions as events, and what the first one says as the
// status. A cause that refers to an exception elsewhere names it.
func (s *spanJSON) cause(e *entity, at *big.Int) {
	if len(e.Cause) == 0 || string(e.Cause) == "null" {
		return
	}
	s.Status.Code = "ERROR"
	var reference string
	if json.Unmarshal(e.Cause, &reference) == nil {
		s.Status.Message = reference
		return
	}
	var cause struct {
		Message          string
		WorkingDirectory string `json:"working_directory"`
		Exceptions       []struct {
			ID, Type, Message, Cause string
			Remote                   bool
			Truncated, Skipped       int
			Stack                    []struct {
				Path, Label string
				Line        int
			}
		}
	}
	if json.Unmarshal(e.Cause, &cause) != nil {
		return
	}
	s.Status.Message = cause.Message
	for _, x := range cause.Exceptions {
		a := attributes{}
		a.set("exception.type", x.Type)
		a.set("exception.message", x.Message)
		a.set("aws.xray.exception.id", x.ID)
		a.set("aws.xray.exception.cause", x.Cause)
		if x.Remote {
			a["aws.xray.exception.remote"] = true
		}
		if x.Truncated > 0 {
			a["aws.xray.exception.truncated"] = x.Truncated
		}
		if x.Skipped > 0 {
			a["aws.xray.exception.skipped"] = x.Skipped
		}
		if len(x.Stack) > 0 {
			var stack strings.Builder
			fmt.Fprintf(&stack, "%s: %s", x.Type, x.Message)
			for _, frame := range x.Stack {
				fmt.Fprintf(&stack, "\n\tat %s(%s:%d)", frame.Label, frame.Path, frame.Line)
			}
			a["exception.stacktrace"] = stack.String()
		}
		if s.Status.Message == "" {
			s.Status.Message = x.Message
		}
		s.Events = append(s.Events, eventJSON{"exception", at, a})
	}
}

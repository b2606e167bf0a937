// Package api is what both ends of the wire agree on: the paths of the X-Ray
// operations, the JSON shapes of their requests and answers, the exceptions,
// and how numbers and times are written.
//
// In come bytes, out go values, and the other way round. The package knows
// nothing of segments, stores or HTTP servers.
//
// Every operation is a POST of one JSON object to the operation's path. Shapes
// list their members in alphabetical order, which is the order on the wire; a
// pointer that is nil is sent as null. Lists are never null where the service
// sends a list: whoever fills an answer makes them.
package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Operation is one operation of the service.
type Operation struct {
	Name string
	Path string // often, but not always, the name
}

// The operations whose shapes this package has.
var (
	PutTraceSegments  = Operation{"PutTraceSegments", "/TraceSegments"}
	BatchGetTraces    = Operation{"BatchGetTraces", "/Traces"}
	GetTraceSummaries = Operation{"GetTraceSummaries", "/TraceSummaries"}
	GetTraceGraph     = Operation{"GetTraceGraph", "/TraceGraph"}
	GetServiceGraph   = Operation{"GetServiceGraph", "/ServiceGraph"}

	CreateGroup = Operation{"CreateGroup", "/CreateGroup"}
	GetGroup    = Operation{"GetGroup", "/GetGroup"}
	GetGroups   = Operation{"GetGroups", "/Groups"}
	UpdateGroup = Operation{"UpdateGroup", "/UpdateGroup"}
	DeleteGroup = Operation{"DeleteGroup", "/DeleteGroup"}

	TagResource         = Operation{"TagResource", "/TagResource"}
	UntagResource       = Operation{"UntagResource", "/UntagResource"}
	ListTagsForResource = Operation{"ListTagsForResource", "/ListTagsForResource"}

	GetEncryptionConfig = Operation{"GetEncryptionConfig", "/EncryptionConfig"}
	PutEncryptionConfig = Operation{"PutEncryptionConfig", "/PutEncryptionConfig"}

	PutResourcePolicy    = Operation{"PutResourcePolicy", "/PutResourcePolicy"}
	ListResourcePolicies = Operation{"ListResourcePolicies", "/ListResourcePolicies"}
	DeleteResourcePolicy = Operation{"DeleteResourcePolicy", "/DeleteResourcePolicy"}

	GetTraceSegmentDestination    = Operation{"GetTraceSegmentDestination", "/GetTraceSegmentDestination"}
	UpdateTraceSegmentDestination = Operation{"UpdateTraceSegmentDestination", "/UpdateTraceSegmentDestination"}
	GetIndexingRules              = Operation{"GetIndexingRules", "/GetIndexingRules"}
	UpdateIndexingRule            = Operation{"UpdateIndexingRule", "/UpdateIndexingRule"}

	StartTraceRetrieval     = Operation{"StartTraceRetrieval", "/StartTraceRetrieval"}
	ListRetrievedTraces     = Operation{"ListRetrievedTraces", "/ListRetrievedTraces"}
	GetRetrievedTracesGraph = Operation{"GetRetrievedTracesGraph", "/GetRetrievedTracesGraph"}
	CancelTraceRetrieval    = Operation{"CancelTraceRetrieval", "/CancelTraceRetrieval"}

	PutTelemetryRecords = Operation{"PutTelemetryRecords", "/TelemetryRecords"}
)

// Operations lists all operations of the service's model of 2016-04-12.
func Operations() []Operation {
	return []Operation{
		PutTraceSegments, BatchGetTraces, GetTraceSummaries, GetTraceGraph, GetServiceGraph,
		CreateGroup, GetGroup, GetGroups, UpdateGroup, DeleteGroup,
		TagResource, UntagResource, ListTagsForResource,
		CancelTraceRetrieval,
		{"CreateSamplingRule", "/CreateSamplingRule"},
		DeleteResourcePolicy,
		{"DeleteSamplingRule", "/DeleteSamplingRule"},
		GetEncryptionConfig,
		GetIndexingRules,
		{"GetInsight", "/Insight"},
		{"GetInsightEvents", "/InsightEvents"},
		{"GetInsightImpactGraph", "/InsightImpactGraph"},
		{"GetInsightSummaries", "/InsightSummaries"},
		GetRetrievedTracesGraph,
		{"GetSamplingRules", "/GetSamplingRules"},
		{"GetSamplingStatisticSummaries", "/SamplingStatisticSummaries"},
		{"GetSamplingTargets", "/SamplingTargets"},
		GetTimeSeriesServiceStatistics,
		GetTraceSegmentDestination,
		ListResourcePolicies,
		ListRetrievedTraces,
		PutEncryptionConfig,
		PutResourcePolicy,
		PutTelemetryRecords,
		StartTraceRetrieval,
		UpdateIndexingRule,
		{"UpdateSamplingRule", "/UpdateSamplingRule"},
		UpdateTraceSegmentDestination,
	}
}

// Decode reads the body of a request into a shape. An empty body and null are
// {}, a null member is an absent one, unknown members are ignored. The error
// is an *Error with the name SerializationException.
func Decode(body []byte, request any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, request); err != nil {
		return serialization(err)
	}
	return nil
}

// Encode writes v as the service does: no spaces, and <, > and & as they are.
func Encode(w *bytes.Buffer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encoding %T: %w", v, err)
	}
	w.Truncate(w.Len() - 1) // the encoder's line feed
	return nil
}

// serialization words a decoding error as the service does, where that was
// seen: "NUMBER_VALUE can not be converted to a String".
func serialization(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	e := &Error{Name: SerializationException, Status: 400}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		e.Message = tokenOf(wrong.Value) + " can not be converted to " + nameOf(wrong.Type)
	case errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "unexpected end"):
		e.Message = "the body ends inside its JSON"
	default:
		e.Message = "the body is not JSON: " + strings.TrimPrefix(err.Error(), "json: ")
	}
	return e
}

// tokenOf names a JSON value as the service's parser does.
func tokenOf(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	switch kind {
	case "number":
		return "NUMBER_VALUE"
	case "string":
		return "STRING_VALUE"
	case "bool":
		return "BOOLEAN_VALUE"
	case "array":
		return "START_ARRAY"
	default:
		return "START_OBJECT"
	}
}

// nameOf names the type that a member should have had.
func nameOf(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a String"
	case reflect.Bool:
		return "a Boolean"
	case reflect.Int, reflect.Int32:
		return "an Integer"
	case reflect.Int64:
		return "a Long"
	case reflect.Float64:
		return "a Double"
	case reflect.Slice:
		return "a List"
	default:
		return "a Structure"
	}
}

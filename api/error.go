package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The names of the exceptions, as the AWS SDKs know them.
const (
	InvalidRequestException   = "InvalidRequestException"
	ValidationException       = "ValidationException"
	SerializationException    = "SerializationException"
	ThrottledException        = "ThrottledException"
	UnknownOperationException = "UnknownOperationException"
	InternalFailure           = "InternalFailure"
	ServiceUnavailable        = "ServiceUnavailable"
	ResourceNotFoundException = "ResourceNotFoundException"

	RuleLimitExceededException        = "RuleLimitExceededException"
	InvalidPolicyRevisionIDException  = "InvalidPolicyRevisionIdException"
	MalformedPolicyDocumentException  = "MalformedPolicyDocumentException"
	LockoutPreventionException        = "LockoutPreventionException"
	PolicySizeLimitExceededException  = "PolicySizeLimitExceededException"
	PolicyCountLimitExceededException = "PolicyCountLimitExceededException"

	// Who asks is not known, or may not.
	AccessDeniedException               = "AccessDeniedException"
	ExpiredTokenException               = "ExpiredTokenException"
	IncompleteSignatureException        = "IncompleteSignatureException"
	InvalidSignatureException           = "InvalidSignatureException"
	MissingAuthenticationTokenException = "MissingAuthenticationTokenException"
	UnrecognizedClientException         = "UnrecognizedClientException"

	// These are ours: the service has no such answers, or has them nowhere
	// written down.
	ConflictException              = "ConflictException"
	RequestTimeoutException        = "RequestTimeoutException"
	RequestEntityTooLargeException = "RequestEntityTooLargeException"
	UnsupportedMediaTypeException  = "UnsupportedMediaTypeException"
)

// ErrorType is the header that carries an exception's name. All SDKs look
// there first.
const ErrorType = "x-amzn-ErrorType"

// RequestID is the header that carries the id of a request, in every answer.
const RequestID = "x-amzn-RequestId"

// Error is an exception of the API.
type Error struct {
	Name    string
	Status  int // of HTTP
	Message string
	// ResourceName is the ARN that was asked about; "" for most exceptions.
	ResourceName string
}

// Error tells the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// MarshalJSON writes the body of the answer. The name is there as __type, for
// clients that do not look at the header, and the message in both spellings
// that SDKs read.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Message      string
		ResourceName string `json:",omitempty"`
		Type         string `json:"__type"`
		Lower        string `json:"message"`
	}{e.Message, e.ResourceName, e.Name, e.Message})
}

// ParseError reads the exception out of an answer that is not a success, by
// the rules of the SDKs: the header first, then the body.
func ParseError(status int, header http.Header, body []byte) *Error {
	var sent struct {
		Type         string `json:"__type"`
		Code         string `json:"code"`
		Message      string
		ResourceName string
	}
	_ = json.Unmarshal(body, &sent) // what is no JSON has neither name nor message
	name, _, _ := strings.Cut(cmp.Or(header.Get(ErrorType), sent.Code, sent.Type), ":")
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		name = name[i+1:]
	}
	return &Error{
		Name:         cmp.Or(name, fmt.Sprintf("HTTP %d", status)),
		Status:       status,
		Message:      cmp.Or(sent.Message, http.StatusText(status)),
		ResourceName: sent.ResourceName,
	}
}

// Invalid is the exception for a request that cannot be right.
func Invalid(message string) *Error {
	return &Error{Name: InvalidRequestException, Status: http.StatusBadRequest, Message: message}
}

// ResourceNotFound is the exception of operations on tags for an ARN that
// nothing has.
func ResourceNotFound(arn string) *Error {
	return &Error{Name: ResourceNotFoundException, Status: http.StatusNotFound, Message: "Resource " + arn + " not found", ResourceName: arn}
}

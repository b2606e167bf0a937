// Package sampling has the names of the official SDK's package of the same name.
package sampling

import (
	"os"
	"sync"
	"time"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/daemoncfg"
)

// Decision is whether a request is recorded, and by which central rule.
type Decision struct {
	Sample bool
	Rule   *string
}

// Request is what is known of a request.
type Request struct {
	Host        string
	Method      string
	URL         string // its path
	ServiceName string
	ServiceType string
}

// Strategy decides.
type Strategy interface {
	ShouldTrace(request *Request) *Decision
}

// Sampler translates a strategy for the SDK.
func Sampler(s Strategy) sdk.Sampler { return sampler{s} }

type sampler struct{ strategy Strategy }

func (s sampler) Sample(_ time.Time, q sdk.Request) sdk.Verdict {
	d := s.strategy.ShouldTrace(&Request{Host: q.Host, Method: q.Method, URL: q.Path, ServiceName: q.Service, ServiceType: q.ServiceType})
	if d == nil {
		return sdk.Verdict{}
	}
	v := sdk.Verdict{Sampled: d.Sample}
	if d.Rule != nil {
		v.Rule = *d.Rule
	}
	return v
}

func ask(s sdk.Sampler, q *Request) *Decision {
	v := s.Sample(time.Now(), sdk.Request{Service: q.ServiceName, ServiceType: q.ServiceType, Host: q.Host, Method: q.Method, Path: q.URL})
	d := &Decision{Sample: v.Sampled}
	if v.Rule != "" {
		d.Rule = &v.Rule
	}
	return d
}

// LocalizedStrategy decides by the rules of a file.
type LocalizedStrategy struct{ rules *sdk.Rules }

// NewLocalizedStrategy has the default rules: one a second and 5 % of the others.
func NewLocalizedStrategy() (*LocalizedStrategy, error) {
	return &LocalizedStrategy{sdk.DefaultRules()}, nil
}

// NewLocalizedStrategyFromFilePath reads a file.
func NewLocalizedStrategyFromFilePath(fp string) (*LocalizedStrategy, error) {
	rules, err := sdk.ReadRules(fp)
	if err != nil {
		return nil, err
	}
	return &LocalizedStrategy{rules}, nil
}

// NewLocalizedStrategyFromJSONBytes reads the text of a file.
func NewLocalizedStrategyFromJSONBytes(b []byte) (*LocalizedStrategy, error) {
	rules, err := sdk.ParseRules(b)
	if err != nil {
		return nil, err
	}
	return &LocalizedStrategy{rules}, nil
}

// ShouldTrace implements Strategy.
func (s *LocalizedStrategy) ShouldTrace(q *Request) *Decision { return ask(s.rules, q) }

// CentralizedStrategy decides by the server's rules, and by local ones while
// there are none.
type CentralizedStrategy struct {
	fallback *sdk.Rules

	mu        sync.Mutex // guards all below
	endpoints *daemoncfg.DaemonEndpoints
	central   *sdk.Central
}

// NewCentralizedStrategy falls back to the default rules.
func NewCentralizedStrategy() (*CentralizedStrategy, error) {
	return &CentralizedStrategy{fallback: sdk.DefaultRules()}, nil
}

// NewCentralizedStrategyWithFilePath falls back to the rules of a file.
func NewCentralizedStrategyWithFilePath(fp string) (*CentralizedStrategy, error) {
	text, err := os.ReadFile(fp)
	if err != nil {
		return nil, err
	}
	return NewCentralizedStrategyWithJSONBytes(text)
}

// NewCentralizedStrategyWithJSONBytes falls back to the rules of a text.
func NewCentralizedStrategyWithJSONBytes(b []byte) (*CentralizedStrategy, error) {
	rules, err := sdk.ParseRules(b)
	if err != nil {
		return nil, err
	}
	return &CentralizedStrategy{fallback: rules}, nil
}

// LoadDaemonEndpoints says where the daemon is. It has to be called before the
// first decision.
func (s *CentralizedStrategy) LoadDaemonEndpoints(e *daemoncfg.DaemonEndpoints) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.central == nil {
		s.endpoints = e
	}
}

// ShouldTrace implements Strategy.
func (s *CentralizedStrategy) ShouldTrace(q *Request) *Decision { return ask(s.started(), q) }

func (s *CentralizedStrategy) started() *sdk.Central {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.central == nil {
		if s.endpoints == nil {
			s.endpoints = daemoncfg.GetDaemonEndpoints()
		}
		s.central = sdk.NewCentral(sdk.CentralOptions{Daemon: s.endpoints.TCPAddr.String(), Fallback: s.fallback})
	}
	return s.central
}

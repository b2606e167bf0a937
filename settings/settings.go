// Package settings is what operators set, and what stays when the server is
// restarted: groups, keep rules, sampling rules, resource policies, and which traces
// are indexed.
//
// In come changes, which are checked and made durable before they count; out go
// values that are never changed afterwards, so that readers need no lock and no
// copy. Who holds one holds a moment of the past.
package settings

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/tomotrace/tomo"
)

// Store is what settings ask of a backend: whole texts by name. A name is made
// of small letters, digits and hyphens.
type Store interface {
	// LoadSettings gives the text that was last saved under the name, nil if none
	// ever was.
	LoadSettings(ctx context.Context, name string) ([]byte, error)
	// SaveSettings replaces the text as a whole and returns when that is durable.
	// After an error the text before is still there, or perhaps the new one, but
	// nothing in between. Errors to tell the caller are of the code Unavailable.
	SaveSettings(ctx context.Context, name string, text []byte) error
}

// Options configure settings. The zero value is a good default.
type Options struct {
	// Account and Region stand in the ARNs of what is created from now on, and of
	// the Default group and the Default sampling rule. "": DefaultAccount and DefaultRegion.
	Account, Region string
	Limits          Limits
	// Now is the clock. nil: the real one.
	Now func() time.Time
}

// What ARNs name where nobody says otherwise.
const (
	DefaultAccount = "123456789012"
	DefaultRegion  = "us-east-1"
)

// Settings are the settings of one server. Its methods may be called
// concurrently. Errors that a caller can act on are *tomo.Error.
type Settings struct {
	store  Store
	limits Limits
	now    func() time.Time
	arn    string // what every ARN of ours begins with

	changing sync.Mutex   // one change at a time, from reading to the disk; comes before mu
	mu       sync.RWMutex // guards what follows
	revision int64
	groups   []*tomo.Group
	keep     *tomo.KeepRules
	sampling *tomo.SamplingRules
	policies []Policy
	indexing *Indexing
}

// Open reads what the store holds.
func Open(ctx context.Context, store Store, o Options) (*Settings, error) {
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Region == "" {
		o.Region = DefaultRegion
	}
	o.Limits.setDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if !account.MatchString(o.Account) {
		return nil, fmt.Errorf("%q is not an account: 12 digits", o.Account)
	}
	if !region.MatchString(o.Region) {
		return nil, fmt.Errorf("%q is not a region such as %s", o.Region, DefaultRegion)
	}
	s := &Settings{
		store:  store,
		limits: o.Limits,
		now:    o.Now,
		arn:    "arn:" + partition(o.Region) + ":xray:" + o.Region + ":" + o.Account + ":",
	}
	for _, load := range []func(context.Context) error{s.loadGroups, s.loadKeepRules, s.loadSamplingRules, s.loadPolicies, s.loadIndexing} {
		if err := load(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Revision is a number that grows with each change of groups and keep rules. Who
// derives something from them reads it first: if it is the same again, so are
// they.
func (s *Settings) Revision() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revision
}

var (
	account = regexp.MustCompile(`^[0-9]{12}$`)
	region  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// partition is the part of AWS that a region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// KeyARN is the ARN of an encryption key, as a key management service would give
// it.
func (s *Settings) KeyARN(id string) string {
	return strings.Replace(s.arn, ":xray:", ":kms:", 1) + "key/" + id
}

func invalid(message string) error { return &tomo.Error{Code: tomo.Invalid, Message: message} }

// Package identity says who asks, what they may do, and whose data they see.
//
// A credential is an access key and a secret, as AWS clients have them. It
// belongs to one tenant and names the actions that it allows. All of them are
// kept in one file, which the command line changes and a running server follows:
//
//	File      reads and changes the file: one writer at a time, replaced as a whole
//	Guard     what a server has read of it; Claim and Verify settle who sent a request,
//	          SignIn and Session who uses a browser
//	TLS       who the server is: a certificate and its key, followed in the same way
//
// Signatures are made with the secret itself, so it has to be there in a form
// that can be read: the file is for its owner alone, and with a key of the
// operator's each secret in it is sealed with AES-256-GCM. Session tokens are
// only ever compared, and kept as hashes.
package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Credential is who may ask, without what proves it.
type Credential struct {
	AccessKeyID string
	// Name is for people, and the user in the ARN.
	Name string
	// Tenant is whose data it is about.
	Tenant string
	// Actions are patterns such as xray:Get*, or roles. See CheckActions.
	Actions []string
	Created time.Time
	// Expires is when it stops to work. Zero: never.
	Expires time.Time `json:",omitzero"`
	// Temporary credentials have a session token beside the secret.
	Temporary bool

	secret   string
	token    [sha256.Size]byte // of a temporary one: its hash
	patterns [][]byte          // of Actions, see spellOut
}

// May reports whether the credential allows an action, such as
// xray:PutTraceSegments.
func (c *Credential) May(action string) bool { return anyMatches(c.patterns, action) }

// Expired reports whether the time of the credential is over.
func (c *Credential) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires)
}

// ARN names the credential as AWS does a user. The tenant is its path.
func (c *Credential) ARN(account string) string {
	if c.Tenant == DefaultTenant {
		return "arn:aws:iam::" + account + ":user/" + c.Name
	}
	return "arn:aws:iam::" + account + ":user/" + c.Tenant + "/" + c.Name
}

// holds reports whether token is the session token of the credential; a
// permanent one has none.
func (c *Credential) holds(token string) bool {
	if !c.Temporary {
		return token == ""
	}
	hash := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(hash[:], c.token[:]) == 1
}

// same reports whether two are the same credential in every respect.
func (c *Credential) same(other *Credential) bool {
	if c == other || c == nil {
		return c == other
	}
	return c.AccessKeyID == other.AccessKeyID && c.Name == other.Name && c.Tenant == other.Tenant && c.Created.Equal(other.Created) &&
		c.Expires.Equal(other.Expires) && c.Temporary == other.Temporary && c.secret == other.secret && c.token == other.token &&
		slices.Equal(c.Actions, other.Actions)
}

// DefaultTenant is whose everything is where nobody says otherwise.
const DefaultTenant = "default"

var (
	tenant = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	user   = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
)

// CheckTenant says why a text cannot be the name of a tenant, which is the name
// of a directory too.
func CheckTenant(name string) error {
	if !tenant.MatchString(name) {
		return fmt.Errorf("%q is not the name of a tenant: up to 63 small letters, digits and hyphens, with no hyphen first or last", name)
	}
	return nil
}

// CheckName says why a text cannot be the name of a credential. IAM: letters,
// digits and +=,.@_-, at most 64.
func CheckName(name string) error {
	if !user.MatchString(name) {
		return fmt.Errorf("%q is not the name of a credential: up to 64 letters, digits and +=,.@_-", name)
	}
	return nil
}

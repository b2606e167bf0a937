package api

// The paths of signing in and of credentials. They are no operations of X-Ray.
const (
	// SessionPath answers a SignedIn to GET, for everybody. POST takes a SignIn and
	// begins a session, DELETE ends it; both answer like GET.
	SessionPath = "/console/api/session"
	// CredentialsPath answers Credentials to GET. POST takes a NewCredential and
	// answers an IssuedCredential, DELETE takes CredentialKeys.
	CredentialsPath = "/console/api/credentials"
)

// ConsoleHeader is in requests of the console. Pages of other sites cannot send
// it without asking first, and are never allowed to.
const ConsoleHeader = "X-Tomo-Console"

// SignIn is what somebody signs in with.
type SignIn struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string // of a temporary credential
}

// SignedIn is who uses a browser.
type SignedIn struct {
	// Needed tells that there are credentials, so that who does not sign in sees
	// nothing.
	Needed  bool
	Session *Session // null: nobody
}

// Session is somebody who signed in, and what they may do.
type Session struct {
	AccessKeyID string `json:"AccessKeyId"`
	Name        string
	Tenant      string
	Actions     []string // as they were given: patterns and roles
	Allowed     []string // every action that these allow
	Ends        Time     // at the latest
}

// Credentials are those of a tenant, without secrets.
type Credentials struct {
	// Needed is false as long as there is none for anybody: everybody may do
	// everything.
	Needed      bool
	File        string // where they are kept, on the server's machine
	Credentials []Credential
}

// Credential is one that may be listed.
type Credential struct {
	AccessKeyID string `json:"AccessKeyId"`
	Name        string
	Tenant      string
	Actions     []string
	Created     Time
	Expires     *Time // null: never
	Temporary   bool  // there is a session token beside the secret
	Yours       bool  // the caller's own
}

// NewCredential asks for a credential of the caller's tenant.
type NewCredential struct {
	Name    string // "": the access key
	Actions []string
	// Lifetime is how long it works, in seconds; null: for ever. One that ends has
	// a session token.
	Lifetime *int64
}

// IssuedCredential is a new one, with what is told only once.
type IssuedCredential struct {
	Credential      Credential
	SecretAccessKey string
	SessionToken    string // "" for one that does not end
}

// CredentialKeys names credentials to take away.
type CredentialKeys struct {
	AccessKeyIDs []string `json:"AccessKeyIds"`
}

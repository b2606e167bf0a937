package api

// Where a Tomo server tells of itself. They are no operations of X-Ray, and are
// asked with GET; docs/console-api.md describes them.
const (
	// StatusPath answers Status. With ?history=day its points are the minutes of a
	// day, else the tens of seconds of an hour.
	StatusPath = "/console/api/status"
	// LimitsPath answers Limits.
	LimitsPath = "/console/api/limits"
	// EncryptionPath answers Encryption.
	EncryptionPath = "/console/api/encryption"
	// SamplingPath answers SamplingStates.
	SamplingPath = "/console/api/sampling"
)

// Status is the server itself, as far as it is about the tenant who asks. What
// is about all tenants, Process and Operations, is told to the default one only.
type Status struct {
	Disk       *StatusDisk // null: not known
	Doors      []StatusDoor
	Groups     StatusGroups
	History    StatusHistory
	Insights   StatusInsights
	Keep       StatusKeep
	Losses     map[string]int64 // documents by reason, since the start
	Operations []StatusOperation
	Process    *StatusProcess
	Sampling   []SamplingState
	Senders    int // daemons of which telemetry is kept
	StartTime  Time
	Storage    *StatusStorage // null: not known
	Tenant     string
	Time       Time // when all this was so
	Version    string
}

// StatusDoor is what came by a door, since the start.
type StatusDoor struct {
	ByteCount     int64 // of the documents that were stored
	DocumentCount int64 // that were stored
	RefusedCount  int64
	Source        string // http or udp
}

// StatusGroups counts groups, Default included.
type StatusGroups struct {
	Count             int
	WithInsights      int
	WithNotifications int
}

// StatusInsights is how far the search for insights is.
type StatusInsights struct {
	ActiveCount int
	// JudgedTime is the end of the latest minute in which all groups with insights
	// were judged; null: none yet.
	JudgedTime *Time
}

// StatusKeep counts what keep rules decided, since the start. Traces that match
// no rule are kept.
type StatusKeep struct{ DroppedCount, KeptCount int64 }

// StatusStorage is what the store of the tenant holds.
type StatusStorage struct {
	BlockBytes       int64
	BlockCount       int
	DocumentCount    int64  // in blocks
	DroppedCount     int64  // traces of which only the figures are there
	LogBytes         int64  // of the write-ahead log
	OldestTime       *Time  // when the earliest trace in blocks began; null: there is none
	OpenByteCount    int64  // of the documents of open traces, in memory
	OpenCount        int    // traces that are not settled
	OpenDocuments    int    // and their documents
	RetentionSeconds Double // how long traces are kept
	SettleLagSeconds Double // how long the open trace that waits longest has been quiet
	SettledCount     int64  // since the start
	TraceCount       int64  // in blocks
	FailedCount      int64  // writes and rounds of settling that failed, since the start
	CompactionCount  int64  // since the start
	ExpiredCount     int64  // blocks that went for their age, since the start
}

// StatusDisk is the file system that the data is on.
type StatusDisk struct{ FreeBytes, TotalBytes int64 }

// StatusProcess is the process.
type StatusProcess struct {
	BodyBytes      int64 // of requests that are being read or worked on
	Goroutines     int
	HeapBytes      int64 // live and not yet collected objects
	MemoryBytes    int64 // that the runtime has of the system
	MemoryLimit    int64 // that it tries to stay below
	ProcessorCount int
	RuntimeVersion string
	HasCredentials bool // requests have to be signed
}

// StatusOperation is the requests for an operation, or a page of the console,
// since the start.
type StatusOperation struct {
	FailureCount int64 // answered with 5xx
	GivenUpCount int64 // nobody waited for the answer
	MaxSeconds   Double
	Name         string
	RefusedCount int64 // answered with 4xx
	RequestCount int64
	TotalSeconds Double
}

// StatusHistory is how it was, oldest first. Each list has as many members as
// Time: the counts are those of the Seconds before, the others how it was then.
type StatusHistory struct {
	ByteCount       []int64 // of documents stored
	DocumentCount   []int64 // stored
	DroppedCount    []int64 // documents, for want of room or of a good header
	DroppedTraces   []int64 // by keep rules
	MemoryBytes     []int64
	OpenCount       []int64 // traces that are not settled
	RefusedCount    []int64 // documents
	Seconds         []Double
	SettledCount    []int64 // traces
	StoredBytes     []int64 // blocks and log
	SupersededCount []int64 // documents
	Time            []Time
	TruncatedCount  []int64 // documents
}

// Limits are what bounds a tenant.
type Limits struct{ Limits []Limit }

// Limit is one bound.
type Limit struct {
	About string
	Flag  string // of tomo serve, that sets it
	Name  string
	Unit  string  // bytes, seconds, a second; "" for a number of things
	Used  *int64  // how much of it is used; null: that cannot be said
	Value *Double // null: there is no bound
	// Variable is the environment variable that sets it.
	Variable string
}

// Encryption is what data at rest is encrypted with.
type Encryption struct {
	BehindCount int // files that are not yet as they shall be
	EncryptionConfig
	Keys []EncryptionKey // that may be chosen
}

// EncryptionKey is a key of the server.
type EncryptionKey struct {
	Alias       *string // without alias/; null: none
	CreatedTime Time
	ID          string `json:"Id"`
}

// SamplingStates are how sampling rules are applied now, in the order in which
// they are tried.
type SamplingStates struct{ States []SamplingState }

// SamplingState is how one is.
type SamplingState struct {
	ClientCount int // that reported in the last 30 seconds
	LeasedCount int // traces a second, of the reservoir, that they may take
	Rate        Double
	RuleName    string
}

// AskSamplingTest asks which sampling rule decides a request, and why the
// others do not.
var AskSamplingTest = Question{"SamplingTest", "/console/api/sampling/test", structure(
	optional("Attributes", bounded(Shape{Kind: Map, Keys: anyText, Of: anyText}, none, 50)),
	optional("Client", anyText),
	optional("HTTPMethod", text(0, 250)),
	optional("Host", text(0, 2000)),
	optional("ResourceARN", text(0, 2000)),
	optional("ServiceName", text(0, 2000)),
	optional("ServiceType", text(0, 2000)),
	optional("URLPath", text(0, 8192)),
)}

// SamplingTestRequest is what a client knows of a request when it decides. What
// it does not know is empty.
type SamplingTestRequest struct {
	Attributes  map[string]string `json:",omitempty"` // up to 50
	Client      string            `json:",omitempty"` // a family of clients; "": the first
	HTTPMethod  string            `json:",omitempty"`
	Host        string            `json:",omitempty"`
	ResourceARN string            `json:",omitempty"`
	ServiceName string            `json:",omitempty"`
	ServiceType string            `json:",omitempty"`
	URLPath     string            `json:",omitempty"`
}

// SamplingTest is the answer.
type SamplingTest struct {
	Clients  []SamplingTestClient // all families, and by which rule they decide
	RuleName string               // that decides, for the client of the request
	Rules    []SamplingTestRule   // in the order in which they are tried
}

// SamplingTestClient is a family of clients that read rules in the same way.
type SamplingTestClient struct{ Name, RuleName string }

// SamplingTestRule is what a rule is to the request.
type SamplingTestRule struct {
	Matches   bool
	Obstacles []SamplingObstacle // why not
	RuleName  string
}

// SamplingObstacle is why a rule does not match.
type SamplingObstacle struct {
	Key     string // of an attribute; "" for other members
	Member  string // of the rule
	Pattern string // that it has
	Reason  string // Differs, Missing (the request lacks it) or Ignored (the client ignores rules with it)
	Value   string // that the request has
}

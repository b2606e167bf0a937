package tomo

// Loss is something that was sent and is not, or no longer, to be seen:
// nothing vanishes silently.
type Loss struct {
	Time   Time
	Source string // the door it came by ("http", "udp"), or "store"
	Reason LossReason
	Code   Code   // why it was refused, for LossRefused
	ID     string // segment id, trace id or block, whatever is known
	Trace  string // trace id, if known
	Count  int    // how many documents, at least 1
	Detail string // a sentence for the operator
}

// LossReason says what became of what was lost.
type LossReason string

const (
	LossRefused    LossReason = "refused"    // a document that is not valid
	LossDropped    LossReason = "dropped"    // a datagram without a good header, or no room for it
	LossTruncated  LossReason = "truncated"  // parts of a document left out or shortened; the text is kept whole
	LossSuperseded LossReason = "superseded" // a document sent again, or replaced by a complete one
	LossExpired    LossReason = "expired"    // documents older than the retention
)

package tomo

// Limits are how much of the documents of a trace is indexed and shown. What is
// beyond stays in the documents. The zero value of each stands for X-Ray's, which
// its service quotas document.
type Limits struct {
	// Annotations is how many annotations of a trace, distinct pairs of key and
	// value, are indexed. 0: MaxIndexedAnnotations.
	Annotations int
	// Links is how many links of an entity are looked at. 0: MaxLinks.
	Links int
	// TraceLinks is how many links of a trace are shown. 0: MaxTraceLinks.
	TraceLinks int
}

const (
	// MaxIndexedAnnotations is how many annotations of a trace X-Ray indexes.
	MaxIndexedAnnotations = 50
	// MaxLinks and MaxTraceLinks are how many links X-Ray takes of an entity and
	// of a trace.
	MaxLinks      = 20
	MaxTraceLinks = 100
)

// OrDefault is l with X-Ray's limits where it has none.
func (l Limits) OrDefault() Limits {
	if l.Annotations == 0 {
		l.Annotations = MaxIndexedAnnotations
	}
	if l.Links == 0 {
		l.Links = MaxLinks
	}
	if l.TraceLinks == 0 {
		l.TraceLinks = MaxTraceLinks
	}
	return l
}

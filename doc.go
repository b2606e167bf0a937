// Package tomo is the vocabulary of a self-hosted X-Ray: the words that every
// other package speaks. It imports the standard library only.
//
// A client sends a segment document ([RawDocument], parsed into a [Document]
// of [Segment] values). All documents of one [TraceID] make a trace. What can
// be asked about a trace is its [Summary]; what many traces say about services
// and their calls is the [ServiceGraph].
//
// A trace is open while documents still come and settled once it was quiet for
// a while. A late document reopens it. A store is a backend; a door is where
// documents come in; to settle is to summarise a quiet trace and put it where
// it stays; a block holds settled traces; a refusal says why a document was
// not taken.
//
// Fault is 5xx, error is 4xx, throttle is 429: the words of X-Ray.
package tomo

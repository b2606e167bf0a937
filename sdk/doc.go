// Package sdk records what a Go program does as X-Ray segments and sends them
// to a daemon: Tomo's or the original one.
//
//	recorder, err := sdk.New(sdk.Options{Service: "checkout"})
//	...
//	defer recorder.Close(context.Background())
//	sdk.SetDefault(recorder)
//
//	http.ListenAndServe(":8080", sdk.Handler(sdk.Fixed("checkout"), mux))
//
// A segment is what one service did for one request, a subsegment is a part of
// that. Both are a [Segment] here and travel in a context:
//
//	ctx, seg := sdk.Begin(ctx, "checkout")
//	defer seg.Close(nil)
//	err := sdk.Capture(ctx, "charge", func(ctx context.Context) error {
//		sdk.Annotate(ctx, "customer", "gold")
//		return charge(ctx)
//	})
//
// # What is sent, and when
//
// A segment is sent when it is closed, with all subsegments that are closed by
// then. A subsegment that is still open is sent alone once it closes, and so is
// one that closes in a segment which has grown beyond [Options.StreamAfter]. A
// document that does not fit a datagram is divided into subtrees.
//
// Nothing here waits for the network: what is closed goes into a bounded queue,
// which a goroutine encodes and sends. What the queue cannot take is dropped and
// counted, see [Recorder.Stats].
//
// # Sampling
//
// Whether a request is recorded is settled once, where it enters. A decision in
// the tracing header is obeyed; else the rules decide, those of the server
// ([Central], the default) or those of a file ([ParseRules]). What is not recorded
// costs one small allocation for its segment and none for subsegments.
//
// # Nil
//
// All methods of a nil *Segment do nothing, so code that is called without a
// segment in its context need not ask for one.
//
// Sub-packages: tracesql for database/sql and plugins for what the platform says
// about itself; modules of their own, for their dependencies: traceaws for the
// AWS SDK for Go v2 and tracegrpc for gRPC.
package sdk

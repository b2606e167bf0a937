package tomo

// Dropped is how much keep rules dropped: traces that were counted, in graphs
// and wherever else traces count, and then forgotten.
type Dropped struct {
	Traces, Documents int64
	Bytes             int64 // of the documents' texts
}

// Add adds what o counts.
func (d *Dropped) Add(o Dropped) {
	d.Traces += o.Traces
	d.Documents += o.Documents
	d.Bytes += o.Bytes
}

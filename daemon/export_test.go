package daemon

// Counters are the door's figures.
func (d *Door) Counters() *Counters { return &d.count }

// Counters are what the relay received.
func (r *Relay) Counters() *Counters { return &r.count }

// Take queues documents as if they had come in datagrams. It keeps them and
// never waits: what there is no room for is dropped and counted.
func (r *Relay) Take(documents ...[]byte) {
	b := batch{docs: documents}
	for _, d := range documents {
		r.count.Received.Add(1)
		r.count.Bytes.Add(int64(len(d)))
		b.size += int64(len(d))
	}
	r.deliver(b)
}

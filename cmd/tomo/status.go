package main

import (
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/keyring"
	"github.com/tomotrace/tomo/server"
	"github.com/tomotrace/tomo/store/localstore"
)

// storage tells what a store holds, for the page of the server's state.
func (c *serveCmd) storage(store *localstore.Store) func() api.StatusStorage {
	return func() api.StatusStorage {
		s := store.Stats()
		is := api.StatusStorage{
			BlockBytes: s.BlockBytes, BlockCount: s.Blocks, DocumentCount: s.Documents, DroppedCount: s.Dropped.Traces, LogBytes: s.LogBytes,
			OpenByteCount: s.OpenBytes, OpenCount: s.OpenTraces, OpenDocuments: s.OpenDocuments, RetentionSeconds: api.Double(c.Retention.Seconds()),
			SettleLagSeconds: api.Double(s.SettleLag.Seconds()), SettledCount: s.SettledTraces, TraceCount: s.Rows,
			FailedCount: s.FailedWrites + s.FailedRounds, CompactionCount: s.Compactions, ExpiredCount: s.ExpiredBlocks,
		}
		if s.Oldest != 0 {
			is.OldestTime = new(api.Time(s.Oldest.Seconds()))
		}
		return is
	}
}

// keysOf lists the keys of a ring as they are shown.
func keysOf(ring *keyring.Ring) func() []api.EncryptionKey {
	return func() (list []api.EncryptionKey) {
		for _, k := range ring.Keys() {
			shape := api.EncryptionKey{ID: k.ID, CreatedTime: api.TimeOf(k.Created)}
			if k.Alias != "" {
				shape.Alias = &k.Alias
			}
			list = append(list, shape)
		}
		return list
	}
}

// limitsInForce are what bounds a tenant, and which flag sets it. Memory is its
// share for the documents of open traces, in bytes.
func (c *serveCmd) limitsInForce(memory int64) []api.Limit {
	var list []api.Limit
	add := func(name, about, unit string, value float64, flag, variable string) {
		l := api.Limit{Name: name, About: about, Unit: unit, Flag: flag, Variable: variable}
		if value > 0 {
			l.Value = new(api.Double(value))
		}
		list = append(list, l)
	}
	add("retention", "How long traces are kept after their latest change", "seconds", c.Retention.Seconds(), "--retention", "TOMO_RETENTION")
	add("quiet", "How long nothing must come for a trace before it is settled", "seconds", c.Quiet.Seconds(), "--quiet", "TOMO_QUIET")
	add("document-bytes", "A segment document", "bytes", float64(c.MaxDocument), "--max-document", "TOMO_MAX_DOCUMENT")
	add("trace-segments", "Documents of one trace", "", float64(c.MaxTraceSegments), "--max-trace-segments", "TOMO_MAX_TRACE_SEGMENTS")
	add("open-bytes", "Documents of open traces in memory; a share of 128 MiB for each tenant", "bytes", float64(memory), "", "")
	for _, l := range limits {
		value, unit := float64(c.Limit.of(l)), l.unit
		if unit == "days" {
			value, unit = value*24*60*60, "seconds"
		}
		add(l.name, l.about, unit, value, "--limit "+l.name+"=", "TOMO_LIMIT")
	}
	add(server.LimitKeepRules, "Keep rules", "", tomo.MaxKeepRules, "", "")
	quota := func(name, about string, rate float64) {
		add(name, about, "a second", rate, "--quota "+name+"=", "TOMO_QUOTA")
	}
	quotas := c.Quota
	quota("segments", "Documents of PutTraceSegments", quotas.Segments)
	quota("put", "Calls of PutTraceSegments and PutTelemetryRecords", quotas.Put)
	quota("sampling", "Calls of GetSamplingRules and GetSamplingTargets", quotas.Sampling)
	quota("read", "Calls that only read", quotas.Read)
	quota("change", "Calls that change settings", quotas.Change)
	add("tenants", "Tenants that may have data on this server", "", float64(c.MaxTenants), "--max-tenants", "TOMO_MAX_TENANTS")
	return list
}

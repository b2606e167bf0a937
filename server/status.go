package server

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
)

// statusPages tell of the server itself.
func (s *Server) statusPages() map[string]http.HandlerFunc {
	get := func(name string, run asking) http.HandlerFunc {
		return s.console(console{http.MethodGet: {name: name, action: identity.GetConsole, run: run}})
	}
	return map[string]http.HandlerFunc{
		api.StatusPath:     get("Status", s.status),
		api.LimitsPath:     get("Limits", reading((*Services).limitsPage)),
		api.EncryptionPath: get("Encryption", reading((*Services).encryptionPage)),
	}
}

func (s *Server) status(ask *Services, _ http.ResponseWriter, r *http.Request, _ []byte) (any, error) {
	status := ask.status(r.URL.Query().Get("history") == "day")
	status.Version, status.StartTime = s.o.Version, api.TimeOf(s.started)
	if status.Tenant == identity.DefaultTenant {
		status.Process, status.Operations = s.process(), s.metrics.work.list()
	}
	return status, nil
}

// status is what is the tenant's own.
func (s *Services) status(day bool) *api.Status {
	now := s.look()
	status := &api.Status{
		Doors: []api.StatusDoor{}, Losses: map[string]int64{}, Operations: []api.StatusOperation{}, Sampling: s.samplingStateList(),
		Senders: len(s.telemetry.list()), Tenant: s.tenant, Time: api.Time(now.at.Seconds()),
	}
	s.historyMu.Lock()
	if day {
		status.History = s.history.day.shape(now)
	} else {
		status.History = s.history.hour.shape(now)
	}
	s.historyMu.Unlock()
	for source, door := range s.pipeline.Doors() {
		status.Doors = append(status.Doors, api.StatusDoor{ByteCount: door.Bytes, DocumentCount: door.Documents, RefusedCount: door.Refused, Source: source})
	}
	slices.SortFunc(status.Doors, func(a, b api.StatusDoor) int { return cmp.Compare(a.Source, b.Source) })
	for reason, n := range s.pipeline.Losses().Counts() {
		status.Losses[string(reason)] = n
	}
	for _, count := range s.pipeline.KeepCounts() {
		status.Keep.KeptCount += count.Kept
		status.Keep.DroppedCount += count.Dropped
	}
	for _, g := range s.settings.Groups() {
		status.Groups.Count++
		if g.InsightsEnabled {
			status.Groups.WithInsights++
		}
		if g.NotificationsEnabled {
			status.Groups.WithNotifications++
		}
	}
	active, judged := s.insights.State()
	status.Insights.ActiveCount = active
	if judged > 0 {
		status.Insights.JudgedTime = new(api.Time(judged.Seconds()))
	}
	if s.storage != nil {
		storage := s.storage()
		status.Storage = &storage
	}
	if s.disk != nil {
		status.Disk = s.disk()
	}
	return status
}

func (s *Server) process() *api.StatusProcess {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	runtimemetrics.Read(samples)
	process := &api.StatusProcess{
		BodyBytes: s.bodies.held.Load(), HeapBytes: int64(samples[0].Value.Uint64()), Goroutines: int(samples[1].Value.Uint64()),
		MemoryBytes: memoryInUse(), ProcessorCount: runtime.GOMAXPROCS(0), RuntimeVersion: runtime.Version(), HasCredentials: !s.o.Guard.Open(),
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		process.MemoryLimit = limit
	}
	return process
}

// memoryInUse is what the runtime has of the system and did not give back.
func memoryInUse() int64 {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// work is what was asked of the server, by the name of the operation.
type work struct {
	mu sync.Mutex // guards what follows
	of map[string]*api.StatusOperation
}

// observe counts a request.
func (w *work) observe(operation string, status int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	is := w.of[operation]
	if is == nil {
		is = &api.StatusOperation{Name: operation}
		if w.of == nil {
			w.of = map[string]*api.StatusOperation{}
		}
		w.of[operation] = is
	}
	is.RequestCount++
	switch {
	case status == statusLeft:
		is.GivenUpCount++
	case status >= 500:
		is.FailureCount++
	case status >= 400:
		is.RefusedCount++
	}
	is.TotalSeconds += api.Double(took.Seconds())
	is.MaxSeconds = max(is.MaxSeconds, api.Double(took.Seconds()))
}

// list is all of it, the most frequent first.
func (w *work) list() []api.StatusOperation {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]api.StatusOperation, 0, len(w.of))
	for _, is := range w.of {
		list = append(list, *is)
	}
	slices.SortFunc(list, func(a, b api.StatusOperation) int {
		return cmp.Or(cmp.Compare(b.RequestCount, a.RequestCount), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// The limits of which is known how much is used.
const (
	LimitGroups        = "groups"
	LimitSamplingRules = "sampling-rules"
	LimitPolicies      = "policies"
	LimitKeepRules     = "keep-rules"
)

func (s *Services) limitsPage(context.Context, []byte) (any, error) {
	used := map[string]int64{
		LimitGroups:        int64(len(s.settings.Groups())),
		LimitSamplingRules: int64(len(s.settings.SamplingRules().List)) - 1, // Default is none of them
		LimitPolicies:      int64(len(s.settings.Policies())),
		LimitKeepRules:     int64(len(s.settings.KeepRules().Rules)),
	}
	page := &api.Limits{Limits: slices.Clone(s.limits)}
	for i := range page.Limits {
		if n, known := used[page.Limits[i].Name]; known {
			page.Limits[i].Used = &n
		}
	}
	return page, nil
}

func (s *Services) encryptionPage(context.Context, []byte) (any, error) {
	_, behind := s.encryption.Store.Encryption()
	page := &api.Encryption{BehindCount: behind, EncryptionConfig: s.encryptionConfig(), Keys: []api.EncryptionKey{}}
	if s.encryption.Keys != nil {
		page.Keys = append(page.Keys, s.encryption.Keys()...)
	}
	return page, nil
}

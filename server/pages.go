package server

import (
	"bytes"
	"maps"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
)

// newPages are the paths that are no operations.
func (s *Server) newPages() map[string]http.HandlerFunc {
	metrics := promhttp.HandlerFor(s.o.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})
	pages := map[string]http.HandlerFunc{
		"/healthz":     s.health,
		"/readyz":      s.ready,
		"/version":     s.version,
		"/metrics":     s.ofServer(metrics),
		api.LossesPath: s.ofTenant((*Services).losses),
		"/telemetry":   s.ofTenant((*Services).telemetryPage),
	}
	for path, page := range pages {
		pages[path] = readOnly(page)
	}
	maps.Copy(pages, s.keepPages())
	maps.Copy(pages, s.consolePages())
	maps.Copy(pages, s.samplingPages())
	maps.Copy(pages, s.statusPages())
	maps.Copy(pages, s.sessionPages())
	maps.Copy(pages, s.credentialPages())
	return pages
}

// readOnly lets GET and HEAD through.
func readOnly(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this is read with GET", http.StatusMethodNotAllowed)
			return
		}
		page(w, r)
	}
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	s.sendPage(w, r, http.StatusOK, map[string]string{"Status": "alive"})
}

// ready is false from the moment the server begins to stop, so that balancers
// look elsewhere.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.draining.Load():
		s.sendPage(w, r, http.StatusServiceUnavailable, map[string]string{"Status": "draining"})
	case !s.o.Ready():
		s.sendPage(w, r, http.StatusServiceUnavailable, map[string]string{"Status": "starting"})
	default:
		s.sendPage(w, r, http.StatusOK, map[string]string{"Status": "ready"})
	}
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	s.sendPage(w, r, http.StatusOK, map[string]string{"Version": s.o.Version})
}

// ofTenant makes a page of what a tenant has to show.
func (s *Server) ofTenant(show func(*Services) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := s.admitToPage(r, identity.GetConsole)
		if err != nil {
			s.refusePage(w, r, err)
			return
		}
		services, err := s.tenants(r.Context(), who.tenant)
		if err != nil {
			s.refusePage(w, r, err)
			return
		}
		s.sendPage(w, r, http.StatusOK, show(services))
	}
}

// ofServer makes a page of figures about all tenants, which only the default
// one is shown: it is the operator's.
func (s *Server) ofServer(page http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := s.admitToPage(r, identity.GetMetrics)
		if err == nil && who.tenant != identity.DefaultTenant {
			err = api.AccessDenied(who.credential.ARN(s.o.Account), identity.GetMetrics)
		}
		if err != nil {
			s.refusePage(w, r, err)
			return
		}
		page.ServeHTTP(w, r)
	}
}

func (s *Services) losses() any {
	ledger := s.pipeline.Losses()
	page := api.Losses{Counts: map[string]int64{}, Recent: []api.Loss{}}
	for reason, n := range ledger.Counts() {
		page.Counts[string(reason)] = n
	}
	for _, l := range ledger.Recent() {
		page.Recent = append(page.Recent, api.Loss{
			Code: string(l.Code), Count: l.Count, Detail: l.Detail, ID: l.ID,
			Reason: string(l.Reason), Source: l.Source, Time: api.Time(l.Time.Seconds()), Trace: l.Trace,
		})
	}
	return page
}

func (s *Services) telemetryPage() any {
	return struct{ Senders []api.Telemetry }{s.telemetry.list()}
}

// sendPage sends what must not be kept by caches.
func (s *Server) sendPage(w http.ResponseWriter, r *http.Request, status int, v any) {
	out := s.answers.Get().(*bytes.Buffer)
	defer s.release(out)
	if err := api.Encode(out, v); err != nil {
		panic(err) // our own shapes
	}
	w.Header().Set("Cache-Control", "no-store")
	s.sendText(w, r, status, "application/json", out)
}

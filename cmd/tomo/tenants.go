package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/cloudwatch"
	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/insights"
	"github.com/tomotrace/tomo/keyring"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/server"
	"github.com/tomotrace/tomo/settings"
	"github.com/tomotrace/tomo/store/localstore"
)

// tenant is all that one tenant has. No two share any of it.
type tenant struct {
	pipeline *ingest.Pipeline
	losses   *ingest.Losses
	services *server.Services
	metrics  []prometheus.Collector
	close    func() error
}

// openTenant assembles what a tenant has, in the order data meets the parts,
// and lets it settle until it is closed. Memory is for the documents of its open
// traces, in bytes.
//
//	documents ──→ pipeline ──→ store ←── engine ←── services
//	                 └─ settling loop  ↑              │
//	                      └─ sorter    ├── insights ←─┤
//	                            └──────└── settings ←─┘
func (c *serveCmd) openTenant(ctx context.Context, name string, keys *keyring.Ring, memory int64, log *slog.Logger) (_ *tenant, err error) {
	if name != identity.DefaultTenant {
		log = log.With("tenant", name)
	}
	losses, sorter := ingest.NewLosses(), ingest.NewSorter(log, c.Limit.ofTraces())
	store, err := localstore.Open(c.directoryOf(name), localstore.Options{
		Derive:            sorter.Summary,
		Revision:          sorter.Revision,
		Retention:         c.Retention,
		Memory:            memory,
		MaxTraceDocuments: c.MaxTraceSegments,
		MaxTraceBytes:     int64(c.Limit["trace-bytes"]),
		Modifiable:        c.Limit.modifiable(),
		Keys:              keys.Secret,
		Lost:              losses.Add,
		Logger:            log,
	})
	if err != nil {
		return nil, err
	}
	set, err := settings.Open(ctx, store, settings.Options{Account: c.AccountID, Region: c.Region, Limits: c.Limit.ofSettings()})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	sorter.Follow(set)
	pipeline := ingest.New(store, ingest.Options{
		MaxDocument:    c.MaxDocument,
		StrictTraceIDs: c.StrictTraceIDs,
		Limits:         c.Limit.ofTraces(),
		Settle:         tomo.SettlePolicy{Quiet: c.Quiet},
		Sorter:         sorter,
		GiveWay:        store.GiveWay,
		Losses:         losses,
		Logger:         log,
	})
	in, err := c.openInsights(ctx, name, store, set, log)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	services := server.NewServices(server.Parts{
		Pipeline: pipeline, Engine: query.New(store, query.Options{Limits: c.Limit.ofTraces()}), Settings: set, Insights: in,
		Encryption: server.Encryption{Store: store, Find: keys.Find, Keys: keysOf(keys)}, Quotas: c.Quota.Quotas, MaxTraces: c.Limit["batch-traces"],
		Tenant: name, Storage: c.storage(store), Disk: func() *api.StatusDisk { return diskOf(c.Data) }, Limits: c.limitsInForce(memory),
	})

	settling, settled := context.WithCancel(context.WithoutCancel(ctx))
	var loop errgroup.Group
	loop.Go(func() error { return pipeline.Run(settling) })
	loop.Go(func() error { return in.Run(settling) })
	loop.Go(func() error { return services.Run(settling) })
	return &tenant{
		pipeline: pipeline,
		losses:   losses,
		services: services,
		metrics:  slices.Concat(pipeline.Collectors(), services.Collectors(), in.Collectors(), []prometheus.Collector{newStoreMetrics(store)}),
		close: func() error {
			settled()
			return errors.Join(loop.Wait(), store.Close())
		},
	}, nil
}

// openInsights makes what watches the groups of a tenant, and whom it tells.
func (c *serveCmd) openInsights(ctx context.Context, tenant string, store insights.Store, set *settings.Settings, log *slog.Logger) (*insights.Insights, error) {
	o := insights.Options{Logger: log}
	if c.InsightsWebhook != "" {
		var err error
		if o.Webhook, err = insights.NewWebhook(c.InsightsWebhook, insights.WebhookOptions{Tenant: tenant, Secret: c.InsightsWebhookSecret, Logger: log}); err != nil {
			return nil, err
		}
	}
	return insights.Open(ctx, store, set.Groups, o)
}

// tenantsDir holds a directory for each tenant but the default one, whose data
// lies beside it.
const tenantsDir = "tenants"

func (c *serveCmd) directoryOf(tenant string) string {
	if tenant == identity.DefaultTenant {
		return c.Data
	}
	return filepath.Join(c.Data, tenantsDir, tenant)
}

// tenants are those that are open. One is opened when it is first asked for and
// stays: its traces have to settle and to expire.
type tenants struct {
	open func(context.Context, string) (*tenant, error)
	max  int

	mu     sync.Mutex // guards what follows
	all    map[string]*opening
	closed bool
}

// opening is a tenant that is being opened, or was.
type opening struct {
	done   chan struct{} // closed when the others are set
	tenant *tenant
	err    error
}

// errClosed: nothing is opened any more.
var errClosed = &tomo.Error{Code: tomo.Unavailable, Message: "the server is stopping"}

// get gives a tenant, opened if need be. Who asks meanwhile waits.
func (t *tenants) get(ctx context.Context, name string) (*tenant, error) {
	t.mu.Lock()
	o := t.all[name]
	if o == nil {
		if t.closed {
			t.mu.Unlock()
			return nil, errClosed
		}
		if len(t.all) >= t.max {
			t.mu.Unlock()
			return nil, &tomo.Error{Code: tomo.Unavailable, Message: fmt.Sprintf("this server has %s, as many as --max-tenants lets it have", plural(t.max, "tenant"))}
		}
		o = &opening{done: make(chan struct{})}
		t.all[name] = o
		t.mu.Unlock()
		// Who asked first may go away; the others wait for the same.
		if o.tenant, o.err = t.open(context.WithoutCancel(ctx), name); o.err != nil {
			o.err = fmt.Errorf("opening the tenant %s: %w", name, o.err)
			t.mu.Lock()
			delete(t.all, name) // the next one tries again
			t.mu.Unlock()
		}
		close(o.done)
	} else {
		t.mu.Unlock()
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		select {
		case <-o.done: // what is there is given also to who is in a hurry
		default:
			return nil, ctx.Err()
		}
	}
	return o.tenant, o.err
}

// services is get for the HTTP door.
func (t *tenants) services(ctx context.Context, name string) (*server.Services, error) {
	is, err := t.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return is.services, nil
}

// figures are those of the groups of all tenants since they were last asked for.
func (t *tenants) figures() (list []cloudwatch.Figures) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(t.all)) {
		o := t.all[name]
		select {
		case <-o.done:
		default:
			continue // it is being opened
		}
		if o.err != nil {
			continue
		}
		if name == identity.DefaultTenant {
			name = ""
		}
		for _, f := range o.tenant.pipeline.GroupFigures() {
			list = append(list, cloudwatch.Figures{Tenant: name, GroupFigures: f})
		}
	}
	return list
}

// close closes all of them. Nobody may ask them anything any more.
func (t *tenants) close() error {
	t.mu.Lock()
	t.closed = true
	all := t.all
	t.mu.Unlock()
	var closing errgroup.Group
	for _, o := range all {
		closing.Go(func() error {
			<-o.done
			if o.err != nil {
				return nil // it was told
			}
			return o.tenant.close()
		})
	}
	return closing.Wait()
}

// wake opens the tenants that have data, so that it settles and expires also
// where nobody asks. One that cannot be opened does not keep the others.
func (t *tenants) wake(ctx context.Context, dir string, log *slog.Logger) {
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Error("looking for tenants", "error", err)
	}
	for _, d := range found {
		if !d.IsDir() || identity.CheckTenant(d.Name()) != nil {
			continue
		}
		if _, err := t.get(ctx, d.Name()); err != nil {
			log.Error("a tenant stays closed", "tenant", d.Name(), "error", err)
		}
	}
}

// ofTenant registers the metrics of a tenant. Those of the default one have no
// label, as on a server that has no other.
func ofTenant(r prometheus.Registerer, name string, metrics []prometheus.Collector) error {
	if name != identity.DefaultTenant {
		r = prometheus.WrapRegistererWith(prometheus.Labels{"tenant": name}, r)
	}
	return r.Register(undescribed(metrics))
}

// undescribed are collectors whose labels are not announced, so that the
// registry does not want those of all tenants to be alike.
type undescribed []prometheus.Collector

func (u undescribed) Describe(chan<- *prometheus.Desc) {}

func (u undescribed) Collect(into chan<- prometheus.Metric) {
	for _, c := range u {
		c.Collect(into)
	}
}

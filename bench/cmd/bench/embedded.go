package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/ingest"
	"github.com/tomotrace/tomo/query"
	"github.com/tomotrace/tomo/settings"
	"github.com/tomotrace/tomo/store/localstore"
)

// embedded is the embedded store with both of its paths, inside this process and
// under a clock of its own.
type embedded struct {
	now      time.Time
	store    *localstore.Store
	settings *settings.Settings
	pipeline *ingest.Pipeline
	engine   *query.Engine
}

func openEmbedded(ctx context.Context, dir string) (*embedded, error) {
	e := &embedded{now: time.Now()}
	clock := func() time.Time { return e.now }
	sorter := ingest.NewSorter(nil, tomo.Limits{})
	var err error
	e.store, err = localstore.Open(dir, localstore.Options{Derive: sorter.Summary, Revision: sorter.Revision, Retention: math.MaxInt64, Now: clock})
	if err != nil {
		return nil, err
	}
	if e.settings, err = settings.Open(ctx, e.store, settings.Options{Now: clock}); err != nil {
		return nil, errors.Join(err, e.store.Close())
	}
	sorter.Follow(e.settings)
	e.pipeline = ingest.New(e.store, ingest.Options{Sorter: sorter, Now: clock})
	e.engine = query.New(e.store, query.Options{})
	return e, nil
}

func (e *embedded) close() error { return e.store.Close() }

// group makes a group, and gives its id.
func (e *embedded) group(ctx context.Context, name, expression string) (string, error) {
	g, err := e.settings.CreateGroup(ctx, settings.Draft{Name: name, Filter: expression})
	if err != nil {
		return "", fmt.Errorf("making group %s: %w", name, err)
	}
	return g.ID(), nil
}

// groupID is the id of a group that there is.
func (e *embedded) groupID(name string) (string, error) {
	g, err := e.settings.Group(settings.GroupRef{Name: name})
	if err != nil {
		return "", err
	}
	return g.ID(), nil
}

// accept stores documents.
func (e *embedded) accept(ctx context.Context, docs [][]byte) error {
	refusals, err := e.pipeline.Accept(ctx, "bench", docs)
	if err == nil && len(refusals) > 0 {
		err = fmt.Errorf("%d segments were refused, the first with: %s", len(refusals), refusals[0].Message)
	}
	return err
}

// settle settles what is due now.
func (e *embedded) settle(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = e.pipeline.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// manyGroups are as many filters as there may be groups beside Default, of the
// kinds that people make groups of.
func manyGroups() (list []string) {
	list = append(each(`service("%s") { fault }`, services...), each(`service("%s") { responsetime > 0.2 }`, services[:4]...)...)
	list = append(list, `fault`, `error`, `throttle`, `duration > 1`, `responsetime > 0.5 AND ok`, `annotation.tenant = "north"`, `annotation.premium = true`,
		`http.url CONTAINS "/cart"`, `user BEGINSWITH "1"`, `edge("shop-frontend", "payments")`, `edge("cart", "catalog") { fault OR error }`,
		`service("payments") AND annotation.campaign = "newsletter-41" AND !fault`)
	return list[:tomo.MaxGroups-1]
}

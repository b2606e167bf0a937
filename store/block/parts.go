package block

import (
	"fmt"

	"github.com/tomotrace/tomo"
)

// Parts reads some parts of the summaries of rows, which must be in ascending
// order, into list, which is as long. What list[i] had before is gone, but its
// memory is used again. Columns of other parts are not read.
func (b *Block) Parts(rows []int, parts tomo.Parts, list []tomo.Summary) (err error) {
	defer rescue("reading parts of summaries", &err)
	r := readers.Get().(*reader)
	defer r.release()
	p := partReader{reader: r, parts: parts}
	at := 0
	return b.visit(r, rows, columnsOf(parts), func() error {
		p.read(&list[at])
		at++
		return r.check()
	})
}

// visit puts the cursors of some columns at the beginning of each of the rows in
// turn, which must be in ascending order; read passes over the row.
func (b *Block) visit(r *reader, rows, columns []int, read func() error) error {
	walks := make([]walk, len(columns))
	for i, c := range columns {
		walks[i].cursor = r.cursor(b, c)
	}
	for i, row := range rows {
		if row < 0 || row >= b.info.Rows || i > 0 && row <= rows[i-1] {
			return fmt.Errorf("row %d of %d is out of order", row, b.info.Rows)
		}
		for w := range walks {
			if err := walks[w].to(row); err != nil {
				return err
			}
		}
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// columnsOf lists the columns that parts are made of.
func columnsOf(parts tomo.Parts) []int {
	list := []int{colID, colStart, colReceived, colDuration, colResponseTime, colHasFault, colHasError, colHasThrottle, colIsPartial, colIncomplete, colEntryPoint}
	add := func(part tomo.Parts, from, to int) {
		for c := from; c <= to && parts.Has(part); c++ {
			list = append(list, c)
		}
	}
	if parts == tomo.EveryPart {
		list = append(list, colBegan, colRevision, colDocumentCount, colLimitExceeded)
	}
	add(tomo.PartHTTP, colMethod, colTraced)
	add(tomo.PartNodes, colNodeName, colNodeRegion)
	add(tomo.PartUnits, colUnitNode, colUnitOpen)
	add(tomo.PartCalls, colCallFrom, colCallAliasType)
	add(tomo.PartAnnotations, colAnnotationKey, colAnnotationNodes)
	add(tomo.PartUsers, colUserName, colUserNodes)
	add(tomo.PartPlaces, colResourceARN, colGroup)
	return list
}

// walk goes down one column to rows that come one after the other. A page is
// read once, and only if one of the rows is in it.
type walk struct {
	*cursor
	row int // where the cursor stands
	end int // behind the rows of its page; 0 before the first
}

func (w *walk) to(row int) error {
	if row >= w.end {
		if err := w.seek(row); err != nil {
			return err
		}
		g := &w.block.groups[w.group]
		w.end = g.first + g.rows
		if pages := g.chunks[w.number].pages; w.page < len(pages) {
			w.end = g.first + int(pages[w.page].first)
		}
	} else if row > w.row {
		w.skipRows(row - w.row)
	}
	if !w.left() {
		return fmt.Errorf("%w: a page of column %s has too few rows", ErrCorrupt, w.path)
	}
	w.row = row + 1
	return nil
}

// partReader reads the parts of a row once all columns stand there.
type partReader struct {
	*reader
	parts tomo.Parts
}

func (p *partReader) read(s *tomo.Summary) {
	c := &p.cursors
	*s = tomo.Summary{
		ID:           c[colID].id(),
		Start:        c[colStart].time(),
		Received:     c[colReceived].time(),
		Duration:     c[colDuration].duration(),
		ResponseTime: c[colResponseTime].duration(),
		HasFault:     c[colHasFault].bool(),
		HasError:     c[colHasError].bool(),
		HasThrottle:  c[colHasThrottle].bool(),
		IsPartial:    c[colIsPartial].bool(),
		Completeness: c[colIncomplete].completeness(),
		EntryPoint:   -1,
		Nodes:        s.Nodes[:0], Units: s.Units[:0], Calls: s.Calls[:0], Annotations: s.Annotations[:0], Users: s.Users[:0],
		ResourceARNs: s.ResourceARNs[:0], InstanceIDs: s.InstanceIDs[:0], AvailabilityZones: s.AvailabilityZones[:0], Groups: s.Groups[:0],
	}
	if c[colEntryPoint].there() {
		s.EntryPoint = int(c[colEntryPoint].int())
	}
	if p.parts == tomo.EveryPart {
		s.Began = c[colBegan].time()
		s.Revision = int(c[colRevision].int())
		s.Documents = int(c[colDocumentCount].int())
		s.LimitExceeded = c[colLimitExceeded].bool()
	}
	if p.parts.Has(tomo.PartHTTP) {
		s.HTTP = tomo.HTTP{
			Method:       c[colMethod].string(),
			URL:          c[colURL].string(),
			UserAgent:    c[colUserAgent].string(),
			ClientIP:     c[colClientIP].string(),
			Status:       int(c[colStatus].int()),
			ForwardedFor: c[colForwardedFor].bool(),
			Traced:       c[colTraced].bool(),
		}
	}
	p.lists(s, p.parts)
}

package localstore

import (
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/store/block"
)

// The manifest says which blocks there are and which of their rows no longer
// count. It is a log of edits; each is one frame of JSON, so a settle round or
// a compaction happens as a whole or not at all. At start it is written anew as
// a single edit.
type manifest struct {
	fs    FS
	dir   string
	vault vault
	log   *log
}

// edit is one change of what is settled.
type edit struct {
	Version int              `json:"version,omitempty"` // in the first edit of a file
	Add     []blockEntry     `json:"add,omitempty"`
	Remove  []string         `json:"remove,omitempty"`
	Dead    map[string][]int `json:"dead,omitempty"` // block → rows superseded by later ones
	// Dropped are traces that an added block counts and has no rows of. While
	// the log has their documents, nothing else tells that they are settled.
	Dropped []droppedIDs `json:"dropped,omitempty"`
}

// droppedIDs are traces of which everything that the log holds up to a position
// was dropped. What came later opens a trace anew.
type droppedIDs struct {
	Through position `json:"through"`
	IDs     []byte   `json:"ids"` // 16 bytes each
}

func (d *droppedIDs) add(id tomo.TraceID) { d.IDs = append(d.IDs, id[:]...) }

func (d *droppedIDs) each() iter.Seq[tomo.TraceID] {
	return func(yield func(tomo.TraceID) bool) {
		for id := range slices.Chunk(d.IDs, len(tomo.TraceID{})) {
			if len(id) == len(tomo.TraceID{}) && !yield(tomo.TraceID(id)) {
				return
			}
		}
	}
}

// blockEntry is a block as the manifest knows it.
type blockEntry struct {
	Name string     `json:"name"`
	Info block.Info `json:"info"`
	// Through is a position in the log: what is in it up to there of the
	// block's traces is in the block.
	Through position `json:"through"`
	// Key is the id of the key that the file is encrypted with, "" for none.
	Key string `json:"key,omitempty"`
}

const (
	manifestName    = "MANIFEST"
	manifestVersion = 1
	temporarySuffix = ".tmp"
)

// readManifest gives every edit in order, and says which key the manifest is
// encrypted with: it is what all that is new is encrypted with. A store without
// a manifest is new.
func readManifest(fs FS, dir string, v vault, each func(edit)) (key string, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return "", err
	}
	found := false
	for _, name := range names {
		found = found || name == manifestName
	}
	if !found {
		return "", nil
	}
	path := filepath.Join(dir, manifestName)
	f, err := fs.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	first := true
	key, _, _, err = readLog(f, v, func(payload []byte) error {
		var e edit
		if err := json.Unmarshal(payload, &e); err != nil {
			return fmt.Errorf("%w edit: %w", errCorrupt, err)
		}
		if first && e.Version != manifestVersion {
			return fmt.Errorf("the data is of version %d, this program reads version %d", e.Version, manifestVersion)
		}
		first = false
		each(e)
		return nil
	})
	if err != nil {
		return key, fmt.Errorf("reading %s: %w", path, err)
	}
	return key, nil
}

// rewrite replaces the manifest by one that says everything in one edit, and is
// encrypted with the key.
func (m *manifest) rewrite(all edit, key string) error {
	all.Version = manifestVersion
	path := filepath.Join(m.dir, manifestName)
	l, err := createLog(m.fs, path+temporarySuffix, 0, m.vault, key)
	if err != nil {
		return err
	}
	next := manifest{fs: m.fs, dir: m.dir, vault: m.vault, log: l}
	if err := next.append(all); err != nil {
		l.close()
		return err
	}
	if err := m.fs.Rename(path+temporarySuffix, path); err != nil {
		l.close()
		return fmt.Errorf("replacing %s: %w", path, err)
	}
	if err := m.fs.SyncDir(m.dir); err != nil {
		l.close()
		return fmt.Errorf("syncing %s: %w", m.dir, err)
	}
	if m.log != nil {
		m.log.close()
	}
	m.log = l
	return nil
}

// append makes an edit durable.
func (m *manifest) append(e edit) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return m.log.write(append(appendFrameHeader(nil), payload...))
}

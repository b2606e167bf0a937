package localstore

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
)

const (
	settingsDir    = "settings"
	settingsSuffix = ".json"
)

// LoadSettings gives the text that was last saved under the name, nil if none
// ever was.
func (s *Store) LoadSettings(_ context.Context, name string) ([]byte, error) {
	s.settingsMu.Lock()
	defer s.settingsMu.Unlock()
	text, _, err := s.settingsText(name)
	return text, err
}

// settingsText reads a text and tells the key that it is encrypted with. The
// caller holds s.settingsMu.
func (s *Store) settingsText(name string) (text []byte, key string, err error) {
	dir := filepath.Join(s.dir, settingsDir)
	names, err := s.fs.List(dir)
	if err != nil {
		return nil, "", fmt.Errorf("looking for the settings %s: %w", name, err)
	}
	if !slices.Contains(names, name+settingsSuffix) {
		return nil, "", nil
	}
	f, key, err := s.vault.open(s.fs, filepath.Join(dir, name+settingsSuffix))
	if err != nil {
		return nil, "", fmt.Errorf("opening the settings %s: %w", name, err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, "", fmt.Errorf("reading the settings %s: %w", name, err)
	}
	text = make([]byte, size)
	if _, err := f.ReadAt(text, 0); err != nil && size > 0 {
		return nil, "", fmt.Errorf("reading the settings %s: %w", name, err)
	}
	return text, key, nil
}

// SaveSettings makes text what is saved under the name, as a whole: when it
// returns, it is on disk. The name is of small letters, digits and hyphens.
//
// An error is a *tomo.Error with the code Unavailable. Then the text before is
// still there, or, if the disk failed at the very end, perhaps the new one; never
// a part of either.
func (s *Store) SaveSettings(_ context.Context, name string, text []byte) error {
	s.settingsMu.Lock()
	defer s.settingsMu.Unlock()
	select {
	case <-s.closed:
		return errClosed
	default:
	}
	if err := s.replaceSettings(name, text); err != nil {
		s.o.Logger.Error("saving settings", "name", name, "error", err)
		return &tomo.Error{Code: tomo.Unavailable, Message: "the settings could not be written to disk"}
	}
	return nil
}

func (s *Store) replaceSettings(name string, text []byte) error {
	dir := filepath.Join(s.dir, settingsDir)
	path := filepath.Join(dir, name+settingsSuffix)
	f, err := s.vault.create(s.fs, path+temporarySuffix, *s.key.Load())
	if err != nil {
		return fmt.Errorf("creating %s: %w", path+temporarySuffix, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	f.Close()
	if err != nil {
		return fmt.Errorf("writing %s: %w", path+temporarySuffix, err)
	}
	if err := s.fs.Rename(path+temporarySuffix, path); err != nil {
		return fmt.Errorf("replacing %s: %w", path, err)
	}
	if err := s.fs.SyncDir(dir); err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}

// removeUnfinishedSettings removes what a crash left.
func (s *Store) removeUnfinishedSettings() error {
	dir := filepath.Join(s.dir, settingsDir)
	names, err := s.fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, settingsSuffix+temporarySuffix) {
			continue
		}
		if err := s.fs.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing what a crash left: %w", err)
		}
	}
	return nil
}

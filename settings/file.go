package settings

import (
	"context"
	"encoding/json"
	"fmt"
)

// load reads what was saved under the name into file, whose version is known; if
// nothing was saved, file stays as it is.
func (s *Settings) load(ctx context.Context, name string, file any, version *int, known int) error {
	text, err := s.store.LoadSettings(ctx, name)
	if err != nil {
		return fmt.Errorf("loading the settings %s: %w", name, err)
	}
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, file); err != nil {
		return fmt.Errorf("reading the settings %s: %w", name, err)
	}
	if *version != known {
		return fmt.Errorf("the settings %s are of version %d, this program reads version %d", name, *version, known)
	}
	return nil
}

// write saves file under the name, as text that operators may look at.
func (s *Settings) write(ctx context.Context, name string, file any) error {
	text, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return fmt.Errorf("writing the settings %s: %w", name, err)
	}
	if err := s.store.SaveSettings(ctx, name, append(text, '\n')); err != nil {
		return fmt.Errorf("saving the settings %s: %w", name, err)
	}
	return nil
}

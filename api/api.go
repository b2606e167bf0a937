// Package api is what both ends of the wire agree on: the paths of the X-Ray
// operations, the JSON shapes of their requests and answers, the exceptions,
// and how numbers and times are written.
//
// In come bytes, out go values, and the other way round. The package knows
// nothing of segments, stores or HTTP servers.
//
// Every operation is a POST of one JSON object to the operation's path. Shapes
// list their members in alphabetical order, which is the order on the wire; a
// pointer that is nil is sent as null. Lists are never null where the service
// sends a list: whoever fills an answer makes them.
package api

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes v as the service does: no spaces, and <, > and & as they are.
func Encode(w *bytes.Buffer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encoding %T: %w", v, err)
	}
	w.Truncate(w.Len() - 1) // the encoder's line feed
	return nil
}

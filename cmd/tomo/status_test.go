package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
	"github.com/tomotrace/tomo/internal/testkit"
	"github.com/tomotrace/tomo/keyring"
)

// TestStatusPages: what the server tells of itself is what is there, and limits
// are told with the flags that set them.
func TestStatusPages(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if _, err := keyring.Add(keys, "k1", "traces", time.Now()); err != nil {
		t.Fatal(err)
	}
	endpoint, _ := running(t, t.TempDir(), "--encryption-keys", keys, "--retention", "12h", "--limit", "groups=7", "--quota", "segments=2600", "--quiet", "100ms")
	c := client.New(endpoint)
	get := func(path string, into any) {
		t.Helper()
		page, err := c.Page(t.Context(), path)
		if err != nil || page.Status != http.StatusOK {
			t.Fatalf("%s: %v %+v", path, err, page)
		}
		if err := json.Unmarshal(page.Body, into); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.PutTraceSegments(t.Context(), []string{document(tomo.NewTraceID(time.Now()), "shop")}); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "settled", func() bool {
		var status api.Status
		get(api.StatusPath, &status)
		return status.Storage != nil && status.Storage.TraceCount == 1
	})
	var status api.Status
	get(api.StatusPath, &status)
	if s := status.Storage; s.RetentionSeconds != 12*3600 || s.BlockCount != 1 || s.BlockBytes == 0 || s.DocumentCount != 1 || s.SettledCount != 1 || s.OldestTime == nil || s.FailedCount != 0 {
		t.Errorf("the storage is %+v", s)
	}
	if d := status.Disk; d != nil && (d.TotalBytes <= 0 || d.FreeBytes < 0 || d.FreeBytes > d.TotalBytes) {
		t.Errorf("the disk is %+v", d)
	}
	if len(status.Doors) != 1 || status.Doors[0].Source != "http" || status.Doors[0].DocumentCount != 1 {
		t.Errorf("the doors are %+v", status.Doors)
	}

	var limits api.Limits
	get(api.LimitsPath, &limits)
	found := map[string]api.Limit{}
	for _, l := range limits.Limits {
		found[l.Flag+" "+l.Name] = l
	}
	for name, want := range map[string]float64{
		"--limit groups= groups": 7, "--limit policies= policies": 5, "--limit batch-traces= batch-traces": 5, "--quota segments= segments": 2600,
		"--retention retention": 12 * 3600, "--quiet quiet": 0.1, " keep-rules": tomo.MaxKeepRules,
	} {
		if l, ok := found[name]; !ok || l.Value == nil || float64(*l.Value) != want {
			t.Errorf("the limit %s is %+v, want %v", name, l, want)
		}
	}
	if l := found["--quota read= read"]; l.Value != nil || l.Unit != "a second" {
		t.Errorf("a quota that nobody set is %+v", l)
	}
	if l := found["--limit groups= groups"]; l.Used == nil || *l.Used != 1 {
		t.Errorf("of the groups %v are used", l.Used)
	}

	var encryption api.Encryption
	get(api.EncryptionPath, &encryption)
	if len(encryption.Keys) != 1 || encryption.Keys[0].ID != "k1" || *encryption.Keys[0].Alias != "traces" || encryption.Type != "NONE" {
		t.Errorf("the encryption is %+v", encryption)
	}
}

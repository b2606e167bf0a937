package doctor

import (
	"net/netip"
	"testing"
)

func TestParseDaemonAddress(t *testing.T) {
	tests := []struct{ in, udp, tcp string }{ // empty: an error
		{"127.0.0.1:2000", "127.0.0.1:2000", "127.0.0.1:2000"},
		{"xray-daemon:2000", "xray-daemon:2000", "xray-daemon:2000"},
		{"udp:a:1 tcp:b:2", "a:1", "b:2"},
		{"tcp:b:2 udp:a:1", "a:1", "b:2"},
		{in: ""},
		{in: "127.0.0.1"},
		{in: ":2000"},
		{in: "a:0"},
		{in: "a:70000"},
		{in: "a:b"},
		{in: "udp:a:1"},
		{in: "udp:a:1 udp:b:2"},
		{in: "udp:a:1 b:2"},
		{in: "a:1 b:2"},
		{in: "udp:a:1 tcp:b:2 tcp:c:3"},
		{in: "[::1]:2000"},
		{in: "http://a:2000"},
	}
	for _, test := range tests {
		udp, tcp, err := parseDaemonAddress(test.in)
		if udp != test.udp && err == nil || tcp != test.tcp && err == nil || (err != nil) != (test.udp == "") {
			t.Errorf("%q: %q, %q, %v", test.in, udp, tcp, err)
		}
	}
}

func TestBypasses(t *testing.T) {
	tests := []struct {
		except, host string
		want         bool
	}{
		{"", "a", false},
		{"*", "a", true},
		{"a", "a", true},
		{"b, A ", "a", true},
		{"a:2000", "a", true},
		{"a:2001", "a", false},
		{"example.com", "x.example.com", true},
		{".example.com", "x.example.com", true},
		{"*.example.com", "x.example.com", true},
		{"example.com", "xexample.com", false},
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.0.0.0/8", "11.1.2.3", false},
		{"10.0.0.0/8", "ten", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"::1", "::1", true},
	}
	for _, test := range tests {
		if got := bypasses(test.except, test.host, 2000); got != test.want {
			t.Errorf("%q excepts %q: %v", test.except, test.host, got)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:07D0":                         "127.0.0.1:2000",
		"00000000:0035":                         "0.0.0.0:53",
		"00000000000000000000000001000000:07D0": "[::1]:2000",
		"0000000000000000FFFF00000100007F:07D0": "127.0.0.1:2000", // in IPv6
	} {
		if got, ok := parseAddress(text); !ok || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", ":", "01:07D0", "0100007F", "0100007F:zz", "local_address"} {
		if got, ok := parseAddress(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzKernel: whatever the kernel's tables and the server's metrics say, they
// are read or passed over.
func FuzzKernel(f *testing.F) {
	f.Add([]byte("   0: 0100007F:07D0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0 100 0 0 10 0\n"))
	f.Add([]byte("# TYPE a counter\na{reason=\"b\"} 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, s := range parseSockets(text) {
			if !s.address.IsValid() {
				t.Errorf("%v is no address", s.address)
			}
		}
		_, _ = parseFigures(text)
	})
}

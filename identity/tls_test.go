package identity_test

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tomotrace/tomo/identity"
	"github.com/tomotrace/tomo/internal/testkit"
)

// TestRotatedCertificate: new connections have the certificate that is in the
// files, and old versions of TLS get none.
func TestRotatedCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := identity.TLS(cert, key, identity.Options{}); err == nil || !strings.Contains(err.Error(), cert) {
		t.Errorf("without files: %v", err)
	}
	testkit.WriteCertificate(t, 1, cert, key)
	config, err := identity.TLS(cert, key, identity.Options{Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	number := func(most uint16) (int64, error) {
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: most})
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if n, err := number(version); n != 1 || err != nil {
			t.Errorf("version %x: certificate %d, %v", version, n, err)
		}
	}
	if _, err := number(tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}

	// Half of a pair is no pair.
	if err := os.WriteFile(key, []byte("soon"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if n, err := number(0); n != 1 || err != nil {
			t.Fatalf("certificate %d, %v", n, err)
		}
	}
	testkit.WriteCertificate(t, 2, cert, key)
	testkit.Until(t, "rotated", func() bool {
		n, err := number(0)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return n == 2
	})
}

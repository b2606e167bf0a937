package identity

import (
	"crypto/tls"
	"fmt"
	"sync"
)

// certificate is a certificate and its key in files, which may be replaced at
// any time.
type certificate struct {
	cert, key string
	o         Options
	watch     watch

	mu  sync.Mutex // guards what follows, and reading the files
	now *tls.Certificate
}

// TLS gives the settings of a server whose certificate, with those above it, and
// key are in PEM files. When they change new connections have the new
// certificate; a pair that does not fit leaves the old one. TLS 1.2 is the least.
func TLS(cert, key string, o Options) (*tls.Config, error) {
	o.setDefaults()
	c := &certificate{cert: cert, key: key, o: o, watch: watch{paths: []string{cert, key}, every: o.Every}}
	c.watch.changed()
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: c.get}, nil
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("reading the certificate %s and its key %s: %w", c.cert, c.key, err)
	}
	c.now = &pair
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch.due() && c.watch.changed() {
		if err := c.read(); err != nil {
			c.o.Logger.Error("the certificate stays as it was", "error", err)
		} else {
			c.o.Logger.Info("the certificate was read again", "file", c.cert)
		}
	}
	return c.now, nil
}

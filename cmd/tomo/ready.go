package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tomotrace/tomo/client"
)

type readyCmd struct {
	endpointFlag
	Wait time.Duration `help:"How long to wait for it, such as 30s." default:"0s"`
}

func (c *readyCmd) Help() string {
	return `Ends with status 0 if the server takes requests, with 1 if not. It is the health
check of the container image, and what a script waits with. It needs no
credentials.`
}

const (
	readyTime  = 5 * time.Second // for one answer
	readyEvery = 100 * time.Millisecond
)

func (c *readyCmd) Run(ctx context.Context) error {
	server := client.New(c.Endpoint)
	for deadline := time.Now().Add(c.Wait); ; {
		err := c.ask(ctx, server)
		if err == nil || ctx.Err() != nil || !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(readyEvery):
		}
	}
}

func (c *readyCmd) ask(ctx context.Context, server *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	page, err := server.Page(ctx, "/readyz")
	if err != nil {
		return err
	}
	if page.Status != http.StatusOK {
		return fmt.Errorf("%s is not ready: HTTP %d %s", c.Endpoint, page.Status, strings.TrimSpace(string(page.Body)))
	}
	return nil
}

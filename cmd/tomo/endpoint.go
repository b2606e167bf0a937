package main

import "github.com/tomotrace/tomo/client"

// endpointFlag says which server a command asks.
type endpointFlag struct {
	Endpoint string `help:"Where Tomo is." default:"http://127.0.0.1:2000" env:"TOMO_ENDPOINT"`
}

func (f *endpointFlag) client() *client.Client { return client.New(f.Endpoint) }

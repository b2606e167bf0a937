package main

import (
	"cmp"
	"os"

	"github.com/tomotrace/tomo/client"
)

// endpointFlag says which server a command asks. Who asks is said as to every
// AWS client, in the environment.
type endpointFlag struct {
	Endpoint string `help:"Where Tomo is." default:"http://127.0.0.1:2000" env:"TOMO_ENDPOINT"`
}

func (f *endpointFlag) client() *client.Client {
	return client.New(f.Endpoint).As(f.keys())
}

func (f *endpointFlag) keys() client.Keys {
	return client.Keys{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Region:          cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
	}
}

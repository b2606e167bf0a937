package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/tomotrace/tomo/keyring"
)

type keysCmd struct {
	Add  keysAddCmd  `cmd:"" help:"Make a new key and add it to the file."`
	List keysListCmd `cmd:"" help:"List the keys of the file, without their secrets."`
}

// keysFlag says where the keys are.
type keysFlag struct {
	File string `help:"File of the keys, as --encryption-keys of tomo serve." required:"" env:"TOMO_ENCRYPTION_KEYS"`
}

type keysAddCmd struct {
	keysFlag
	ID    string `name:"id" help:"Id of the key, such as that of a KMS key which it stands for; random if not given."`
	Alias string `help:"Another name for the key, with or without alias/."`
}

func (c *keysAddCmd) Run(std *streams) error {
	k, err := keyring.Add(c.File, c.ID, c.Alias, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "added key %s to %s\n", k.ID, c.File)
	return nil
}

type keysListCmd struct{ keysFlag }

func (c *keysListCmd) Run(std *streams) error {
	ring, err := keyring.Open(c.File)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tALIAS\tCREATED")
	for _, k := range ring.Keys() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.ID, k.Alias, k.Created.Format(time.RFC3339))
	}
	return w.Flush()
}

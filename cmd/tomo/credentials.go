package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tomotrace/tomo/identity"
)

type credentialsCmd struct {
	List   credentialsListCmd   `cmd:"" default:"withargs" help:"List credentials, without secrets."`
	Add    credentialsAddCmd    `cmd:"" help:"Add a credential and show its secret, this once."`
	Rotate credentialsRotateCmd `cmd:"" help:"Add a successor of a credential and let the old one end."`
	Remove credentialsRemoveCmd `cmd:"" help:"Remove credentials. They stop to work within a second."`
}

func (c *credentialsCmd) Help() string {
	return `Works on the file of the credentials itself, on the machine of the server, which
follows changes without a restart. As long as there is no such file the server
asks nobody who they are, and listens on loopback only.

With the environment variable TOMO_CREDENTIALS_KEY, 32 bytes in base64 or hex,
new secrets are sealed with it; the server needs it too.`
}

// credentialsFlags say where credentials are, to the server and to the commands
// that change them.
type credentialsFlags struct {
	Credentials        string `help:"File of credentials. By default credentials.json in the data directory." placeholder:"FILE" env:"TOMO_CREDENTIALS"`
	CredentialsKeyFile string `help:"File with the key that seals the secrets; TOMO_CREDENTIALS_KEY can hold the key itself." placeholder:"FILE" env:"TOMO_CREDENTIALS_KEY_FILE"`
}

// path is where the file is of a server with that data directory.
func (f *credentialsFlags) path(data string) string {
	return cmp.Or(f.Credentials, filepath.Join(data, "credentials.json"))
}

// file is the file of credentials of a server with that data directory.
func (f *credentialsFlags) file(data string) (*identity.File, error) {
	path := f.path(data)
	text := os.Getenv("TOMO_CREDENTIALS_KEY")
	if f.CredentialsKeyFile != "" {
		if text != "" {
			return nil, errors.New("TOMO_CREDENTIALS_KEY and a file with the key are both given: one is enough")
		}
		read, err := os.ReadFile(f.CredentialsKeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the key of the credentials: %w", err)
		}
		if text = string(read); strings.TrimSpace(text) == "" {
			return nil, fmt.Errorf("the key of the credentials: %s is empty", f.CredentialsKeyFile)
		}
	}
	if text == "" {
		return identity.NewFile(path, nil), nil
	}
	key, err := identity.ParseKey(text)
	if err != nil {
		return nil, err
	}
	return identity.NewFile(path, key), nil
}

// storedCredentials are the flags of the commands that work on the file.
type storedCredentials struct {
	credentialsFlags
	Data string `help:"Data directory of the server." default:"./tomo-data" env:"TOMO_DATA"`
}

func (c *storedCredentials) open() (*identity.File, error) { return c.file(c.Data) }

type credentialsListCmd struct {
	storedCredentials
	JSON bool `name:"json" help:"Write JSON."`
}

func (c *credentialsListCmd) Run(std *streams) error {
	file, err := c.open()
	if err != nil {
		return err
	}
	list, err := file.List()
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, list)
	}
	now := time.Now()
	t := table{{"ACCESS KEY", "NAME", "TENANT", "ACTIONS", "CREATED", "EXPIRES"}}
	for i := range list {
		is := &list[i]
		expires := "never"
		switch {
		case is.Expired(now):
			expires = "expired"
		case !is.Expires.IsZero():
			expires = is.Expires.Format(time.RFC3339)
		}
		t.add(printable(is.AccessKeyID), is.Name, is.Tenant, printable(strings.Join(is.Actions, ",")), is.Created.Format(time.DateOnly), expires)
	}
	return t.write(std.out)
}

type credentialsAddCmd struct {
	storedCredentials
	Name    string        `help:"Name for people, also in the ARN. By default the access key."`
	Tenant  string        `help:"Whose traces it is about. Each tenant has data and settings of its own." default:"default"`
	Actions []string      `help:"What it allows: roles (read, write, admin) or actions such as xray:PutTraceSegments or xray:Get*." default:"read,write"`
	Expires time.Duration `help:"How long it works, such as 12h or 90d. It has a session token then. By default for ever."`
	JSON    bool          `name:"json" help:"Write JSON, as AWS clients read it from a credential_process."`
}

func (c *credentialsAddCmd) Run(std *streams) error {
	file, err := c.open()
	if err != nil {
		return err
	}
	before, err := file.Exists()
	if err != nil {
		return err
	}
	issued, err := file.Add(identity.Wish{Name: c.Name, Tenant: c.Tenant, Actions: c.Actions, Lifetime: c.Expires}, time.Now())
	if err != nil {
		return err
	}
	if err := show(std, issued, c.JSON); err != nil {
		return err
	}
	if !before {
		fmt.Fprintf(std.err, "tomo: %s is new: from now on the server asks everybody for credentials\n", file.Path())
	}
	return nil
}

type credentialsRotateCmd struct {
	storedCredentials
	AccessKey string        `arg:"" help:"The access key to replace."`
	Overlap   time.Duration `help:"How long the old one still works." default:"24h"`
	JSON      bool          `name:"json" help:"Write JSON, as AWS clients read it from a credential_process."`
}

func (c *credentialsRotateCmd) Run(std *streams) error {
	file, err := c.open()
	if err != nil {
		return err
	}
	issued, err := file.Rotate(c.AccessKey, c.Overlap, time.Now())
	if err != nil {
		return err
	}
	return show(std, issued, c.JSON)
}

type credentialsRemoveCmd struct {
	storedCredentials
	AccessKeys []string `arg:"" name:"access-key" help:"The access keys to remove."`
}

func (c *credentialsRemoveCmd) Run() error {
	file, err := c.open()
	if err != nil {
		return err
	}
	return file.Remove(c.AccessKeys, time.Now())
}

// show tells a secret, in words that a shell understands too.
func show(std *streams, is *identity.Issued, asJSON bool) error {
	if asJSON {
		answer := struct {
			Version         int
			AccessKeyID     string `json:"AccessKeyId"`
			SecretAccessKey string
			SessionToken    string    `json:",omitempty"`
			Expiration      time.Time `json:",omitzero"`
		}{1, is.AccessKeyID, is.SecretAccessKey, is.SessionToken, is.Expires}
		return writeJSON(std.out, &answer)
	}
	until := ""
	if !is.Expires.IsZero() {
		until = ", until " + is.Expires.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(std.out, `# %s of the tenant %s may %s%s. The secret is shown this once.
export AWS_ACCESS_KEY_ID=%s
export AWS_SECRET_ACCESS_KEY=%s
`, is.Name, is.Tenant, strings.Join(is.Actions, ", "), until, is.AccessKeyID, is.SecretAccessKey)
	if err == nil && is.SessionToken != "" {
		_, err = fmt.Fprintf(std.out, "export AWS_SESSION_TOKEN=%s\n", is.SessionToken)
	}
	return err
}

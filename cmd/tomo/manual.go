package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// manualCmd is for packages: it writes down what the command line itself knows.
type manualCmd struct{}

func (c *manualCmd) Run(ctx context.Context, std *streams) error {
	parser, err := newParser(&commands{}, ctx, std)
	if err != nil {
		return err
	}
	_, err = std.out.Write(manual(parser.Model))
	return err
}

// commandFlag is a flag of a command, as the manual and the completions tell of it.
type commandFlag struct {
	name, short string
	value       string // what stands for the value; "" if it takes none
	help        string
	variables   []string
}

// ownCommandLine is a command that reads its command line itself, so that the
// parser knows nothing of its flags.
type ownCommandLine interface{ flags() []commandFlag }

// arguments are what a command takes. Everything that is written down of a command
// line asks here.
func arguments(n *kong.Node) (positional []*kong.Positional, flags []commandFlag) {
	if n.Target.IsValid() && n.Target.CanAddr() {
		if own, ok := n.Target.Addr().Interface().(ownCommandLine); ok {
			return nil, own.flags()
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			flag := commandFlag{name: f.Name, help: f.Help, variables: f.Envs}
			if f.Short != 0 {
				flag.short = string(f.Short)
			}
			if !f.IsBool() {
				flag.value = f.FormatPlaceHolder()
			}
			flags = append(flags, flag)
		}
	}
	return n.Positional, flags
}

// helpFlag is the flag that every command has.
const helpFlag = "help"

// manual is the page tomo(1), in the man macros of roff.
func manual(app *kong.Application) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH TOMO 1 \"\" \"tomo %s\"\n.ad l\n.nh\n.SH NAME\ntomo \\- %s\n", roff(versionText()), roff(strings.TrimSuffix(strings.TrimPrefix(app.Help, "A "), ".")))
	b.WriteString(".SH SYNOPSIS\n.B tomo\n.I command\n[\\fIoptions\\fR]\n.SH OPTIONS\n")
	b.WriteString(".TP\n\\fB\\-\\-" + helpFlag + "\\fR, \\fB\\-h\\fR\nShow what a command takes.\n.SH COMMANDS\n")
	for _, n := range app.Leaves(true) {
		fmt.Fprintf(&b, ".SS %s\n%s\n", roff(n.Path()), roff(n.Help))
		if n.Detail != "" {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(n.Detail))
		}
		positional, flags := arguments(n)
		for _, p := range positional {
			fmt.Fprintf(&b, ".TP\n\\fI%s\\fR\n%s\n", roff(p.Summary()), roff(p.Help))
		}
		for _, f := range flags {
			if f.name == helpFlag {
				continue // every command has it
			}
			fmt.Fprintf(&b, ".TP\n\\fB\\-\\-%s\\fR", roff(f.name))
			if f.short != "" {
				fmt.Fprintf(&b, ", \\fB\\-%s\\fR", f.short)
			}
			if f.value != "" {
				fmt.Fprintf(&b, " \\fI%s\\fR", roff(f.value))
			}
			help := []string{f.help}
			if len(f.variables) > 0 {
				help = append(help, "Variable: "+strings.Join(f.variables, ", ")+".")
			}
			fmt.Fprintf(&b, "\n%s\n", breakable(roff(strings.Join(help, " "))))
		}
	}
	b.WriteString(`.SH EXIT STATUS
0 if all was well, 1 if not, 2 if the command line could not be understood.
.SH ENVIRONMENT
.TP
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION
Who asks, where a server wants to know.
.TP
GOMEMLIMIT
The memory that a server keeps itself to, 400MiB by default.
.TP
NO_COLOR
Write no colours.
`)
	return b.Bytes()
}

// breakable lets lines end behind commas in lists that have no spaces.
func breakable(text string) string { return strings.ReplaceAll(text, ",", `,\:`) }

// roff writes a text so that roff takes none of it for its own.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n\n", "\n.PP\n").Replace(strings.TrimSpace(text))
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != ".PP" && (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

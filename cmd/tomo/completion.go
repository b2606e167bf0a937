package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh" help:"bash or zsh."`
}

func (c *completionCmd) Help() string {
	return `For bash: source <(tomo completion bash). For zsh, behind compinit:
source <(tomo completion zsh).`
}

func (c *completionCmd) Run(ctx context.Context, std *streams) error {
	parser, err := newParser(&commands{}, ctx, std)
	if err != nil {
		return err
	}
	script := completion(parser.Model)
	if c.Shell == "zsh" {
		script = "autoload -U +X bashcompinit && bashcompinit\n" + script
	}
	_, err = fmt.Fprint(std.out, script)
	return err
}

// completion is a script for bash: a table of what may follow each command, and
// the function that reads it. Where nothing is known files are offered.
func completion(app *kong.Application) string {
	var cases strings.Builder
	var visit func(n *kong.Node, path string)
	visit = func(n *kong.Node, path string) {
		var words []string
		for _, child := range n.Children {
			if !child.Hidden {
				words = append(words, child.Name)
				visit(child, strings.TrimSpace(path+" "+child.Name))
			}
		}
		_, flags := arguments(n)
		for _, f := range flags {
			words = append(words, "--"+f.name)
		}
		slices.Sort(words)
		fmt.Fprintf(&cases, "\t\t%q) words=%q ;;\n", path, strings.Join(slices.Compact(words), " "))
	}
	visit(app.Node, "")
	return `_tomo() {
	local current=${COMP_WORDS[COMP_CWORD]} path= words= word
	_tomo_words() {
		words=
		case $1 in
` + cases.String() + `		esac
	}
	_tomo_words ""
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case " $words " in
		*" $word "*) [[ $word == -* ]] || { path="${path:+$path }$word"; _tomo_words "$path"; } ;;
		esac
	done
	COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _tomo tomo
`
}

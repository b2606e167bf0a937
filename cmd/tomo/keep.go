package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
)

type keepCmd struct {
	List    keepListCmd    `cmd:"" default:"withargs" help:"List the keep rules and what they decided."`
	Add     keepAddCmd     `cmd:"" help:"Add a rule."`
	Update  keepUpdateCmd  `cmd:"" help:"Change the filter, the rate or the name of a rule."`
	Move    keepMoveCmd    `cmd:"" help:"Move a rule to another place."`
	Delete  keepDeleteCmd  `cmd:"" help:"Delete a rule."`
	Replace keepReplaceCmd `cmd:"" help:"Replace all rules by those of a file."`
	Test    keepTestCmd    `cmd:"" help:"Say which rule would decide about a trace."`
	Preview keepPreviewCmd `cmd:"" help:"Say what rules would have kept of the traces of a time."`
}

func (c *keepCmd) Help() string {
	return `When a trace settles, the first rule that it matches decides whether it is kept
whole. A trace that matches none is kept. What is dropped was counted before:
graphs, series and the figures of groups have it.`
}

// rate is a number from 0 to 1, which can also be written in percent.
type rate float64

// UnmarshalText reads 0.05 and 5%.
func (r *rate) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return fmt.Errorf("%q is not a share: a number from 0 to 1, or a percentage such as 5%%", text)
	}
	*r = rate(n)
	return nil
}

func (r rate) String() string { return strconv.FormatFloat(100*float64(r), 'g', 6, 64) + " %" }

// changeRules reads the rules, lets change make others of them, and writes those.
// If somebody else was faster it begins anew, after a moment that is seldom the
// same for two.
func changeRules(ctx context.Context, at *endpointFlag, change func([]api.KeepRule) ([]api.KeepRule, error)) error {
	const tries, pause = 20, 20 * time.Millisecond
	for try := 1; ; try++ {
		rules, err := at.client().KeepRules(ctx)
		if err != nil {
			return err
		}
		if rules.Rules, err = change(rules.Rules); err != nil {
			return err
		}
		_, err = at.client().SetKeepRules(ctx, rules)
		var refused *api.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusConflict || try == tries {
			return err
		}
		select {
		case <-time.After(rand.N(time.Duration(try) * pause)):
		case <-ctx.Done():
			return err
		}
	}
}

// ruleNamed finds a rule.
func ruleNamed(rules []api.KeepRule, name string) (int, error) {
	i := slices.IndexFunc(rules, func(r api.KeepRule) bool { return r.Name == name })
	if i < 0 {
		return 0, fmt.Errorf("there is no keep rule %q", name)
	}
	return i, nil
}

type keepListCmd struct {
	endpointFlag
	JSON bool `name:"json" help:"Write the rules as JSON, as replace reads them."`
}

func (c *keepListCmd) Run(ctx context.Context, std *streams) error {
	rules, err := c.client().KeepRules(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, rules)
	}
	if len(rules.Rules) == 0 {
		fmt.Fprintln(std.out, "No keep rules: every trace is kept.")
		return nil
	}
	t := table{{"", "RULE", right("RATE"), right("KEPT"), right("DROPPED"), "FILTER"}}
	for i, r := range rules.Rules {
		t.add(fmt.Sprint(i+1), printable(r.Name), keepRate(r.Rate), fmt.Sprint(r.Kept), fmt.Sprint(r.Dropped), filterText(r.Filter))
	}
	t.add("", "(none)", rate(1).String(), fmt.Sprint(rules.Unmatched), "0", "(no rule matched)")
	return t.write(std.out)
}

func keepRate(share *float64) string {
	if share == nil {
		return "?"
	}
	return rate(*share).String()
}

type keepAddCmd struct {
	Name   string `arg:"" help:"Name of the rule."`
	Filter string `arg:"" optional:"" help:"Filter expression of the traces it decides about; without it every trace that comes to it."`
	Rate   rate   `required:"" help:"What share of them is kept: from 0 to 1, or in percent."`
	At     *int   `help:"Its place, from 1; the last if it is left out." placeholder:"PLACE"`
	endpointFlag
}

func (c *keepAddCmd) Run(ctx context.Context) error {
	return changeRules(ctx, &c.endpointFlag, func(rules []api.KeepRule) ([]api.KeepRule, error) {
		place := len(rules) + 1
		if c.At != nil {
			place = *c.At
		}
		return insertRule(rules, place, api.KeepRule{Name: c.Name, Filter: c.Filter, Rate: (*float64)(&c.Rate)})
	})
}

func insertRule(rules []api.KeepRule, place int, r api.KeepRule) ([]api.KeepRule, error) {
	if place < 1 || place > len(rules)+1 {
		return nil, fmt.Errorf("there is no place %d; it goes from 1 to %d", place, len(rules)+1)
	}
	return slices.Insert(rules, place-1, r), nil
}

type keepUpdateCmd struct {
	Name   string  `arg:"" help:"Name of the rule."`
	Filter *string `arg:"" optional:"" help:"Filter expression; without it the filter stays."`
	Rate   *rate   `help:"What share is kept: from 0 to 1, or in percent."`
	Rename string  `help:"Another name." placeholder:"NAME"`
	endpointFlag
}

func (c *keepUpdateCmd) Run(ctx context.Context) error {
	if c.Filter == nil && c.Rate == nil && c.Rename == "" {
		return errors.New("nothing to change: give a filter, --rate or --rename")
	}
	return changeRules(ctx, &c.endpointFlag, func(rules []api.KeepRule) ([]api.KeepRule, error) {
		i, err := ruleNamed(rules, c.Name)
		if err != nil {
			return nil, err
		}
		if c.Filter != nil {
			rules[i].Filter = *c.Filter
		}
		if c.Rate != nil {
			rules[i].Rate = (*float64)(c.Rate)
		}
		if c.Rename != "" {
			rules[i].Name = c.Rename
		}
		return rules, nil
	})
}

type keepMoveCmd struct {
	Name  string `arg:"" help:"Name of the rule."`
	Place int    `arg:"" help:"Its new place, from 1."`
	endpointFlag
}

func (c *keepMoveCmd) Run(ctx context.Context) error {
	return changeRules(ctx, &c.endpointFlag, func(rules []api.KeepRule) ([]api.KeepRule, error) {
		i, err := ruleNamed(rules, c.Name)
		if err != nil {
			return nil, err
		}
		rule := rules[i]
		return insertRule(slices.Delete(rules, i, i+1), c.Place, rule)
	})
}

type keepDeleteCmd struct {
	Name string `arg:"" help:"Name of the rule."`
	endpointFlag
}

func (c *keepDeleteCmd) Run(ctx context.Context) error {
	return changeRules(ctx, &c.endpointFlag, func(rules []api.KeepRule) ([]api.KeepRule, error) {
		i, err := ruleNamed(rules, c.Name)
		if err != nil {
			return nil, err
		}
		return slices.Delete(rules, i, i+1), nil
	})
}

// readRules reads a file of rules, or standard input.
func readRules(name string, std *streams) ([]api.KeepRule, error) {
	in, from := std.in, "standard input"
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading rules: %w", err)
		}
		defer file.Close()
		in, from = file, name
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	// What keep list --json writes, or the list of the rules alone.
	var rules api.KeepRules
	if trimmed := strings.TrimSpace(string(text)); strings.HasPrefix(trimmed, "[") {
		text = []byte(`{"Rules":` + trimmed + `}`)
	}
	if err := api.DecodePage(text, &rules); err != nil {
		return nil, fmt.Errorf("the rules of %s: %w", from, err)
	}
	if rules.Rules == nil { // not that there shall be none
		return nil, fmt.Errorf("the rules of %s: there is no list of Rules; one without rules is []", from)
	}
	return rules.Rules, nil
}

type keepReplaceCmd struct {
	File string `arg:"" help:"File of rules as list --json writes them, or the list alone; - is standard input."`
	endpointFlag
}

func (c *keepReplaceCmd) Run(ctx context.Context, std *streams) error {
	after, err := readRules(c.File, std)
	if err != nil {
		return err
	}
	return changeRules(ctx, &c.endpointFlag, func([]api.KeepRule) ([]api.KeepRule, error) { return after, nil })
}

type keepTestCmd struct {
	ID string `arg:"" help:"Id of a trace that is held, as X-Ray or W3C write it."`
	endpointFlag
	JSON bool `name:"json" help:"Write the answer as JSON."`
}

func (c *keepTestCmd) Run(ctx context.Context, std *streams) error {
	d, err := c.client().TestKeepRules(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, d)
	}
	outcome := "dropped after it was counted"
	if d.Kept {
		outcome = "kept"
	}
	switch {
	case d.Rule == nil:
		fmt.Fprintln(std.out, "No rule matches: it is kept.")
	case d.Unread:
		fmt.Fprintf(std.out, "It comes to rule %s, whose filter cannot be read: it is kept.\n", printable(*d.Rule))
	default:
		fmt.Fprintf(std.out, "Rule %s, which keeps %s, decides: it is %s.\n", printable(*d.Rule), keepRate(d.Rate), outcome)
	}
	return nil
}

type keepPreviewCmd struct {
	File string `arg:"" optional:"" help:"File of other rules, as for replace; without it those in force."`
	windowFlags
	endpointFlag
	JSON bool `name:"json" help:"Write the answer as JSON."`
}

func (c *keepPreviewCmd) Help() string {
	return `Asks the traces that are held, the newest 10,000 at most. What rules have dropped
already is not among them.`
}

func (c *keepPreviewCmd) Run(ctx context.Context, std *streams) error {
	from, to, err := c.window(time.Now())
	if err != nil {
		return err
	}
	request := api.KeepPreview{StartTime: &from, EndTime: &to}
	if c.File != "" {
		if request.Rules, err = readRules(c.File, std); err != nil {
			return err
		}
	}
	f, err := c.client().PreviewKeepRules(ctx, &request)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, f)
	}
	return writeForecast(std.out, f)
}

func writeForecast(w io.Writer, f *api.KeepForecast) error {
	if f.Traces == 0 {
		fmt.Fprintln(w, "No traces in this time.")
		return nil
	}
	t := table{{"RULE", right("KEPT"), right("DROPPED")}}
	for _, r := range f.Rules {
		t.add(printable(r.Name), fmt.Sprint(r.Kept), fmt.Sprint(r.Dropped))
	}
	t.add("(none)", fmt.Sprint(f.Unmatched), "0")
	if err := t.write(w); err != nil {
		return err
	}
	of := plural(int(f.Traces), "trace")
	if !f.Complete {
		of = "the newest " + of
	}
	_, err := fmt.Fprintf(w, "%d of %s would be kept: %s.\n", f.Kept, of, percent(float64(f.Kept)/float64(f.Traces)))
	return err
}

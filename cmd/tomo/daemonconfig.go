package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// daemonConfig is what X-Ray's daemon can be told, and a little more. Flags win
// over the file, the file over defaults. Environment variables that stand for a
// value are asked where it is used, after both.
type daemonConfig struct {
	ResourceARN  string
	LocalMode    bool
	BufferMB     int // 0: a hundredth of the memory
	Concurrency  int
	Region       string
	UDP, TCP     string
	RoleARN      string
	LogPath      string
	LogLevel     string
	LogRotation  bool
	ProxyAddress string
	NoVerifySSL  bool
	Endpoints    []string // each gets everything; the first is asked for sampling rules

	SpoolDir    string
	SpoolSizeMB int
	Admin       string
	Unix        string
}

// daemonFile is the configuration file of X-Ray's daemon, version 2.
type daemonFile struct {
	TotalBufferSizeMB int    `yaml:"TotalBufferSizeMB"`
	Concurrency       int    `yaml:"Concurrency"`
	Endpoint          string `yaml:"Endpoint"`
	Region            string `yaml:"Region"`
	Socket            struct {
		UDPAddress string `yaml:"UDPAddress"`
		TCPAddress string `yaml:"TCPAddress"`
	} `yaml:"Socket"`
	Logging struct {
		LogRotation *bool  `yaml:"LogRotation"`
		LogLevel    string `yaml:"LogLevel"`
		LogPath     string `yaml:"LogPath"`
	} `yaml:"Logging"`
	LocalMode    bool   `yaml:"LocalMode"`
	ResourceARN  string `yaml:"ResourceARN"`
	RoleARN      string `yaml:"RoleARN"`
	NoVerifySSL  bool   `yaml:"NoVerifySSL"`
	ProxyAddress string `yaml:"ProxyAddress"`
	Version      int    `yaml:"Version"`

	// Tomo is what X-Ray's daemon does not have.
	Tomo struct {
		Endpoints    []string `yaml:"Endpoints"`
		SpoolDir     string   `yaml:"SpoolDir"`
		SpoolSizeMB  int      `yaml:"SpoolSizeMB"`
		AdminAddress string   `yaml:"AdminAddress"`
		UnixSocket   string   `yaml:"UnixSocket"`
	} `yaml:"Tomo"`
}

// daemonKeys are the keys that a file may have.
var daemonKeys = strings.Fields(`TotalBufferSizeMB Concurrency Endpoint Region Socket.UDPAddress Socket.TCPAddress
	Logging.LogRotation Logging.LogLevel Logging.LogPath LocalMode ResourceARN RoleARN NoVerifySSL ProxyAddress Version
	Tomo.Endpoints Tomo.SpoolDir Tomo.SpoolSizeMB Tomo.AdminAddress Tomo.UnixSocket`)

// Keys of the format before 1.0, and those that were given up since.
var (
	daemonOldKeys  = []string{"LogRotation", "Processor.Region", "Processor.Endpoint", "Processor.Routine", "MemoryLimit"}
	daemonGoneKeys = []string{"Profile.CPU", "Profile.Memory", "Socket.BufferSizeKB", "Logging.LogFormat", "Processor.BatchProcessorQueueSize"}
)

// daemonPlaces are where a file is looked for if none is named.
var daemonPlaces = []string{"/etc/amazon/xray/cfg.yaml", "cfg.yaml", "github.com/aws/aws-xray-daemon/pkg/cfg.yaml"}

const (
	daemonAddress     = "127.0.0.1:2000"
	daemonConcurrency = 8
	daemonSpoolMB     = 1024
	daemonLeastMB     = 3
	daemonMigrate     = "Use X-Ray Daemon Config Migration Script"
)

// flagNames are the flags in the order of the help, short and long.
var flagNames = [][2]string{
	{"a", "resource-arn"}, {"o", "local-mode"}, {"m", "buffer-memory"}, {"n", "region"}, {"b", "bind"}, {"t", "bind-tcp"},
	{"r", "role-arn"}, {"c", "config"}, {"f", "log-file"}, {"l", "log-level"}, {"p", "proxy-address"}, {"v", "version"}, {"h", "help"},
	{"", "endpoint"}, {"", "spool-dir"}, {"", "spool-size"}, {"", "admin"}, {"", "bind-unix"},
}

// daemonFlags are the command line.
type daemonFlags struct {
	set           *flag.FlagSet
	value         daemonConfig
	config        string
	version, help bool
}

func newDaemonFlags() *daemonFlags {
	f := &daemonFlags{set: flag.NewFlagSet("X-Ray", flag.ContinueOnError)}
	v, s := &f.value, f.set
	text := func(to *string, short, long, fallback, usage string) {
		s.StringVar(to, short, fallback, usage)
		s.StringVar(to, long, fallback, usage)
	}
	truth := func(to *bool, short, long, usage string) {
		s.BoolVar(to, short, false, usage)
		s.BoolVar(to, long, false, usage)
	}
	text(&v.ResourceARN, "a", "resource-arn", "", "Amazon Resource Name (ARN) of the AWS resource running the daemon.")
	truth(&v.LocalMode, "o", "local-mode", "Don't check for EC2 instance metadata.")
	s.IntVar(&v.BufferMB, "m", 0, "Change the amount of memory in MB that buffers can use (minimum 3); 0 is a hundredth of the memory.")
	s.IntVar(&v.BufferMB, "buffer-memory", 0, s.Lookup("m").Usage)
	text(&v.Region, "n", "region", "", "Send segments to X-Ray service in a specific region.")
	text(&v.UDP, "b", "bind", daemonAddress, "Overrides default UDP address ("+daemonAddress+").")
	text(&v.TCP, "t", "bind-tcp", daemonAddress, "Overrides default TCP address ("+daemonAddress+").")
	text(&v.RoleARN, "r", "role-arn", "", "Assume the specified IAM role to upload segments to a different account.")
	text(&f.config, "c", "config", "", "Load a configuration file from the specified path.")
	text(&v.LogPath, "f", "log-file", "", "Output logs to the specified file path.")
	text(&v.LogLevel, "l", "log-level", "prod", "Log level, from most verbose to least: dev, debug, info, prod (as info), warn, error.")
	text(&v.ProxyAddress, "p", "proxy-address", "", "Proxy address through which to upload segments.")
	truth(&f.version, "v", "version", "Show AWS X-Ray daemon version.")
	truth(&f.help, "h", "help", "Show this screen")
	s.Func("endpoint", "URL to send to, of X-Ray or of Tomo. May be given several times: each gets everything.", func(url string) error {
		v.Endpoints = append(v.Endpoints, url)
		return nil
	})
	s.StringVar(&v.SpoolDir, "spool-dir", "", "Directory for segments that cannot be sent for now. By default they wait in memory alone.")
	s.IntVar(&v.SpoolSizeMB, "spool-size", daemonSpoolMB, "Size in MB that the spool may have, for each endpoint.")
	s.StringVar(&v.Admin, "admin", "", "Address for GET /healthz and /metrics. By default there is none.")
	s.StringVar(&v.Unix, "bind-unix", "", "Path of a Unix datagram socket that takes segments too.")
	s.SetOutput(io.Discard)
	return f
}

// usage prints what flags there are.
func (f *daemonFlags) usage(w io.Writer) {
	fmt.Fprintln(w, "Usage: X-Ray [options]")
	fmt.Fprintln(w)
	for _, names := range flagNames {
		short := "  "
		if names[0] != "" {
			short = "-" + names[0]
		}
		fmt.Fprintf(w, "\t%s\t--%-16s%s\n", short, names[1], f.set.Lookup(names[1]).Usage)
	}
}

// parse reads the command line and the file, and puts them together.
func (f *daemonFlags) parse(args []string) (*daemonConfig, error) {
	if err := f.set.Parse(args); err != nil {
		return nil, err
	}
	c := &daemonConfig{
		UDP: daemonAddress, TCP: daemonAddress, LogLevel: "prod", LogRotation: true,
		Concurrency: daemonConcurrency, SpoolSizeMB: daemonSpoolMB,
	}
	if f.version || f.help {
		return c, nil
	}
	v := &f.value
	if err := c.load(f.config); err != nil {
		c.LogPath = v.LogPath // which hears of it too
		return c, err
	}
	f.set.Visit(func(given *flag.Flag) {
		switch given.Name {
		case "a", "resource-arn":
			c.ResourceARN = cmp.Or(v.ResourceARN, c.ResourceARN)
		case "o", "local-mode":
			c.LocalMode = v.LocalMode
		case "m", "buffer-memory":
			c.BufferMB = cmp.Or(v.BufferMB, c.BufferMB)
		case "n", "region":
			c.Region = cmp.Or(v.Region, c.Region)
		case "b", "bind":
			c.UDP = cmp.Or(v.UDP, c.UDP)
		case "t", "bind-tcp":
			c.TCP = cmp.Or(v.TCP, c.TCP)
		case "r", "role-arn":
			c.RoleARN = cmp.Or(v.RoleARN, c.RoleARN)
		case "f", "log-file":
			c.LogPath = cmp.Or(v.LogPath, c.LogPath)
		case "l", "log-level":
			if _, known := daemonLevels[v.LogLevel]; known {
				c.LogLevel = v.LogLevel
			}
		case "p", "proxy-address":
			c.ProxyAddress = cmp.Or(v.ProxyAddress, c.ProxyAddress)
		case "endpoint":
			c.Endpoints = v.Endpoints
		case "spool-dir":
			c.SpoolDir = cmp.Or(v.SpoolDir, c.SpoolDir)
		case "spool-size":
			c.SpoolSizeMB = cmp.Or(v.SpoolSizeMB, c.SpoolSizeMB)
		case "admin":
			c.Admin = cmp.Or(v.Admin, c.Admin)
		case "bind-unix":
			c.Unix = cmp.Or(v.Unix, c.Unix)
		}
	})
	return c, c.check()
}

// load reads the file that was named, or else the first that is found. The
// former is checked strictly, as X-Ray's daemon does.
func (c *daemonConfig) load(named string) error {
	path := named
	if path == "" {
		i := slices.IndexFunc(daemonPlaces, func(p string) bool { _, err := os.Stat(p); return err == nil })
		if i < 0 {
			return nil
		}
		path = daemonPlaces[i]
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return inItsWords("Error occur when using config flag: %w", err)
	}
	if named != "" {
		if err := checkDaemonKeys(text); err != nil {
			return err
		}
	}
	var file daemonFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return inItsWords("Error occur when using config flag: %w", err)
	}
	if file.Version != 1 && file.Version != 2 {
		return inItsWords("Config Version Setting is not correct. Use 1 or 2 as Config Version")
	}
	endpoints := file.Tomo.Endpoints
	if file.Endpoint != "" {
		endpoints = append([]string{file.Endpoint}, endpoints...)
	}
	*c = daemonConfig{
		ResourceARN: file.ResourceARN, LocalMode: file.LocalMode, BufferMB: file.TotalBufferSizeMB,
		Concurrency: cmp.Or(file.Concurrency, c.Concurrency), Region: file.Region,
		UDP: cmp.Or(file.Socket.UDPAddress, c.UDP), TCP: cmp.Or(file.Socket.TCPAddress, c.TCP), RoleARN: file.RoleARN,
		LogPath: file.Logging.LogPath, LogLevel: c.LogLevel, LogRotation: c.LogRotation,
		ProxyAddress: file.ProxyAddress, NoVerifySSL: file.NoVerifySSL, Endpoints: endpoints,
		SpoolDir: file.Tomo.SpoolDir, SpoolSizeMB: cmp.Or(file.Tomo.SpoolSizeMB, c.SpoolSizeMB), Admin: file.Tomo.AdminAddress, Unix: file.Tomo.UnixSocket,
	}
	if file.Logging.LogRotation != nil {
		c.LogRotation = *file.Logging.LogRotation
	}
	if _, known := daemonLevels[file.Logging.LogLevel]; known {
		c.LogLevel = file.Logging.LogLevel
	}
	return nil
}

// checkDaemonKeys refuses keys that are not known, by name.
func checkDaemonKeys(text []byte) error {
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		return inItsWords("Error occur when using config flag: %w", err)
	}
	if _, ok := file["Version"]; !ok {
		return inItsWords("Config Version is missing. " + daemonMigrate)
	}
	var keys []string
	for key, value := range file {
		if inner, ok := value.(map[string]any); ok {
			for name := range inner {
				keys = append(keys, key+"."+name)
			}
		} else if value != nil || slices.Contains(daemonKeys, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		switch {
		case slices.Contains(daemonOldKeys, key):
			return inItsWords("%s flag is not supported. %s", key, daemonMigrate)
		case slices.Contains(daemonGoneKeys, key):
			return inItsWords("%s flag is not supported any more.", key)
		case !slices.Contains(daemonKeys, key):
			return inItsWords("%s flag is invalid.", key)
		}
	}
	return nil
}

// inItsWords is an error in the words of X-Ray's daemon, which people look for.
func inItsWords(format string, args ...any) error { return fmt.Errorf(format, args...) }

// check refuses values that cannot be meant.
func (c *daemonConfig) check() error {
	if c.BufferMB != 0 && c.BufferMB < daemonLeastMB {
		return inItsWords("Not enough Buffers Memory Allocated. Min Buffers Memory required: %d MB.", daemonLeastMB)
	}
	if c.Concurrency < 1 {
		return fmt.Errorf("the concurrency is %d; there has to be one upload at a time at least", c.Concurrency)
	}
	if c.SpoolSizeMB < 1 {
		return fmt.Errorf("the spool's size is %d MB; 1 is the least", c.SpoolSizeMB)
	}
	for _, e := range c.Endpoints {
		if err := checkEndpoint(e); err != nil {
			return err
		}
	}
	return nil
}

func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the endpoint %q is not a URL such as https://xray.eu-west-1.amazonaws.com", text)
	}
	return nil
}

// trace is below debug: what -l dev shows.
const trace = slog.LevelDebug - 4

var daemonLevels = map[string]slog.Level{
	"dev": trace, "debug": slog.LevelDebug, "info": slog.LevelInfo, "prod": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

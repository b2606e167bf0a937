package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkEnvironment looks at the variables that X-Ray SDKs, AWS clients and
// OpenTelemetry read.
func (e *examination) checkEnvironment(ctx context.Context) {
	before := len(e.report.Findings)
	if e.endpoint != nil {
		e.checkSDK()
		e.checkClients()
		e.checkProxy()
		e.checkOpenTelemetry(ctx)
	}
	if len(e.report.Findings) == before {
		e.ok("environment", "The variables of X-Ray SDKs, AWS clients and OpenTelemetry do not speak against it.")
	}
}

// parseDaemonAddress reads AWS_XRAY_DAEMON_ADDRESS as X-Ray SDKs do: host:port
// for both, or udp:host:port and tcp:host:port in any order. They split at
// colons, so that an IPv6 address cannot be said.
func parseDaemonAddress(text string) (udp, tcp string, err error) {
	words := strings.Fields(text)
	for _, word := range words {
		part := strings.Split(word, ":")
		to := []*string{&udp, &tcp}
		switch {
		case len(words) == 1 && len(part) == 2:
		case len(words) == 2 && len(part) == 3 && part[0] == "udp":
			to = to[:1]
		case len(words) == 2 && len(part) == 3 && part[0] == "tcp":
			to = to[1:]
		default:
			return "", "", fmt.Errorf("%q is neither host:port nor udp:host:port tcp:host:port", text)
		}
		host, port := part[len(part)-2], part[len(part)-1]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", "", fmt.Errorf("%q is not a port", port)
		}
		if host == "" {
			return "", "", fmt.Errorf("%q has no host", word)
		}
		for _, address := range to {
			if *address != "" {
				return "", "", fmt.Errorf("%q says twice where datagrams or requests go", text)
			}
			*address = net.JoinHostPort(host, port)
		}
	}
	if udp == "" || tcp == "" {
		return "", "", fmt.Errorf("%q does not say where both datagrams and requests go", text)
	}
	return udp, tcp, nil
}

// checkSDK looks at the variables of the X-Ray SDKs.
func (e *examination) checkSDK() {
	const daemon = "AWS_XRAY_DAEMON_ADDRESS"
	if text, set := e.env[daemon]; set && strings.TrimSpace(text) != "" {
		_, tcp, err := parseDaemonAddress(strings.TrimSpace(text))
		switch {
		case err != nil:
			e.fail(daemon, "Set it to host:port, such as 127.0.0.1:2000, without a scheme and brackets.", "X-Ray SDKs cannot read it, and some end the program: %v.", err)
		case !e.same(tcp):
			host, _, _ := net.SplitHostPort(tcp)
			if _, err := net.LookupIP(host); err != nil {
				e.fail(daemon, "Correct the name, or make it known to the resolver; some SDKs end the program otherwise.", "The name %s is not known.", host)
				break
			}
			if _, there := e.found("datagrams", OK); there {
				e.ok(daemon, "It names %s, from where datagrams come to the server.", tcp)
				break
			}
			e.warn(daemon, fmt.Sprintf("Set it to %s, or run a daemon there that sends to this server.", e.hostPort()), "X-Ray SDKs send to %s, and the server is at %s.", tcp, e.hostPort())
		}
	}
	for _, is := range [][2]string{{"AWS_XRAY_SDK_ENABLED", "false"}, {"AWS_XRAY_SDK_DISABLED", "true"}} {
		name, off := is[0], is[1]
		if strings.EqualFold(strings.TrimSpace(e.env[name]), off) {
			e.warn(name, "Unset it.", "It is %s: X-Ray SDKs send nothing.", e.env[name])
		}
	}
	if text := e.env["AWS_XRAY_CONTEXT_MISSING"]; text != "" && !slices.Contains([]string{"LOG_ERROR", "RUNTIME_ERROR", "IGNORE_ERROR"}, text) {
		e.warn("AWS_XRAY_CONTEXT_MISSING", "Set it to LOG_ERROR, RUNTIME_ERROR or IGNORE_ERROR, or unset it.", "No SDK knows %q.", text)
	}
}

// found is the finding of a check with a verdict.
func (e *examination) found(check string, v Verdict) (Finding, bool) {
	for _, f := range e.report.Findings {
		if f.Check == check && f.Verdict == v {
			return f, true
		}
	}
	return Finding{}, false
}

// same reports whether an address leads to the endpoint: the same port of an
// address that the endpoint has too.
func (e *examination) same(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != strconv.Itoa(e.port()) {
		return false
	}
	if strings.EqualFold(host, e.endpoint.Hostname()) {
		return true
	}
	theirs, local := addressesOf(host)
	ours, localToo := addressesOf(e.endpoint.Hostname())
	return local && localToo || slices.ContainsFunc(theirs, func(a netip.Addr) bool { return slices.Contains(ours, a) })
}

// checkClients looks at the variables of AWS SDKs and the AWS CLI.
func (e *examination) checkClients() {
	urls := 0
	for _, name := range []string{"AWS_ENDPOINT_URL_XRAY", "AWS_ENDPOINT_URL"} {
		text := strings.TrimSpace(e.env[name])
		if text == "" {
			continue
		}
		urls++
		at, err := url.Parse(text)
		switch {
		case err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https":
			e.fail(name, "Set it to a URL with its scheme: "+e.endpoint.Scheme+"://"+e.endpoint.Host+".", "%q is not a URL: AWS clients cannot use it.", text)
		case name == "AWS_ENDPOINT_URL" && e.env["AWS_ENDPOINT_URL_XRAY"] != "": // the other one counts
		case at.Scheme != e.endpoint.Scheme || !e.same((&examination{endpoint: at}).hostPort()):
			e.warn(name, "Set it to "+e.endpoint.Scheme+"://"+e.endpoint.Host+".", "AWS clients go to %s, and the server is at %s://%s.", text, e.endpoint.Scheme, e.endpoint.Host)
		}
	}
	if urls > 0 && strings.EqualFold(e.env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], "true") {
		e.warn("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "Unset it.", "It is true: AWS clients ignore the endpoint that is set and go to AWS.")
	}
	if urls > 0 && e.env["AWS_REGION"] == "" && e.env["AWS_DEFAULT_REGION"] == "" {
		e.warn("AWS_REGION", "Set AWS_REGION to any region, such as us-east-1; Tomo takes all.", "AWS clients are pointed at an endpoint but have no region here, and most refuse to work without one.")
	}
}

// checkProxy looks whether clients would ask a proxy for the endpoint. Go's
// clients never do for addresses on this machine; those of other languages do.
func (e *examination) checkProxy() {
	either := func(name string) (string, string) {
		for _, n := range []string{strings.ToLower(name), name} {
			if v := e.env[n]; v != "" {
				return n, v
			}
		}
		return "", ""
	}
	name, proxy := either(strings.ToUpper(e.endpoint.Scheme) + "_PROXY")
	if proxy == "" {
		name, proxy = either("ALL_PROXY")
	}
	_, except := either("NO_PROXY")
	if proxy == "" || bypasses(except, e.endpoint.Hostname(), e.port()) {
		return
	}
	host := e.endpoint.Hostname()
	all := host
	if except != "" {
		all = except + "," + host
	}
	e.warn(name, "Set NO_PROXY="+all+".", "AWS clients and X-Ray SDKs would ask the proxy %s for %s.", redacted(proxy), host)
}

// redacted takes a password out of a URL.
func redacted(text string) string {
	if at, err := url.Parse(text); err == nil {
		return at.Redacted()
	}
	return "that it names"
}

// bypasses reports whether a NO_PROXY excepts a host: by its name, a domain that
// it belongs to, an address, a network, or *. An entry may have a port.
func bypasses(except, host string, port int) bool {
	ip, _ := netip.ParseAddr(host)
	for _, entry := range strings.Split(except, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "*" {
			return true
		}
		if network, err := netip.ParsePrefix(entry); err == nil {
			if network.Contains(ip.Unmap()) {
				return true
			}
			continue
		}
		if h, p, err := net.SplitHostPort(entry); err == nil {
			if p != strconv.Itoa(port) {
				continue
			}
			entry = h
		}
		domain := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
		if domain != "" && (strings.EqualFold(host, domain) || strings.HasSuffix(strings.ToLower(host), "."+domain)) {
			return true
		}
	}
	return false
}

// checkOpenTelemetry looks at the variables of OpenTelemetry, where they speak
// of this server or switch tracing off.
func (e *examination) checkOpenTelemetry(ctx context.Context) {
	for _, is := range []struct{ name, value, found string }{
		{"OTEL_SDK_DISABLED", "true", "OpenTelemetry is switched off."},
		{"OTEL_TRACES_EXPORTER", "none", "OpenTelemetry sends no traces."},
		{"OTEL_TRACES_SAMPLER", "always_off", "OpenTelemetry samples nothing."},
	} {
		if strings.EqualFold(strings.TrimSpace(e.env[is.name]), is.value) {
			e.warn(is.name, "Unset it.", "It is %s: %s", is.value, is.found)
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		at, err := url.Parse(strings.TrimSpace(e.env[name]))
		if e.env[name] == "" || err != nil || at.Host == "" || e.server == nil || !e.same((&examination{endpoint: at}).hostPort()) {
			continue
		}
		path := at.Path
		if name == "OTEL_EXPORTER_OTLP_ENDPOINT" { // of all signals
			path = strings.TrimRight(path, "/") + "/v1/traces"
		}
		if status := e.export(ctx, at.Scheme+"://"+at.Host+path); status == http.StatusNotFound || status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed {
			e.warn(name, "Send OpenTelemetry's traces to a collector with the awsxray exporter, and that to this server.", "It names this server, which takes no OTLP at %s (HTTP %d).", path, status)
		}
		return
	}
}

// export sends an export request without spans and gives the status of the
// answer, 0 if there is none.
func (e *examination) export(ctx context.Context, to string) int {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(nil))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	reply.Body.Close()
	return reply.StatusCode
}

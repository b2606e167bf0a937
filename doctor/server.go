package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/client"
)

// answers are what a Tomo server told of itself.
type answers struct {
	version string
	health  *client.Page
	asked   time.Time // in the middle of the request for its health
	took    time.Duration
	open    bool // it asks nobody who they are
}

// checkEndpoint finds out who answers.
func (e *examination) checkEndpoint(ctx context.Context) {
	const check = "endpoint"
	text := e.o.Endpoint
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	at, err := url.Parse(text)
	if err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https" {
		e.fail(check, "Set --endpoint or TOMO_ENDPOINT to a URL such as http://127.0.0.1:2000.", "%q is not the URL of a server.", e.o.Endpoint)
		return
	}
	e.endpoint = at
	e.client = client.New(e.o.Endpoint).As(e.o.Keys)

	anyone := client.New(e.o.Endpoint)
	before := e.o.Now()
	health, err := get(ctx, anyone, "/healthz")
	if err != nil {
		found, remedy := unreachable(at, err)
		e.fail(check, remedy, "%s", found)
		return
	}
	took := e.o.Now().Sub(before)
	var told struct{ Version, Status string }
	page, err := get(ctx, anyone, "/version")
	if err == nil {
		_ = json.Unmarshal(page.Body, &told)
	}
	if err == nil && page.Status == http.StatusOK {
		_ = json.Unmarshal(health.Body, &told)
	}
	if told.Version == "" || told.Status == "" {
		who := health.Header.Get("Server")
		if who == "" {
			who = "a program that does not say what it is"
		}
		remedy := "Point --endpoint or TOMO_ENDPOINT at Tomo, or stop what is there and start tomo serve."
		if health.Status == http.StatusBadRequest && at.Scheme == "http" && strings.Contains(string(health.Body), "HTTPS") {
			who, remedy = "a server that wants TLS", "Write https:// in --endpoint or TOMO_ENDPOINT."
		}
		e.fail(check, remedy, "%s answers, but not as Tomo: %s (HTTP %d to /healthz).", at.Host, who, health.Status)
		return
	}
	e.server = &answers{version: told.Version, health: health, asked: before.Add(took / 2), took: took}
	e.ok(check, "Tomo %s answers at %s in %s.", told.Version, e.o.Endpoint, span(took))
}

func get(ctx context.Context, c *client.Client, path string) (*client.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return c.Page(ctx, path)
}

// unreachable says why nobody answers, and what to do.
func unreachable(at *url.URL, err error) (found, remedy string) {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("The name %s is not known.", dns.Name), "Correct the name in --endpoint or TOMO_ENDPOINT, or make it known to the resolver of this machine."
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nothing listens at %s.", at.Host), "Start tomo serve there, or point --endpoint or TOMO_ENDPOINT at where it is. A server listens on 127.0.0.1:2000 unless --listen says otherwise; in a container, publish the port."
	case errors.As(err, &authority):
		return fmt.Sprintf("The certificate of %s is signed by nobody whom this machine trusts.", at.Host), "Add the authority to the trusted ones of this machine, or name it with SSL_CERT_FILE (AWS clients: AWS_CA_BUNDLE)."
	case errors.As(err, &name):
		return fmt.Sprintf("The certificate of %s is not for that name: %v.", at.Host, name), "Use a name of the certificate in the endpoint, or give --tls-cert one for this name."
	case errors.As(err, &invalid):
		return fmt.Sprintf("The certificate of %s is not valid: %v.", at.Host, invalid), "Renew the file that --tls-cert names; the server follows it. Look at the clock of this machine, too."
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s speaks HTTP without TLS.", at.Host), "Write http:// in --endpoint or TOMO_ENDPOINT, or start the server with --tls-cert and --tls-key."
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s does not answer within %v.", at.Host, requestTime), "Look for a firewall, a security group or a proxy between here and there, and whether the server is overloaded."
	default:
		return fmt.Sprintf("%s cannot be reached: %v.", at.Host, err), "Look at the address, the network between here and there, and HTTP_PROXY in the environment."
	}
}

// How far a clock may be off. X-Ray's signatures end to be good at five minutes;
// seconds are what a reader of a waterfall sees.
const (
	skewSeen  = 5 * time.Second
	skewFatal = 5 * time.Minute
)

// checkServer looks at what the server says of itself: whether it is ready, its
// clock, its version and its certificate.
func (e *examination) checkServer(ctx context.Context) {
	if e.server == nil {
		e.skip("server", "Readiness, clock, version, credentials, arrival of segments and losses: no Tomo answers.")
		return
	}
	ready, err := get(ctx, client.New(e.o.Endpoint), "/readyz")
	switch {
	case err != nil:
		e.fail("ready", "Look into the log of the server.", "The server does not say whether it is ready: %v.", err)
	case ready.Status != http.StatusOK:
		e.warn("ready", "Wait until it has started; if it is stopping, start it again. Its log tells more.", "The server takes no requests now: %s.", strings.TrimSpace(string(ready.Body)))
	default:
		e.ok("ready", "The server takes requests.")
	}
	e.checkClock()
	switch ours := e.o.Version; {
	case ours == "" || ours == e.server.version:
		e.ok("version", "Server and command line are of one version, %s.", e.server.version)
	default:
		e.warn("version", "Install the newer of the two on both sides, the server first.", "The server is Tomo %s, this command line %s.", e.server.version, ours)
	}
	if e.server.health.TLS != nil && len(e.server.health.TLS.PeerCertificates) > 0 {
		left := e.server.health.TLS.PeerCertificates[0].NotAfter.Sub(e.o.Now())
		if left < 14*24*time.Hour {
			e.warn("certificate", "Renew the file that --tls-cert names; the server follows it without a restart.", "The certificate ends in %s.", span(left))
		} else {
			e.ok("certificate", "The certificate is good for another %s.", span(left))
		}
	}
}

func (e *examination) checkClock() {
	const check = "clock"
	theirs, err := http.ParseTime(e.server.health.Header.Get("Date"))
	if err != nil {
		e.skip(check, "The server does not tell the time.")
		return
	}
	// The header is cut to the second.
	skew := theirs.Add(500 * time.Millisecond).Sub(e.server.asked)
	const remedy = "Let NTP set the clocks: systemctl status systemd-timesyncd or chronyc tracking shows whether it does."
	switch way := direction(skew); {
	case skew.Abs() >= skewFatal:
		e.fail(check, remedy, "The server's clock is %s %s: signatures are refused from five minutes on.", span(skew.Abs()), way)
	case skew.Abs() >= skewSeen:
		e.warn(check, remedy, "The server's clock is %s %s: segments of several machines do not line up.", span(skew.Abs()), way)
	default:
		e.ok(check, "The clocks agree to a second or so.")
	}
}

func direction(skew time.Duration) string {
	if skew > 0 {
		return "ahead of ours"
	}
	return "behind ours"
}

// checkCredentials asks without and with a signature.
func (e *examination) checkCredentials(ctx context.Context) {
	const check = "credentials"
	if e.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_, err := client.New(e.o.Endpoint).GetGroups(ctx)
	e.server.open = err == nil
	k := e.o.Keys
	switch {
	case e.server.open && (!e.local() || e.owners.public):
		e.warn(check, "Make credentials with tomo credentials add, unless the network keeps strangers out.", "The server asks nobody who they are: whoever reaches %s may read and write everything.", e.endpoint.Host)
		return
	case e.server.open:
		e.ok(check, "The server asks nobody who they are, and is reached from this machine only.")
		return
	case exception(err) != api.MissingAuthenticationTokenException:
		e.fail(check, "Look into the log of the server.", "The server does not answer an operation: %v.", err)
		return
	case k.AccessKeyID == "":
		e.fail(check, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what tomo credentials add printed.", "The server wants a signature, and there are no keys in the environment.")
		return
	case k.SecretAccessKey == "":
		e.fail(check, "Set AWS_SECRET_ACCESS_KEY to what tomo credentials add printed.", "There is an access key, %s, but no secret.", k.AccessKeyID)
		return
	}
	// Reading rules is allowed by every role.
	_, err = e.client.GetSamplingRules(ctx)
	switch name := exception(err); name {
	case "":
		if err != nil {
			e.fail(check, "Look into the log of the server.", "The server does not answer a signed request: %v.", err)
			return
		}
		e.ok(check, "The server knows %s.", k.AccessKeyID)
	case api.UnrecognizedClientException:
		remedy := "Use a key that tomo credentials lists on the server, or make one with tomo credentials add."
		if k.SessionToken != "" {
			remedy += " AWS_SESSION_TOKEN is set: unset it unless it belongs to this key."
		}
		e.fail(check, remedy, "The server does not know the access key %s, or not with that session token.", k.AccessKeyID)
	case api.ExpiredTokenException:
		e.fail(check, "Make another with tomo credentials add --expires, and set the three variables anew.", "The credential %s has expired.", k.AccessKeyID)
	case api.InvalidSignatureException:
		e.fail(check, "Set AWS_SECRET_ACCESS_KEY to the secret of that key (tomo credentials rotate makes a new pair), and see that the clocks agree.", "The signature of %s is wrong: another secret, or a clock that is off.", k.AccessKeyID)
	case api.AccessDeniedException:
		e.warn(check, "Give it a role: tomo credentials add --actions read,write.", "The server knows %s, which may not even read sampling rules.", k.AccessKeyID)
	default:
		e.fail(check, "Look into the log of the server.", "A signed request was refused: %v.", err)
	}
}

// exception is the name of the exception that an error is, or "".
func exception(err error) string {
	var is *api.Error
	if errors.As(err, &is) {
		return is.Name
	}
	return ""
}

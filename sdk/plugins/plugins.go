// Package plugins finds out what a program runs on, for sdk.Options.Platforms:
//
//	recorder, err := sdk.New(sdk.Options{Platforms: plugins.Detect(ctx)})
//
// What a platform says is asked for once, at the start, and with a limit of time.
package plugins

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/tomotrace/tomo/sdk"
)

// Host is where the plugins look. The zero value is this machine.
type Host struct {
	Metadata   string                  // base URL of the EC2 metadata; "" is http://169.254.169.254
	Kubernetes string                  // base URL of the API; "" is https://kubernetes.default.svc
	Root       string                  // before all paths of files
	Getenv     func(key string) string // nil is os.Getenv
	Hostname   func() (string, error)  // nil is os.Hostname
}

// errAbsent says that the program does not run there.
var errAbsent = errors.New("not on this platform")

// timeout bounds each question. Off its platform nobody may be there to refuse.
const timeout = 500 * time.Millisecond

// Detect tries all plugins and returns those that found their platform, so that
// the most telling origin comes last: Elastic Beanstalk before EKS, ECS and EC2.
// In Lambda it finds nothing, because the platform sends the segments.
func Detect(ctx context.Context) []sdk.Platform { return Host{}.Detect(ctx) }

// EC2 describes the instance.
func EC2(ctx context.Context) (sdk.Platform, error) { return Host{}.EC2(ctx) }

// ECS describes the container.
func ECS(ctx context.Context) (sdk.Platform, error) { return Host{}.ECS(ctx) }

// EKS describes the pod.
func EKS(ctx context.Context) (sdk.Platform, error) { return Host{}.EKS(ctx) }

// Beanstalk describes the Elastic Beanstalk environment.
func Beanstalk(ctx context.Context) (sdk.Platform, error) { return Host{}.Beanstalk(ctx) }

// Lambda describes the function, for programs that send segments of their own
// there. Subsegments need none.
func Lambda(ctx context.Context) (sdk.Platform, error) { return Host{}.Lambda(ctx) }

// Detect is the function Detect on h.
func (h Host) Detect(ctx context.Context) []sdk.Platform {
	if h.env("LAMBDA_TASK_ROOT") != "" {
		return nil
	}
	var found []sdk.Platform
	for _, ask := range []func(context.Context) (sdk.Platform, error){h.EC2, h.ECS, h.EKS, h.Beanstalk} {
		if p, err := ask(ctx); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// EC2 is the function EC2 on h.
func (h Host) EC2(ctx context.Context) (sdk.Platform, error) {
	base := h.Metadata
	if base == "" {
		base = "http://169.254.169.254"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	client := bare(nil)
	defer client.CloseIdleConnections()
	// Version 2 of the metadata service wants a token; version 1 knows none.
	token, err := fetch(ctx, client, http.MethodPut, base+"/latest/api/token", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
	if err != nil {
		token = nil
	}
	text, err := fetch(ctx, client, http.MethodGet, base+"/latest/dynamic/instance-identity/document", "X-Aws-Ec2-Metadata-Token", string(token))
	if err != nil {
		return sdk.Platform{}, fmt.Errorf("asking for the identity of the instance: %w", err)
	}
	var id struct{ InstanceID, InstanceType, ImageID, AvailabilityZone string }
	if err := json.Unmarshal(text, &id); err != nil || id.InstanceID == "" {
		return sdk.Platform{}, errAbsent
	}
	return sdk.Platform{Origin: "AWS::EC2::Instance", Name: "ec2", Data: some(map[string]any{
		"instance_id": id.InstanceID, "instance_size": id.InstanceType, "ami_id": id.ImageID, "availability_zone": id.AvailabilityZone,
	})}, nil
}

// ECS is the function ECS on h.
func (h Host) ECS(context.Context) (sdk.Platform, error) {
	if h.env("ECS_CONTAINER_METADATA_URI_V4") == "" && h.env("ECS_CONTAINER_METADATA_URI") == "" {
		return sdk.Platform{}, errAbsent
	}
	name, err := h.hostname()
	if err != nil {
		return sdk.Platform{}, err
	}
	return sdk.Platform{Origin: "AWS::ECS::Container", Name: "ecs", Data: some(map[string]any{
		"container": name, "container_id": h.containerID(),
	})}, nil
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// EKS is the function EKS on h. The name of the cluster stands in the config map
// cluster-info of the namespace amazon-cloudwatch; without the right to read it,
// or without the map, it is left out.
func (h Host) EKS(ctx context.Context) (sdk.Platform, error) {
	token, err := os.ReadFile(filepath.Join(h.Root, serviceAccount, "token"))
	if err != nil || h.env("KUBERNETES_SERVICE_HOST") == "" {
		return sdk.Platform{}, errAbsent
	}
	pod, err := h.hostname()
	if err != nil {
		return sdk.Platform{}, err
	}
	return sdk.Platform{Origin: "AWS::EKS::Container", Name: "eks", Data: some(map[string]any{
		"pod": pod, "container_id": h.containerID(), "cluster_name": h.cluster(ctx, string(token)),
	})}, nil
}

func (h Host) cluster(ctx context.Context, token string) string {
	base := h.Kubernetes
	if base == "" {
		base = "https://kubernetes.default.svc"
	}
	roots := x509.NewCertPool()
	if ca, err := os.ReadFile(filepath.Join(h.Root, serviceAccount, "ca.crt")); err == nil {
		roots.AppendCertsFromPEM(ca)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := bare(&tls.Config{RootCAs: roots})
	defer client.CloseIdleConnections()
	text, err := fetch(ctx, client, http.MethodGet, base+"/api/v1/namespaces/amazon-cloudwatch/configmaps/cluster-info",
		"Authorization", "Bearer "+strings.TrimSpace(token))
	if err != nil {
		return ""
	}
	var info struct {
		Data map[string]string `json:"data"`
	}
	if json.Unmarshal(text, &info) != nil {
		return ""
	}
	return info.Data["cluster.name"]
}

// Beanstalk is the function Beanstalk on h.
func (h Host) Beanstalk(context.Context) (sdk.Platform, error) {
	text, err := os.ReadFile(filepath.Join(h.Root, "/var/elasticbeanstalk/xray/environment.conf"))
	if err != nil {
		return sdk.Platform{}, errAbsent
	}
	var conf struct {
		DeploymentID    json.Number `json:"deployment_id"`
		VersionLabel    string      `json:"version_label"`
		EnvironmentName string      `json:"environment_name"`
	}
	if err := json.Unmarshal(text, &conf); err != nil {
		return sdk.Platform{}, fmt.Errorf("reading environment.conf: %w", err)
	}
	data := some(map[string]any{"environment_name": conf.EnvironmentName, "version_label": conf.VersionLabel})
	if n, err := conf.DeploymentID.Int64(); err == nil {
		data["deployment_id"] = n
	}
	return sdk.Platform{Origin: "AWS::ElasticBeanstalk::Environment", Name: "elastic_beanstalk", Data: data}, nil
}

// Lambda is the function Lambda on h.
func (h Host) Lambda(context.Context) (sdk.Platform, error) {
	if h.env("LAMBDA_TASK_ROOT") == "" {
		return sdk.Platform{}, errAbsent
	}
	return sdk.Platform{Origin: "AWS::Lambda::Function", Name: "lambda", Data: some(map[string]any{
		"function_name": h.env("AWS_LAMBDA_FUNCTION_NAME"), "function_version": h.env("AWS_LAMBDA_FUNCTION_VERSION"),
	})}, nil
}

func (h Host) env(key string) string {
	if h.Getenv != nil {
		return h.Getenv(key)
	}
	return os.Getenv(key)
}

func (h Host) hostname() (string, error) {
	if h.Hostname != nil {
		return h.Hostname()
	}
	return os.Hostname()
}

var containerID = regexp.MustCompile(`[0-9a-f]{64}`)

// containerID is the last long hexadecimal number in the control groups, which
// container runtimes name after the container; "" if there is none.
func (h Host) containerID() (id string) {
	f, err := os.Open(filepath.Join(h.Root, "/proc/self/cgroup"))
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(io.LimitReader(f, 64<<10)); lines.Scan(); {
		if found := containerID.FindString(lines.Text()); found != "" {
			id = found
		}
	}
	return id
}

// some leaves out what is empty.
func some(m map[string]any) map[string]any {
	for key, value := range m {
		if value == "" {
			delete(m, key)
		}
	}
	return m
}

// bare is a client that no proxy and no tracing stands before.
func bare(c *tls.Config) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{TLSClientConfig: c}}
}

func fetch(ctx context.Context, c *http.Client, method, url, header, value string) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	if value != "" {
		q.Header.Set(header, value)
	}
	answer, err := c.Do(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 1<<20))
}

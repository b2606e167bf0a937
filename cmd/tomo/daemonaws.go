package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/settings"
)

// metadataTime is how long is waited for the instance to tell of itself.
const metadataTime = 5 * time.Second

// surroundings are where the daemon runs and what it may: region, credentials,
// and the way to the upstreams.
type surroundings struct {
	region      string
	endpoints   []string
	credentials aws.CredentialsProvider
	transport   *http.Transport
	sender      api.Sender
}

// lookAround finds out. It follows X-Ray's daemon, but for an endpoint that is
// not AWS's: there neither a region nor instance metadata is needed, so that
// nothing waits for them.
func (c *daemonConfig) lookAround(ctx context.Context, log *slog.Logger) (*surroundings, error) {
	s := &surroundings{}
	client, err := c.client(log)
	if err != nil {
		return nil, err
	}
	s.endpoints = c.Endpoints
	if e := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_XRAY"), os.Getenv("AWS_ENDPOINT_URL")); len(s.endpoints) == 0 && e != "" {
		if err := checkEndpoint(e); err != nil {
			return nil, err
		}
		s.endpoints = []string{e}
	}
	foreign := len(s.endpoints) > 0
	for _, e := range s.endpoints {
		log.Debug("Using Endpoint read from Config file: " + e)
		foreign = foreign && !amazons(e)
	}
	metadata := imds.New(imds.Options{ClientEnableState: metadataState(foreign), Retryer: aws.NopRetryer{}})
	if s.region, err = c.findRegion(ctx, metadata, foreign, log); err != nil {
		return nil, err
	}
	log.Info("Using region: " + s.region)
	if len(s.endpoints) == 0 {
		s.endpoints = []string{endpointOf(s.region)}
	}
	if err := s.load(ctx, c, client, metadata); err != nil {
		return nil, err
	}
	log.Debug("ARN of the AWS resource running the daemon: " + c.ResourceARN)
	s.sender = api.Sender{ResourceARN: c.ResourceARN, Hostname: os.Getenv("AWS_HOSTNAME"), EC2InstanceID: os.Getenv("AWS_INSTANCE_ID")}
	if !c.LocalMode && !foreign {
		s.sender.Hostname = cmp.Or(s.sender.Hostname, instance(ctx, metadata, "hostname", log))
		s.sender.EC2InstanceID = cmp.Or(s.sender.EC2InstanceID, instance(ctx, metadata, "instance-id", log))
	}
	return s, nil
}

// metadataState keeps from asking instance metadata where an endpoint is not
// AWS's, unless AWS_EC2_METADATA_DISABLED=false asks for it.
func metadataState(foreign bool) imds.ClientEnableState {
	switch disabled := os.Getenv("AWS_EC2_METADATA_DISABLED"); {
	case strings.EqualFold(disabled, "true"):
		return imds.ClientDisabled
	case foreign && !strings.EqualFold(disabled, "false"):
		return imds.ClientDisabled
	}
	return imds.ClientEnabled
}

// amazons is whether an endpoint is AWS's own.
func amazons(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".c2s.ic.gov", ".sc2s.sgov.gov"} {
		if strings.HasSuffix(u.Hostname(), suffix) {
			return true
		}
	}
	return false
}

// endpointOf is where X-Ray is in a region.
func endpointOf(region string) string {
	domain := "amazonaws.com"
	switch {
	case strings.HasPrefix(region, "cn-"):
		domain = "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-isob-"):
		domain = "sc2s.sgov.gov"
	case strings.HasPrefix(region, "us-iso-"):
		domain = "c2s.ic.gov"
	}
	return "https://xray." + region + "." + domain
}

// findRegion asks everybody who may know, in the order of X-Ray's daemon.
func (c *daemonConfig) findRegion(ctx context.Context, metadata *imds.Client, foreign bool, log *slog.Logger) (string, error) {
	if c.Region != "" {
		log.Debug("Fetch region " + c.Region + " from commandline/config file")
		return c.Region, nil
	}
	if region := os.Getenv("AWS_REGION"); region != "" {
		log.Debug("Fetch region " + region + " from environment variables")
		return region, nil
	}
	if c.LocalMode {
		if known, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{})); err == nil && known.Region != "" {
			log.Debug("Fetched region " + known.Region + " from config")
			return known.Region, nil
		}
	} else {
		if region := regionOfTask(log); region != "" {
			log.Debug("Fetch region " + region + " from ECS metadata file")
			return region, nil
		}
		if !foreign {
			asking, cancel := context.WithTimeout(ctx, metadataTime)
			defer cancel()
			found, err := metadata.GetRegion(asking, nil)
			if err == nil && found.Region != "" {
				log.Debug("Fetch region " + found.Region + " from ec2 metadata")
				return found.Region, nil
			}
			log.Error(fmt.Sprintf("Unable to fetch region from EC2 metadata: %v", err))
		}
	}
	if foreign {
		return settings.DefaultRegion, nil // signatures need some region
	}
	return "", inItsWords("Cannot fetch region variable from config file, environment variables, ecs metadata, or ec2 metadata. Use local-mode to use the local config region.")
}

// regionOfTask is the region of the ECS task that this runs in.
func regionOfTask(log *slog.Logger) string {
	path := os.Getenv("ECS_CONTAINER_METADATA_FILE")
	if os.Getenv("ECS_ENABLE_CONTAINER_METADATA") != "true" || path == "" {
		return ""
	}
	text, err := os.ReadFile(path)
	var task struct{ TaskARN string }
	if err == nil {
		err = json.Unmarshal(text, &task)
	}
	if err != nil {
		log.Error("Unable to read ECS metadata file: " + err.Error())
		return ""
	}
	if parts := strings.Split(task.TaskARN, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// instance asks for one fact about the EC2 instance.
func instance(ctx context.Context, metadata *imds.Client, fact string, log *slog.Logger) string {
	ctx, cancel := context.WithTimeout(ctx, metadataTime)
	defer cancel()
	answer, err := metadata.GetMetadata(ctx, &imds.GetMetadataInput{Path: fact})
	if err == nil {
		defer answer.Content.Close()
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(answer.Content, 1<<10)); err == nil {
			return string(text)
		}
	}
	log.Error(fmt.Sprintf("Get %s metadata failed: %v", strings.ReplaceAll(fact, "-", " "), err))
	return ""
}

// client makes the way to the upstreams. Instance metadata goes another.
func (c *daemonConfig) client(log *slog.Logger) (*awshttp.BuildableClient, error) {
	address := cmp.Or(c.ProxyAddress, os.Getenv("HTTPS_PROXY"))
	log.Debug("Using proxy address: " + address)
	var through func(*http.Request) (*url.URL, error)
	if address != "" {
		proxy, err := url.Parse(address)
		if err == nil && proxy.Host == "" {
			err = fmt.Errorf("%q has no host; it should look like http://proxy:3128", address)
		}
		if err != nil {
			return nil, inItsWords("Bad proxy URL: %w", err)
		}
		through = http.ProxyURL(proxy)
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.Proxy = through
		t.MaxIdleConnsPerHost = c.Concurrency + 2
		t.DisableCompression = true // what a client asked for is answered as it asked
		// A connection that is dead, though nobody said so, is noticed.
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: time.Second, PingTimeout: 2 * time.Second}
		t.TLSClientConfig.InsecureSkipVerify = c.NoVerifySSL
	}), nil
}

// load prepares the chain of credentials that all AWS SDKs have, and the role.
// Nobody is asked before the first request. The client may be given more
// certificates to trust, by AWS_CA_BUNDLE.
func (s *surroundings) load(ctx context.Context, c *daemonConfig, client *awshttp.BuildableClient, metadata *imds.Client) error {
	known, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(s.region), config.WithLogger(logging.Nop{}), config.WithHTTPClient(client),
		config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = metadata }))
	if err != nil {
		return fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if trusting, ok := known.HTTPClient.(*awshttp.BuildableClient); ok {
		client = trusting
	}
	s.transport = client.GetTransport()
	s.credentials = known.Credentials
	if c.RoleARN != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(known), c.RoleARN, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "xray-daemon" })
		s.credentials = aws.NewCredentialsCache(role)
	}
	return nil
}

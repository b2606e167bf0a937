package plugins_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tomotrace/tomo/sdk/plugins"
)

func write(t *testing.T, root, path, text string) {
	t.Helper()
	file := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDetect runs on a machine that is everything at once.
func TestDetect(t *testing.T) {
	const container = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "PUT" && r.URL.Path == "/latest/api/token":
			w.Write([]byte("token"))
		case r.URL.Path == "/latest/dynamic/instance-identity/document" && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "token":
			w.Write([]byte(`{"instanceId":"i-1","instanceType":"t3.small","imageId":"ami-1","availabilityZone":"eu-central-1a"}`))
		case r.URL.Path == "/api/v1/namespaces/amazon-cloudwatch/configmaps/cluster-info" && r.Header.Get("Authorization") == "Bearer account":
			w.Write([]byte(`{"data":{"cluster.name":"c1"}}`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer metadata.Close()
	root := t.TempDir()
	write(t, root, "/var/elasticbeanstalk/xray/environment.conf", `{"deployment_id":32,"version_label":"v77","environment_name":"shop-prod"}`)
	write(t, root, "/var/run/secrets/kubernetes.io/serviceaccount/token", "account\n")
	write(t, root, "/proc/self/cgroup", "1:name=systemd:/kubepods/"+container+"\n")
	env := map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "x", "KUBERNETES_SERVICE_HOST": "x"}
	h := plugins.Host{
		Metadata: metadata.URL, Kubernetes: metadata.URL, Root: root,
		Getenv: func(k string) string { return env[k] }, Hostname: func() (string, error) { return "h", nil },
	}
	type member struct {
		origin, name string
		data         map[string]any
	}
	want := []member{
		{"AWS::EC2::Instance", "ec2", map[string]any{"instance_id": "i-1", "instance_size": "t3.small", "ami_id": "ami-1", "availability_zone": "eu-central-1a"}},
		{"AWS::ECS::Container", "ecs", map[string]any{"container": "h", "container_id": container}},
		{"AWS::EKS::Container", "eks", map[string]any{"pod": "h", "container_id": container, "cluster_name": "c1"}},
		{"AWS::ElasticBeanstalk::Environment", "elastic_beanstalk", map[string]any{"environment_name": "shop-prod", "version_label": "v77", "deployment_id": int64(32)}},
	}
	var got []member
	for _, p := range h.Detect(t.Context()) {
		got = append(got, member{p.Origin, p.Name, p.Data})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}

	env["LAMBDA_TASK_ROOT"], env["AWS_LAMBDA_FUNCTION_NAME"] = "/var/task", "f"
	if found := h.Detect(t.Context()); found != nil {
		t.Errorf("in Lambda %v", found)
	}
	p, err := h.Lambda(t.Context())
	if err != nil || p.Origin != "AWS::Lambda::Function" || p.Data["function_name"] != "f" {
		t.Errorf("%v, %v", p, err)
	}
}

// TestNowhere runs where there is nothing.
func TestNowhere(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	h := plugins.Host{Metadata: nobody.URL, Kubernetes: nobody.URL, Root: t.TempDir(), Getenv: func(string) string { return "" }}
	if found := h.Detect(t.Context()); found != nil {
		t.Errorf("found %v", found)
	}
}

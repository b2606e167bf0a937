package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

func patterns(rules []string) (*patternmatcher.PatternMatcher, error) {
	return patternmatcher.New(rules)
}

const chartDir = "helm/tomo"

// rendering is what a chart gives for some values, each object decoded strictly:
// a field that Kubernetes does not know is an error.
type rendering struct {
	sets     []appsv1.StatefulSet
	services []corev1.Service
	secrets  []corev1.Secret
	accounts []corev1.ServiceAccount
	policies []networkingv1.NetworkPolicy
}

func render(t *testing.T, values string) (*rendering, error) {
	t.Helper()
	given := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	chart, err := loader.Load(chartDir)
	if err != nil {
		return nil, err
	}
	all, err := chartutil.ToRenderValues(chart, given, chartutil.ReleaseOptions{Name: "traces", Namespace: "observability", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	is := &rendering{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if !strings.HasSuffix(name, ".yaml") || strings.TrimSpace(text) == "" {
			continue
		}
		var kind struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch kind.Kind {
		case "StatefulSet":
			err = decode(text, &is.sets)
		case "Service":
			err = decode(text, &is.services)
		case "Secret":
			err = decode(text, &is.secrets)
		case "ServiceAccount":
			err = decode(text, &is.accounts)
		case "NetworkPolicy":
			err = decode(text, &is.policies)
		default:
			err = fmt.Errorf("nobody looks at the kind %q", kind.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, text)
		}
	}
	return is, nil
}

func decode[T any](text string, into *[]T) error {
	var v T
	err := yaml.UnmarshalStrict([]byte(text), &v)
	*into = append(*into, v)
	return err
}

// TestChart: for every kind of values Helm's linter has nothing to say, Kubernetes
// knows every field, and the objects fit together.
func TestChart(t *testing.T) {
	for name, values := range map[string]string{
		"insecure":        `auth: {insecure: true}`,
		"existing secret": `{auth: {existingSecret: mine}, encryption: {existingSecret: keys}}`,
		"own secret":      `auth: {credentials: '{"version":1}'}`,
		"everything": `{auth: {existingSecret: mine}, image: {repository: registry.example/tomo, tag: 1.2.3}, imagePullSecrets: [{name: pull}],
			persistence: {storageClass: fast, size: 1Ti}, service: {type: LoadBalancer, port: 80, annotations: {a: b}}, env: {TOMO_QUOTA: put=100},
			networkPolicy: {enabled: true, from: [{podSelector: {}}]}, podLabels: {team: a}, podAnnotations: {c: d}, nodeSelector: {disk: ssd},
			tolerations: [{key: a, operator: Exists}], affinity: {nodeAffinity: {}}, serviceAccount: {annotations: {e: f}}, retention: 12h}`,
		"for development": `{auth: {insecure: true}, persistence: {enabled: false, size: 1Gi}, udpTenant: ""}`,
	} {
		t.Run(name, func(t *testing.T) {
			is, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			given := map[string]any{}
			if err := yaml.Unmarshal([]byte(values), &given); err != nil {
				t.Fatal(err)
			}
			for _, m := range lint.AllWithKubeVersion(chartDir, given, "observability", nil).Messages {
				if m.Severity >= support.WarningSev {
					t.Error(m)
				}
			}
			fits(t, is)
		})
	}
}

// fits checks what no schema does: names and labels by which objects refer to
// each other.
func fits(t *testing.T, is *rendering) {
	t.Helper()
	if len(is.sets) != 1 || len(is.services) != 1 || len(is.accounts) != 1 {
		t.Fatalf("%d sets, %d services, %d accounts", len(is.sets), len(is.services), len(is.accounts))
	}
	set, service := &is.sets[0], &is.services[0]
	pod, box := &set.Spec.Template, &set.Spec.Template.Spec.Containers[0]
	if *set.Spec.Replicas != 1 || set.Spec.ServiceName != service.Name || pod.Spec.ServiceAccountName != is.accounts[0].Name {
		t.Errorf("replicas %d, service %q, account %q", *set.Spec.Replicas, set.Spec.ServiceName, pod.Spec.ServiceAccountName)
	}
	selectors := []map[string]string{set.Spec.Selector.MatchLabels, service.Spec.Selector}
	for _, p := range is.policies {
		selectors = append(selectors, p.Spec.PodSelector.MatchLabels)
	}
	for _, selector := range selectors {
		for label, value := range selector {
			if pod.Labels[label] != value || len(selector) < 2 {
				t.Errorf("%v does not select %v", selector, pod.Labels)
			}
		}
	}
	ports := map[string]corev1.Protocol{}
	for _, p := range box.Ports {
		ports[p.Name] = p.Protocol
	}
	protocols := map[corev1.Protocol]bool{}
	for _, p := range service.Spec.Ports {
		protocols[p.Protocol] = true
		if ports[p.TargetPort.StrVal] != p.Protocol {
			t.Errorf("port %s of the service leads nowhere", p.Name)
		}
	}
	if !protocols[corev1.ProtocolTCP] || !protocols[corev1.ProtocolUDP] {
		t.Errorf("the service has %v", protocols)
	}
	for name, probe := range map[string]*corev1.Probe{"startup": box.StartupProbe, "readiness": box.ReadinessProbe, "liveness": box.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || ports[probe.HTTPGet.Port.StrVal] != corev1.ProtocolTCP {
			t.Errorf("%s: %v", name, probe)
		}
	}
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
		// Group-readable: the files are root's, of the group of the pod; and others
		// must not read them, or the server refuses them.
		if v.Secret != nil && *v.Secret.DefaultMode != 0o440 {
			t.Errorf("secret %s has the mode %o", v.Name, *v.Secret.DefaultMode)
		}
	}
	for _, c := range set.Spec.VolumeClaimTemplates {
		volumes[c.Name] = true
	}
	for _, m := range box.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s is mounted and there is none", m.Name)
		}
		delete(volumes, m.Name)
	}
	if len(volumes) > 0 {
		t.Errorf("volumes that nobody mounts: %v", volumes)
	}
	env := map[string]string{}
	for _, e := range box.Env {
		if _, twice := env[e.Name]; twice {
			t.Errorf("%s is set twice", e.Name)
		}
		env[e.Name] = e.Value
		known(t, "the chart", e.Name)
	}
	if (env["TOMO_CREDENTIALS"] == "") != (env["TOMO_INSECURE"] == "true") {
		t.Errorf("credentials %q, insecure %q", env["TOMO_CREDENTIALS"], env["TOMO_INSECURE"])
	}
	for _, s := range is.secrets {
		if !strings.Contains(string(s.Data["credentials.json"]), "version") {
			t.Errorf("the secret holds %q", s.Data)
		}
	}
	c := pod.Spec.SecurityContext
	if !*c.RunAsNonRoot || *c.RunAsUser == 0 || !*box.SecurityContext.ReadOnlyRootFilesystem || *box.SecurityContext.AllowPrivilegeEscalation {
		t.Errorf("security %+v", c)
	}
	understood(t, box.Args...)
}

// TestChartRefuses: values that cannot be meant are refused, and the message says
// which.
func TestChartRefuses(t *testing.T) {
	for values, want := range map[string]string{
		`{}`: "say who may ask",
		`auth: {insecure: true, existingSecret: a}`:                      "auth.insecure is for a server without credentials",
		`auth: {credentials: x, existingSecret: a}`:                      "one is enough",
		`{auth: {insecure: true}, retention: forever}`:                   "retention",
		`{auth: {insecure: true}, replicas: 3}`:                          "replicas",
		`{auth: {insecure: true}, service: {port: 0}}`:                   "port",
		`{auth: {insecure: true}, persistence: {size: much}}`:            "size",
		`{auth: {insecure: true}, env: {TOMO_MAX_TENANTS: 3}}`:           "TOMO_MAX_TENANTS",
		`{auth: {insecure: true}, udpTenant: Team_A}`:                    "udpTenant",
		`{auth: {insecure: true}, image: {repository: "", tag: latest}}`: "repository",
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", values, err, want)
		}
	}
}

{{- define "tomo.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "tomo.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tomo.labels" -}}
{{ include "tomo.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The secret with credentials.json; empty if nobody is asked. */}}
{{- define "tomo.secret" -}}
{{- if and .Values.auth.existingSecret .Values.auth.credentials -}}
{{ fail "auth.existingSecret and auth.credentials are both given: one is enough" }}
{{- else if and .Values.auth.insecure (or .Values.auth.existingSecret .Values.auth.credentials) -}}
{{ fail "auth.insecure is for a server without credentials" }}
{{- else if .Values.auth.existingSecret -}}
{{ .Values.auth.existingSecret }}
{{- else if .Values.auth.credentials -}}
{{ include "tomo.name" . }}-credentials
{{- else if not .Values.auth.insecure -}}
{{ fail "say who may ask: auth.existingSecret, auth.credentials or auth.insecure" }}
{{- end -}}
{{- end -}}

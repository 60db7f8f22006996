{{- define "codex-k8s.component" -}}
app.kubernetes.io/name: codex-k8s
app.kubernetes.io/component: {{ . }}
{{- end -}}

{{/* (list $ component). Never the chart's version: it would restart the database with every upgrade. */}}
{{- define "codex-k8s.labels" -}}
{{ include "codex-k8s.component" (index . 1) }}
app.kubernetes.io/part-of: codex-k8s
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{/* (list $ name of the image) */}}
{{- define "codex-k8s.image" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $images := $root.Values.images -}}
{{- $tag := $images.tag | default $root.Chart.AppVersion -}}
{{- index $images $name | default (printf "%s/codex-k8s/%s:%s" $images.registry $name $tag) -}}
{{- end -}}

{{- define "codex-k8s.control-plane-url" -}}
http://codex-k8s-control-plane.{{ .Release.Namespace }}.svc:8081
{{- end -}}

{{- define "codex-k8s.runtime-secret" -}}
{{ .Values.secrets.existingSecret | default "codex-k8s-runtime" }}
{{- end -}}

{{- define "codex-k8s.database-secret" -}}
{{ ternary "codex-k8s-postgres" .Values.externalDatabase.secret.name .Values.postgresql.enabled }}
{{- end -}}

{{/* Empty when there is no replica. */}}
{{- define "codex-k8s.read-url-key" -}}
{{- if .Values.postgresql.enabled -}}
{{ ternary "read-url" "" .Values.postgresql.replica.enabled }}
{{- else -}}
{{ .Values.externalDatabase.secret.readUrlKey }}
{{- end -}}
{{- end -}}

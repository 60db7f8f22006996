{{- define "codex-k8s.container-security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* (dict "root" $ "component" c "user" uid): what all pods of the platform have in common. */}}
{{- define "codex-k8s.pod-settings" -}}
{{- $values := .root.Values -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with $values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Replicas on different nodes and zones where there are some. */}}
{{- define "codex-k8s.spread" -}}
topologySpreadConstraints:
  {{- $component := . }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "codex-k8s.component" $component | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}

{{- define "codex-k8s.env" -}}
{{- range $name, $value := . }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end -}}

{{/* Secrets are files, never variables: (dict "root" $ "secrets" list of (dict "env" variable "secret" name "key" key)). */}}
{{- define "codex-k8s.files-env" -}}
{{- range .secrets }}
- { name: {{ .env }}_FILE, value: /run/codexk8s/{{ .env }} }
{{- end }}
{{- if .root.Values.trustedCertificates.configMap }}
- { name: NODE_EXTRA_CA_CERTS, value: /run/codexk8s/certificates.pem }
{{- end }}
{{- end -}}

{{/* The same input. */}}
{{- define "codex-k8s.files-volume" -}}
- name: files
  projected:
    defaultMode: 288 # 0440; YAML 1.1 and 1.2 disagree about octal numbers
    sources:
      {{- range .secrets }}
      - secret: { name: {{ .secret }}, items: [{ key: {{ .key }}, path: {{ .env }} }] }
      {{- end }}
      {{- with .root.Values.trustedCertificates }}
      {{- if .configMap }}
      - configMap: { name: {{ .configMap }}, items: [{ key: {{ .key }}, path: certificates.pem }] }
      {{- end }}
      {{- end }}
{{- end -}}

{{/*
A service of ours as a Deployment with its PodDisruptionBudget: (dict "root" $ "name" n "component" c "settings" values "port" p "env" dict
"secrets" list "account" service account or "" "needsDatabase" bool "waitsFor" host/port). With a bundled database it starts when somebody answers there.
*/}}
{{- define "codex-k8s.service" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $metrics := ternary (dict "CODEXK8S_METRICS_PORT" (toString $values.metrics.port)) dict $values.metrics.enabled -}}
{{- $tracing := ternary (dict "OTEL_EXPORTER_OTLP_ENDPOINT" $values.tracing.endpoint) dict (ne $values.tracing.endpoint "") -}}
{{- $autoscaling := .settings.autoscaling | default (dict "enabled" false) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "codex-k8s.labels" (list $root .component) | nindent 4 }}
spec:
  {{- if not $autoscaling.enabled }}
  replicas: {{ .settings.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  selector:
    matchLabels: {{- include "codex-k8s.component" .component | nindent 6 }}
  template:
    metadata:
      labels: {{- include "codex-k8s.labels" (list $root .component) | nindent 8 }}
    spec:
      {{- include "codex-k8s.pod-settings" (dict "root" $root "user" 1000) | nindent 6 }}
      {{- include "codex-k8s.spread" .component | nindent 6 }}
      serviceAccountName: {{ .account | default "default" }}
      automountServiceAccountToken: {{ ne .account "" }}
      # A stopping service takes up to 20 s.
      terminationGracePeriodSeconds: 30
      {{- if and .needsDatabase $values.postgresql.enabled }}
      initContainers:
        - name: wait
          image: {{ include "codex-k8s.image" (list $root "platform") }}
          imagePullPolicy: {{ $values.images.pullPolicy }}
          command: [bash, -c, 'until timeout 2 bash -c "</dev/tcp/{{ .waitsFor }}"; do sleep 1; done 2>/dev/null']
          {{- include "codex-k8s.container-security" . | nindent 10 }}
          resources: {{- toYaml .settings.resources | nindent 12 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "codex-k8s.image" (list $root "platform") }}
          imagePullPolicy: {{ $values.images.pullPolicy }}
          args: [{{ .component }}]
          env:
            {{- include "codex-k8s.env" (merge dict .settings.env $values.env .env $metrics $tracing) | trim | nindent 12 }}
            {{- include "codex-k8s.files-env" . | trim | nindent 12 }}
            {{- if .needsDatabase }}
            - name: CODEXK8S_TOKEN_ENCRYPTION_OLD_KEYS
              valueFrom: { secretKeyRef: { name: {{ include "codex-k8s.runtime-secret" $root }}, key: token-encryption-old-keys, optional: true } }
            {{- end }}
          ports:
            - { name: http, containerPort: {{ .port }} }
            {{- if $values.metrics.enabled }}
            - { name: metrics, containerPort: {{ $values.metrics.port }} }
            {{- end }}
          startupProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 1
            failureThreshold: 600 # a control plane that migrates a large database answers when it is done
          livenessProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 2
          {{- include "codex-k8s.container-security" . | nindent 10 }}
          resources: {{- toYaml .settings.resources | nindent 12 }}
          volumeMounts:
            - { name: files, mountPath: /run/codexk8s, readOnly: true }
            - { name: tmp, mountPath: /tmp }
      volumes:
        {{- include "codex-k8s.files-volume" . | nindent 8 }}
        - { name: tmp, emptyDir: { sizeLimit: 1Gi } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "codex-k8s.labels" (list $root .component) | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "codex-k8s.component" .component | nindent 6 }}
{{- if $autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "codex-k8s.labels" (list $root .component) | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ .name }} }
  minReplicas: {{ $autoscaling.minReplicas }}
  maxReplicas: {{ $autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ $autoscaling.targetCpuPercent }} } }
{{- end }}
{{- end -}}

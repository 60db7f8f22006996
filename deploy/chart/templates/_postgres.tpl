{{/* A database pod: (dict "root" $ "name" n "script" s "persistence" values "ready" command) */}}
{{- define "codex-k8s.postgres" -}}
{{- $root := .root -}}
{{- $settings := $root.Values.postgresql -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "codex-k8s.labels" (list $root .name) | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ .name }}
  selector:
    matchLabels: {{- include "codex-k8s.component" .name | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "codex-k8s.labels" (list $root .name) | nindent 8 }}
        codex-k8s.dev/database: codex-k8s
      annotations:
        codex-k8s.dev/scripts: {{ include "codex-k8s.postgres-scripts" $root | sha256sum | trunc 16 }}
    spec:
      {{- include "codex-k8s.pod-settings" (dict "root" $root "user" $settings.userId) | nindent 6 }}
      # Primary and replica on different nodes where there are some.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: { matchLabels: { codex-k8s.dev/database: codex-k8s } }
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 120
      containers:
        - name: postgres
          image: {{ include "codex-k8s.image" (list $root "postgres") }}
          imagePullPolicy: {{ $root.Values.images.pullPolicy }}
          command: [/scripts/{{ .script }}]
          args:
            {{- range $name, $value := $settings.settings }}
            - -c
            - {{ printf "%s=%s" $name $value | quote }}
            {{- end }}
          env:
            - { name: MAX_LAG_SECONDS, value: {{ $settings.replica.maxLagSeconds | quote }} }
          ports:
            - { name: postgres, containerPort: 5432 }
          # pg_isready says what accepts connections; a database that recovers after a crash must not be killed for it.
          startupProbe:
            exec: { command: [bash, -c, '. /scripts/environment; pg_isready --quiet --host=127.0.0.1'] }
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 1800
          livenessProbe:
            exec: { command: [bash, -c, '. /scripts/environment; pg_ctl --pgdata="$PGDATA" status >/dev/null'] }
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          readinessProbe:
            exec: { command: {{ toJson .ready }} }
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 3
          lifecycle:
            preStop: { exec: { command: [/scripts/stop] } }
          {{- include "codex-k8s.container-security" . | nindent 10 }}
          resources: {{- toYaml $settings.resources | nindent 12 }}
          volumeMounts:
            - { name: data, mountPath: /var/lib/postgresql/data }
            - { name: scripts, mountPath: /scripts, readOnly: true }
            - { name: secrets, mountPath: /run/codexk8s, readOnly: true }
            - { name: socket, mountPath: /run/postgresql }
            - { name: tmp, mountPath: /tmp }
            - { name: shared-memory, mountPath: /dev/shm }
      volumes:
        {{- include "codex-k8s.postgres-volumes" $root | nindent 8 }}
        - { name: socket, emptyDir: {} }
        # Parallel queries and building an index take more than the 64 MiB of a container.
        - { name: shared-memory, emptyDir: { medium: Memory, sizeLimit: 512Mi } }
        {{- with .persistence.existingClaim }}
        - { name: data, persistentVolumeClaim: { claimName: {{ . }} } }
        {{- end }}
  {{- if not .persistence.existingClaim }}
  volumeClaimTemplates:
    - metadata: { name: data, labels: { app.kubernetes.io/part-of: codex-k8s } }
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: { requests: { storage: {{ .persistence.size }} } }
  {{- end }}
{{- end -}}

{{- define "codex-k8s.postgres-scripts" -}}
{{- range $path, $_ := .Files.Glob "scripts/*" }}
{{ base $path }}: |
  {{- $.Files.Get $path | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "codex-k8s.postgres-volumes" -}}
- name: scripts
  configMap: { name: codex-k8s-postgres-scripts, defaultMode: 365 } # 0555; YAML 1.1 and 1.2 disagree about octal numbers
- name: secrets
  secret: { secretName: codex-k8s-postgres, defaultMode: 288 }
- { name: tmp, emptyDir: {} }
{{- end -}}

{{/* (dict "root" $ "name" n "selector" labels "headless" bool) */}}
{{- define "codex-k8s.postgres-service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "codex-k8s.labels" (list .root .name) | nindent 4 }}
spec:
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector: {{- .selector | nindent 4 }}
  ports:
    - { name: postgres, port: 5432, targetPort: postgres }
{{- end -}}

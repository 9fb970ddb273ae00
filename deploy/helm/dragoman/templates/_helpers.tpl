{{- define "dragoman.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "dragoman.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "dragoman.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "dragoman.selector" -}}
app.kubernetes.io/name: {{ include "dragoman.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dragoman.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "dragoman.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "dragoman.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "dragoman.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "dragoman.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "dragoman.tokenSecret" -}}
{{- default (printf "%s-admin" (include "dragoman.fullname" .)) .Values.admin.token.existingSecret }}
{{- end }}

{{- define "dragoman.protosConfigMap" -}}
{{- default (printf "%s-protos" (include "dragoman.fullname" .)) .Values.protos.existingConfigMap }}
{{- end }}

{{/* The key of a file in a ConfigMap, which may have no slash. */}}
{{- define "dragoman.protoKey" -}}
{{- . | replace "/" "__" }}
{{- end }}

{{/* The ports of the listeners, as a list of {name, port, protocol, secure, h2c, listener}; of HTTP/3 there is a second one. */}}
{{- define "dragoman.ports" -}}
{{- $ports := list }}
{{- range $listener := required "config.listeners is empty: name the ports that clients connect to" .Values.config.listeners }}
{{- $name := $listener.name | lower | replace "_" "-" | replace "." "-" | trunc 11 | trimSuffix "-" }}
{{- $port := $listener.address | splitList ":" | last | int }}
{{- if not $port }}
{{- fail (printf "config.listeners: the address of %s is %q; its port must be fixed" $listener.name $listener.address) }}
{{- end }}
{{- $secure := hasKey $listener "tls" }}
{{- $protocols := default list $listener.protocols }}
{{- $h2c := and (not $secure) (or (empty $protocols) (has "h2c" $protocols)) }}
{{- $ports = append $ports (dict "name" $name "port" $port "protocol" "TCP" "secure" $secure "h2c" $h2c "listener" $listener.name) }}
{{- if has "http3" $protocols }}
{{- $ports = append $ports (dict "name" (printf "%s-udp" $name) "port" $port "protocol" "UDP" "secure" $secure "h2c" false "listener" $listener.name) }}
{{- end }}
{{- end }}
{{- dict "ports" $ports | toYaml }}
{{- end }}

{{/* The configuration, with what the chart adds. */}}
{{- define "dragoman.config" -}}
{{- $config := deepCopy .Values.config }}
{{- range $key := list "admin" "shutdown" }}
{{- if hasKey $config $key }}
{{- fail (printf "config.%s is set by the chart: use %s of the values" $key $key) }}
{{- end }}
{{- end }}
{{- if empty $config.services }}
{{- fail "config.services is empty: say which backend serves which services" }}
{{- end }}
{{- $admin := dict "address" (printf ":%d" (int .Values.admin.port)) "token_file" "/etc/dragoman/admin/token" "data_dir" "/var/lib/dragoman" }}
{{- if .Values.admin.readOnly }}
{{- $_ := set $admin "read_only" true }}
{{- end }}
{{- $_ := set $config "admin" $admin }}
{{- $_ := set $config "shutdown" (dict "delay" (printf "%ds" (int .Values.shutdown.delaySeconds)) "drain" (printf "%ds" (int .Values.shutdown.drainSeconds))) }}
{{- toYaml $config }}
{{- end }}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// The messages of the admin API as JSON has them. Written by a test: go test ./gateway/admin/console -update.

export interface AcmeDomain {
  listener?: string;
  name?: string;
  hasCertificate?: boolean;
  notAfter?: string;
  error?: string;
  failedAt?: string;
  nextTry?: string;
  issued?: string;
  failed?: string;
  authority?: string;
}

export interface AcmeEvent {
  time?: string;
  kind?: AcmeEventKind;
  listener?: string;
  name?: string;
  renewal?: boolean;
  text?: string;
}

export type AcmeEventKind = 'ACME_EVENT_KIND_UNSPECIFIED' | 'ACME_EVENT_KIND_LOADED' | 'ACME_EVENT_KIND_ORDERED' | 'ACME_EVENT_KIND_ISSUED' | 'ACME_EVENT_KIND_FAILED' | 'ACME_EVENT_KIND_REVOKED';

export interface ApiKey {
  provider?: string;
  id?: string;
  subject?: string;
  tenant?: string;
  expireTime?: string;
  file?: string;
  scopes?: string[];
}

export interface AuthProvider {
  name?: string;
  kind?: string;
  methods?: number;
  accepted?: string;
  refused?: Record<string, string>;
  keys?: SigningKey[];
  keysRefreshed?: string;
  keysError?: string;
  location?: string;
  keysWritable?: boolean;
  cacheHits?: string;
  cacheMisses?: string;
  cacheEntries?: string;
  keysNotWritable?: string;
}

export interface AuthorizationRule {
  name?: string;
  dryRun?: boolean;
  refused?: string;
  unknown?: string;
}

export interface Backend {
  name?: string;
  policy?: string;
  tls?: boolean;
  ready?: boolean;
  source?: EndpointSource;
  endpoints?: Endpoint[];
  calls?: BackendCalls;
  transitions?: Transition[];
  routes?: number;
}

export interface BackendCalls {
  inFlight?: number;
  streams?: number;
  queued?: number;
  limit?: number;
  refused?: string;
  retries?: string;
  retriesOverBudget?: string;
  hedges?: string;
  hedgesWon?: string;
  circuit?: string;
  circuitRefused?: string;
  mirrored?: string;
}

export interface Cache {
  name?: string;
  entries?: string;
  bytes?: string;
  maxBytes?: string;
  hits?: string;
  misses?: string;
  evicted?: string;
  purged?: string;
  stale?: string;
  bypassed?: string;
  stored?: string;
  sharedHits?: string;
  sharedErrors?: string;
}

export interface CachedAnswer {
  key?: string;
  method?: string;
  tags?: string[];
  bytes?: string;
}

export interface CallFilter {
  route?: string;
  errors?: boolean;
  codes?: string[];
  reasons?: string[];
  subject?: string;
  slowerThan?: string;
  backend?: string;
}

export interface CallStats {
  calls?: string;
  errors?: string;
  inFlight?: string;
  lastCall?: string;
  latency?: Latency;
  codes?: Record<string, string>;
  reasons?: Record<string, string>;
  heat?: Heat;
}

export interface CallSummary {
  id?: string;
  time?: string;
  traceId?: string;
  protocol?: string;
  listener?: string;
  verb?: string;
  path?: string;
  route?: string;
  method?: string;
  code?: string;
  httpStatus?: number;
  reason?: string;
  message?: string;
  backend?: string;
  endpoint?: string;
  attempts?: number;
  duration?: string;
  gateway?: string;
  backendTime?: string;
  ttfb?: string;
  client?: string;
  subject?: string;
  rule?: string;
  bytesIn?: string;
  bytesOut?: string;
  messagesIn?: string;
  messagesOut?: string;
  userAgent?: string;
  cache?: string;
  captured?: boolean;
  traceSampled?: boolean;
}

export interface Capture {
  permitted?: boolean;
  on?: boolean;
  bodies?: boolean;
  errors?: boolean;
  match?: string[];
  until?: string;
  who?: string;
  calls?: number;
  maxCalls?: number;
  bytes?: string;
  maxBytes?: string;
  leftOut?: string;
}

export interface CapturedCall {
  summary?: CallSummary;
  timeline?: Stop[];
  requestHeaders?: HeaderField[];
  responseHeaders?: HeaderField[];
  requestMessages?: string[];
  responseMessages?: string[];
  command?: string;
  detail?: string;
  responseTrailers?: HeaderField[];
  requestLeftOut?: number;
  responseLeftOut?: number;
  redacted?: boolean;
  replayable?: boolean;
}

export interface Certificate {
  usedBy?: string;
  names?: string[];
  subject?: string;
  issuer?: string;
  notBefore?: string;
  notAfter?: string;
  daysLeft?: number;
  serial?: string;
  fingerprint?: string;
  file?: string;
  keyType?: string;
  error?: string;
  authority?: boolean;
  source?: string;
  listener?: string;
}

export interface Check {
  name?: string;
  ok?: boolean;
  message?: string;
}

export interface CircuitBreaker {
  backend?: string;
  state?: string;
  refused?: string;
  reason?: string;
  since?: string;
  until?: string;
  configured?: boolean;
}

export interface CompareSchemasRequest {
  descriptorSet?: string;
}

export interface CompareSchemasResponse {
  changes?: SchemaChange[];
  breaking?: number;
}

export interface CreateKeyRequest {
  provider?: string;
  id?: string;
  subject?: string;
  tenant?: string;
  expireTime?: string;
}

export interface CreateKeyResponse {
  key?: ApiKey;
  secret?: string;
}

export interface DeleteSwitchRequest {
  match?: string;
}

export interface DeleteSwitchResponse {
  reload?: Reload;
}

export interface Diagnostic {
  level?: Level;
  code?: string;
  message?: string;
  path?: string;
  spans?: Span[];
  help?: string[];
  notes?: string[];
}

export interface DiffConfigRequest {
  yaml?: string;
}

export interface DiffConfigResponse {
  changes?: FieldChange[];
  problems?: Diagnostic[];
}

export interface DownloadDescriptorsRequest {
  service?: string;
}

export interface DrainEndpointRequest {
  backend?: string;
  address?: string;
}

export interface DrainEndpointResponse {
  backend?: Backend;
}

export interface Endpoint {
  address?: string;
  connected?: string;
  connections?: number;
  state?: EndpointState;
  reason?: string;
  since?: string;
  error?: string;
  tries?: number;
  nextTry?: string;
  inFlight?: string;
  succeeded?: string;
  failed?: string;
  latency?: string;
  success?: number;
  weight?: number;
  zone?: string;
  priority?: number;
  labels?: string[];
  callsPerSecond?: number;
  certificate?: string;
  latencies?: Latency;
}

export interface EndpointSeries {
  backend?: string;
  address?: string;
  callsPerSecond?: number[];
}

export interface EndpointSource {
  name?: string;
  endpoints?: number;
  asked?: string;
  answered?: string;
  since?: string;
  error?: string;
}

export type EndpointState = 'ENDPOINT_STATE_UNSPECIFIED' | 'ENDPOINT_STATE_IDLE' | 'ENDPOINT_STATE_CONNECTING' | 'ENDPOINT_STATE_READY' | 'ENDPOINT_STATE_FAILING' | 'ENDPOINT_STATE_DRAINING' | 'ENDPOINT_STATE_UNHEALTHY' | 'ENDPOINT_STATE_EJECTED';

export interface EnumType {
  name?: string;
  comment?: string;
  values?: EnumTypeValue[];
}

export interface EnumTypeValue {
  name?: string;
  number?: number;
  comment?: string;
  deprecated?: boolean;
}

export interface ExplainAuth {
  any?: string[];
  everybody?: boolean;
  providers?: ExplainProvider[];
}

export interface ExplainCache {
  stores?: boolean;
  why?: string;
  ttl?: string;
  staleWhileRevalidate?: string;
  staleIfError?: string;
  shared?: boolean;
  key?: string[];
  notes?: string[];
  origin?: string;
  place?: string;
}

export interface ExplainEndpoint {
  backend?: string;
  state?: string;
}

export interface ExplainField {
  path?: string;
  from?: string;
  name?: string;
  value?: string;
  note?: string;
}

export interface ExplainHeader {
  name?: string;
  value?: string;
}

export interface ExplainLimit {
  name?: string;
  key?: string;
  limit?: string;
  maxInFlight?: number;
  weight?: number;
  messages?: boolean;
  place?: string;
}

export interface ExplainPermit {
  name?: string;
  allow?: string;
  dryRun?: boolean;
  place?: string;
}

export interface ExplainProvider {
  name?: string;
  kind?: string;
  field?: string;
  shown?: boolean;
}

export interface ExplainRequest {
  verb?: string;
  path?: string;
  headers?: ExplainHeader[];
  body?: string;
  listener?: string;
}

export interface ExplainResponse {
  request?: string;
  protocol?: string;
  ok?: boolean;
  status?: number;
  reason?: string;
  message?: string;
  allow?: string[];
  location?: string;
  route?: ExplainRoute;
  method?: string;
  kind?: string;
  others?: ExplainRoute[];
  moreOthers?: number;
  input?: string;
  fields?: ExplainField[];
  bound?: string;
  policy?: ExplainSetting[];
  auth?: ExplainAuth;
  limits?: ExplainLimit[];
  authorization?: ExplainPermit[];
  traffic?: ExplainTraffic;
  endpoints?: ExplainEndpoint[];
  cache?: ExplainCache;
}

export interface ExplainRoute {
  rule?: string;
  method?: string;
  body?: string;
  responseBody?: string;
  origin?: string;
  declared?: string;
  reason?: string;
  matches?: boolean;
}

export interface ExplainSetting {
  name?: string;
  value?: string;
  origin?: string;
  place?: string;
}

export interface ExplainStep {
  rule?: string;
  backend?: string;
  takes?: boolean;
  percent?: number;
}

export interface ExplainTraffic {
  entry?: string;
  place?: string;
  backend?: string;
  steps?: ExplainStep[];
  mirror?: string;
}

export interface Field {
  name?: string;
  jsonName?: string;
  number?: number;
  type?: string;
  typeName?: string;
  repeated?: boolean;
  optional?: boolean;
  map?: boolean;
  keyType?: string;
  oneof?: string;
  comment?: string;
  behaviors?: string[];
  rules?: Rule[];
  deprecated?: boolean;
  defaultValue?: string;
}

export interface FieldChange {
  path?: string;
  before?: string;
  after?: string;
  needsRestart?: boolean;
  effect?: string;
}

export interface GetBackendRequest {
  name?: string;
}

export interface GetBackendResponse {
  backend?: Backend;
}

export interface GetCallRequest {
  id?: string;
}

export interface GetCallResponse {
  call?: CapturedCall;
}

export interface GetCaptureRequest {
}

export interface GetCaptureResponse {
  capture?: Capture;
}

export interface GetConfigRequest {
  onlyFile?: boolean;
}

export interface GetConfigResponse {
  file?: string;
  loaded?: string;
  fingerprint?: string;
  pending?: boolean;
  settings?: Setting[];
  yaml?: string;
  warnings?: Diagnostic[];
}

export interface GetLogLevelRequest {
}

export interface GetLogLevelResponse {
  level?: string;
}

export interface GetSeriesRequest {
  window?: string;
}

export interface GetSeriesResponse {
  points?: Point[];
}

export interface GetSourceRequest {
  element?: string;
  around?: number;
}

export interface GetSourceResponse {
  file?: string;
  text?: string;
  firstLine?: number;
  line?: number;
  newer?: boolean;
}

export interface GetStatusRequest {
}

export interface GetStatusResponse {
  version?: string;
  goVersion?: string;
  hostname?: string;
  pid?: number;
  startTime?: string;
  uptime?: string;
  ready?: boolean;
  checks?: Check[];
  listeners?: Listener[];
  adminAddress?: string;
  readOnly?: boolean;
  configFile?: string;
  totals?: Totals;
  lastReload?: Reload;
  inForceSince?: string;
  warnings?: Diagnostic[];
  needsRestart?: FieldChange[];
  traceLink?: string;
  certificatesVersion?: string;
}

export interface GetTypeRequest {
  name?: string;
}

export interface GetTypeResponse {
  messages?: MessageType[];
  enums?: EnumType[];
}

export interface HeaderField {
  name?: string;
  value?: string;
}

export interface Heat {
  span?: string;
  current?: string;
  bounds?: number[];
  columns?: HeatColumn[];
}

export interface HeatColumn {
  counts?: number[];
}

export interface HotKey {
  key?: string;
  refused?: string;
}

export interface Latency {
  p50?: string;
  p95?: string;
  p99?: string;
  mean?: string;
}

export type Level = 'LEVEL_UNSPECIFIED' | 'LEVEL_ERROR' | 'LEVEL_WARNING' | 'LEVEL_NOTE';

export interface LimitStore {
  kind?: string;
  location?: string;
  ok?: boolean;
  error?: string;
  latency?: string;
  since?: string;
  asked?: string;
  failed?: string;
  fallingBack?: boolean;
}

export interface ListBackendsRequest {
}

export interface ListBackendsResponse {
  backends?: Backend[];
}

export interface ListCachedRequest {
  match?: string;
  limit?: number;
}

export interface ListCachedResponse {
  answers?: CachedAnswer[];
  more?: boolean;
}

export interface ListCallsRequest {
  filter?: CallFilter;
  limit?: number;
}

export interface ListCallsResponse {
  calls?: CallSummary[];
}

export interface ListCertificatesRequest {
}

export interface ListCertificatesResponse {
  certificates?: Certificate[];
  domains?: AcmeDomain[];
  events?: AcmeEvent[];
}

export interface ListEndpointSeriesRequest {
  backend?: string;
}

export interface ListEndpointSeriesResponse {
  time?: string;
  endpoints?: EndpointSeries[];
  leftOut?: number;
}

export interface ListKeysRequest {
  provider?: string;
}

export interface ListKeysResponse {
  keys?: ApiKey[];
}

export interface ListLogsRequest {
  level?: string;
  limit?: number;
}

export interface ListLogsResponse {
  lines?: LogLine[];
}

export interface ListPoliciesRequest {
}

export interface ListPoliciesResponse {
  authProviders?: AuthProvider[];
  rateLimits?: RateLimit[];
  limitStore?: LimitStore;
  circuitBreakers?: CircuitBreaker[];
  caches?: Cache[];
  authorizationRules?: AuthorizationRule[];
}

export interface ListReloadsRequest {
  limit?: number;
}

export interface ListReloadsResponse {
  reloads?: Reload[];
}

export interface ListRoutesRequest {
  match?: string;
  method?: string;
  policies?: boolean;
  heat?: boolean;
}

export interface ListRoutesResponse {
  routes?: Route[];
}

export interface ListServiceSeriesRequest {
}

export interface ListServiceSeriesResponse {
  services?: ServiceSeries[];
}

export interface ListServicesRequest {
  match?: string;
}

export interface ListServicesResponse {
  services?: Service[];
}

export interface ListSourcesRequest {
}

export interface ListSourcesResponse {
  sources?: SchemaSource[];
  conflicts?: Diagnostic[];
}

export interface ListSwitchesRequest {
}

export interface ListSwitchesResponse {
  switches?: Switch[];
  file?: string;
}

export interface Listener {
  name?: string;
  address?: string;
  protocols?: string[];
  tls?: boolean;
  reflection?: boolean;
  health?: boolean;
  certificateNotAfter?: string;
  certificates?: number;
  domainsWithoutCertificate?: number;
  lastAcmeEvent?: string;
}

export interface LogLine {
  time?: string;
  level?: string;
  message?: string;
  fields?: Record<string, string>;
}

export interface MessageType {
  name?: string;
  comment?: string;
  fields?: Field[];
  oneofs?: Oneof[];
  rules?: Rule[];
  position?: Position;
  deprecated?: boolean;
}

export interface Method {
  name?: string;
  fullName?: string;
  kind?: string;
  comment?: string;
  requestType?: string;
  responseType?: string;
  deprecated?: boolean;
  noSideEffects?: boolean;
  idempotent?: boolean;
  routes?: MethodRoute[];
  position?: Position;
  switchedOff?: boolean;
}

export interface MethodRoute {
  verb?: string;
  path?: string;
  body?: string;
  variables?: string[];
  responseBody?: string;
}

export interface Oneof {
  name?: string;
  comment?: string;
  fields?: string[];
  required?: boolean;
}

export interface Point {
  time?: string;
  calls?: string;
  errors?: string;
  refused?: string;
  latency?: Quantiles;
  overhead?: Quantiles;
  inFlight?: string;
  streams?: string;
  bytesIn?: string;
  bytesOut?: string;
  connections?: Record<string, string>;
}

export interface PolicyValue {
  name?: string;
  value?: string;
  origin?: string;
  position?: Position;
}

export interface Position {
  file?: string;
  line?: number;
  column?: number;
}

export interface PurgeCacheRequest {
  match?: string;
  tag?: string;
  key?: string;
}

export interface PurgeCacheResponse {
  purged?: string;
}

export interface Quantiles {
  p50?: number;
  p95?: number;
  p99?: number;
}

export interface RateLimit {
  name?: string;
  match?: string;
  key?: string;
  limit?: string;
  admitted?: string;
  refused?: string;
  refusedPerSecond?: number;
  keys?: string;
  hottest?: HotKey[];
  origin?: string;
  admittedPerSecond?: number;
  shared?: boolean;
  onError?: string;
  withoutStore?: string;
}

export interface Reload {
  id?: string;
  time?: string;
  took?: string;
  trigger?: Trigger;
  who?: string;
  result?: ReloadResult;
  dryRun?: boolean;
  sources?: string[];
  changes?: FieldChange[];
  routesAdded?: string[];
  routesRemoved?: string[];
  routesChanged?: string[];
  schemaChanges?: SchemaChange[];
  problems?: Diagnostic[];
  warnings?: Diagnostic[];
}

export interface ReloadRequest {
  dryRun?: boolean;
  allowBreaking?: boolean;
}

export interface ReloadResponse {
  reload?: Reload;
}

export type ReloadResult = 'RELOAD_RESULT_UNSPECIFIED' | 'RELOAD_RESULT_APPLIED' | 'RELOAD_RESULT_UNCHANGED' | 'RELOAD_RESULT_REFUSED';

export interface ReplayCallRequest {
  id?: string;
  headers?: HeaderField[];
}

export interface ReplayCallResponse {
  call?: CapturedCall;
  notes?: string[];
}

export interface RevokeKeyRequest {
  provider?: string;
  id?: string;
}

export interface RevokeKeyResponse {
}

export interface Route {
  verb?: string;
  path?: string;
  method?: string;
  service?: string;
  kind?: string;
  body?: string;
  responseBody?: string;
  variables?: string[];
  backends?: string[];
  auth?: string[];
  timeout?: string;
  origin?: string;
  declared?: Position;
  source?: string;
  comment?: string;
  deprecated?: boolean;
  switchedOff?: boolean;
  policy?: PolicyValue[];
  stats?: CallStats;
  rpcStats?: CallStats;
}

export interface Rule {
  name?: string;
  value?: string;
  message?: string;
}

export interface SchemaChange {
  breaking?: boolean;
  rule?: string;
  element?: string;
  message?: string;
  methods?: string[];
}

export interface SchemaSource {
  name?: string;
  kind?: string;
  location?: string;
  watched?: boolean;
  ok?: boolean;
  loaded?: string;
  age?: string;
  checked?: string;
  version?: string;
  files?: number;
  services?: number;
  methods?: number;
  messages?: number;
  problems?: Diagnostic[];
  unserved?: Diagnostic[];
}

export interface Service {
  name?: string;
  comment?: string;
  source?: string;
  position?: Position;
  deprecated?: boolean;
  methods?: Method[];
}

export interface ServiceSeries {
  service?: string;
  calls?: string[];
  errors?: string[];
  span?: string;
  totalCalls?: string;
  totalErrors?: string;
}

export interface SetCaptureRequest {
  on?: boolean;
  bodies?: boolean;
  errors?: boolean;
  match?: string[];
  duration?: string;
  asConfigured?: boolean;
  clear?: boolean;
}

export interface SetCaptureResponse {
  capture?: Capture;
}

export interface SetEndpointWeightRequest {
  backend?: string;
  address?: string;
  weight?: number;
}

export interface SetEndpointWeightResponse {
  backend?: Backend;
}

export interface SetLogLevelRequest {
  level?: string;
}

export interface SetLogLevelResponse {
  level?: string;
}

export interface SetSwitchRequest {
  match?: string;
  off?: boolean;
  backend?: string;
  note?: string;
}

export interface SetSwitchResponse {
  switch?: Switch;
  reload?: Reload;
}

export interface Setting {
  path?: string;
  value?: string;
  origin?: SettingOrigin;
  position?: Position;
  written?: string;
  needsRestart?: boolean;
}

export type SettingOrigin = 'SETTING_ORIGIN_UNSPECIFIED' | 'SETTING_ORIGIN_DEFAULT' | 'SETTING_ORIGIN_FILE' | 'SETTING_ORIGIN_ENVIRONMENT' | 'SETTING_ORIGIN_FLAG' | 'SETTING_ORIGIN_ADMIN';

export interface SigningKey {
  id?: string;
  algorithm?: string;
}

export interface Span {
  position?: Position;
  endColumn?: number;
  label?: string;
  text?: string;
  primary?: boolean;
}

export interface Stop {
  name?: string;
  offset?: string;
  took?: string;
  detail?: string;
}

export interface Switch {
  match?: string;
  off?: boolean;
  backend?: string;
  note?: string;
  who?: string;
  time?: string;
  methods?: number;
}

export interface TailCallsRequest {
  filter?: CallFilter;
  details?: boolean;
}

export interface TailCallsResponse {
  call?: CallSummary;
  details?: CapturedCall;
  missed?: string;
}

export interface TailLogsRequest {
  level?: string;
}

export interface TailLogsResponse {
  line?: LogLine;
  missed?: string;
}

export type Topic = 'TOPIC_UNSPECIFIED' | 'TOPIC_METRICS' | 'TOPIC_BACKENDS' | 'TOPIC_RELOADS' | 'TOPIC_CALLS' | 'TOPIC_LOGS' | 'TOPIC_STATUS';

export interface Totals {
  services?: number;
  methods?: number;
  routes?: number;
  sources?: number;
  backends?: number;
  endpoints?: number;
  readyEndpoints?: number;
  inFlight?: string;
}

export interface Transition {
  time?: string;
  address?: string;
  from?: EndpointState;
  to?: EndpointState;
  reason?: string;
}

export type Trigger = 'TRIGGER_UNSPECIFIED' | 'TRIGGER_START' | 'TRIGGER_CONFIG_FILE' | 'TRIGGER_SCHEMA' | 'TRIGGER_SIGNAL' | 'TRIGGER_ADMIN' | 'TRIGGER_SWITCH';

export interface UndrainEndpointRequest {
  backend?: string;
  address?: string;
}

export interface UndrainEndpointResponse {
  backend?: Backend;
}

export interface UploadSchemaRequest {
  source?: string;
  descriptorSet?: string;
  dryRun?: boolean;
  allowBreaking?: boolean;
}

export interface UploadSchemaResponse {
  reload?: Reload;
}

export interface ValidateConfigRequest {
  yaml?: string;
}

export interface ValidateConfigResponse {
  valid?: boolean;
  problems?: Diagnostic[];
}

export interface WatchEventsRequest {
  topics?: Topic[];
  calls?: CallFilter;
  logLevel?: string;
}

export interface WatchEventsResponse {
  sequence?: string;
  time?: string;
  missed?: string;
  point?: Point;
  backends?: ListBackendsResponse;
  reload?: Reload;
  call?: CallSummary;
  log?: LogLine;
  status?: GetStatusResponse;
}

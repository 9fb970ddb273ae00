// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package status

import "strings"

// Reason says in one machine-readable word why an answer is what it is. It is a
// log field, a metric label and the value of the x-dragoman-reason header.
type Reason string

// The reasons. They are part of the product's interface: names do not change.
const (
	ReasonOK                   Reason = "ok"
	ReasonCacheHit             Reason = "cache_hit"
	ReasonNoRoute              Reason = "no_route"
	ReasonMethodNotAllowed     Reason = "method_not_allowed"
	ReasonUnsupportedMediaType Reason = "unsupported_media_type"
	ReasonNotAcceptable        Reason = "not_acceptable"
	ReasonUnsupported          Reason = "unsupported"
	ReasonBadRequest           Reason = "bad_request"
	ReasonBadJSON              Reason = "bad_json"
	ReasonBadPathParam         Reason = "bad_path_param"
	ReasonBadQuery             Reason = "bad_query"
	ReasonBadHeader            Reason = "bad_header"
	ReasonValidationFailed     Reason = "validation_failed"
	ReasonMessageTooLarge      Reason = "message_too_large"
	ReasonHeaderTooLarge       Reason = "header_too_large"
	ReasonDeadlineExceeded     Reason = "deadline_exceeded"
	ReasonClientCancelled      Reason = "client_cancelled"
	ReasonStreamIdle           Reason = "stream_idle"
	ReasonNoReadyBackend       Reason = "no_ready_backend"
	ReasonBackendConnectFailed Reason = "backend_connect_failed"
	ReasonBackendReset         Reason = "backend_reset"
	ReasonBackendError         Reason = "backend_error"
	ReasonResponseInvalid      Reason = "response_invalid"
	ReasonRetryBudgetEmpty     Reason = "retry_budget_empty"
	ReasonSchemaMismatch       Reason = "schema_mismatch"
	ReasonOriginNotAllowed     Reason = "origin_not_allowed"
	ReasonUnauthenticated      Reason = "unauthenticated"
	ReasonTokenInvalid         Reason = "token_invalid"
	ReasonTokenExpired         Reason = "token_expired"
	ReasonTokenNotYetValid     Reason = "token_not_yet_valid"
	ReasonTokenUntrusted       Reason = "token_untrusted"
	ReasonKeyInvalid           Reason = "key_invalid"
	ReasonKeyExpired           Reason = "key_expired"
	ReasonPasswordInvalid      Reason = "password_invalid"
	ReasonCertificateInvalid   Reason = "certificate_invalid"
	ReasonCrossSite            Reason = "cross_site"
	ReasonPermissionDenied     Reason = "permission_denied"
	ReasonAuthDenied           Reason = "auth_denied"
	ReasonAuthUnavailable      Reason = "auth_unavailable"
	ReasonRateLimited          Reason = "rate_limited"
	ReasonTooManyInFlight      Reason = "too_many_in_flight"
	ReasonLimitUnavailable     Reason = "limit_unavailable"
	ReasonDraining             Reason = "draining"
	ReasonOverloaded           Reason = "overloaded"
	ReasonSwitchedOff          Reason = "switched_off"
	ReasonCircuitOpen          Reason = "circuit_open"
	ReasonNotCached            Reason = "not_cached"
	ReasonInternal             Reason = "internal"
)

// ErrorInfo returns the reason in the form of google.rpc.ErrorInfo.reason: upper case.
func (r Reason) ErrorInfo() string { return strings.ToUpper(string(r)) }

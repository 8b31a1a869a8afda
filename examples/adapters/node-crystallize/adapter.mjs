// Judges @crystallize/node-klarna as it is; see NOTES.md for what its source says.
// npm install && klarna-conformance test-client --adapter "node adapter.mjs"
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { serve } from '../skeleton.mjs';

const { Klarna } = createRequire(import.meta.url)('@crystallize/node-klarna');

// The package knows https hosts only, and no port. Its host name is taken as the whole base URL here, which changes
// where a request goes and nothing of the request.
const overTls = https.request;
https.request = (options, listener) => {
  const { protocol, hostname, port } = new URL(options.hostname);
  const place = { ...options, hostname, port };
  return protocol === 'https:' ? overTls.call(https, place, listener) : http.request(place, listener);
};

const METHODS = {
  getOrder: ({ orders }, { order_id }) => orders.getOrder(order_id),
  acknowledgeOrder: ({ orders }, { order_id }) => orders.acknowledge(order_id),
  cancelOrder: ({ orders }, { order_id }) => orders.cancel(order_id),
  releaseRemainingAuthorization: ({ orders }, { order_id }) => orders.releaseRemainingAuthorization(order_id),
  updateMerchantReferences: ({ orders }, { order_id }, body) => orders.updateMerchantReference(order_id, body),
  captureOrder: ({ captures }, { order_id }, body) => captures.capture(order_id, body),
  refundOrder: ({ refunds }, { order_id }, body) => refunds.create(order_id, body),
};

async function call(run, sessions) {
  if (run.idempotency_key !== null) return { outcome: 'could_not_try', why: 'it takes no idempotency key' };
  if (!sessions.has(run.session)) {
    const { username, password, base_url: apiEndpoint } = run;
    sessions.set(run.session, new Klarna({ username, password, apiEndpoint }).orderManagementV1);
  }
  const result = await METHODS[run.operation](sessions.get(run.session), run.path, run.body);
  // It resolves whatever happens, with `error` in place of `response` when it failed: this is how one asks it.
  if (!result.error) return { outcome: 'returned', value: result.response ?? null };
  const { error_code, error_messages, error_message, correlation_id } = result.error;
  const error = {
    kind: 'error',
    status: result.statusCode,
    error_code,
    error_messages: error_messages ?? (error_message ? [error_message] : []),
    correlation_id,
    text: String(result.error.message ?? result.error),
  };
  return { outcome: 'raised', error };
}

const features = { idempotency_key: false, timeout: false };
serve({ name: '@crystallize/node-klarna', version: '4.9.1', operations: Object.keys(METHODS), features }, call);

// Judges klarna-node as it is; see NOTES.md for what its source says.
// npm install && klarna-conformance test-client --adapter "node adapter.mjs"
import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { serve } from '../skeleton.mjs';

const { default: klarna, klarnaOrderManagement } = createRequire(import.meta.url)('klarna-node');

// The package knows two addresses only. Where a request goes is changed here, and the header that names the place.
const place = new AsyncLocalStorage();
const overTls = https.request;
https.request = (options, listener) => {
  const { protocol, hostname, host, port } = new URL(place.getStore());
  const secure = protocol === 'https:';
  const agent = secure ? https.globalAgent : http.globalAgent;
  const headers = { ...options.headers, host };
  const moved = { ...options, protocol, hostname, host: hostname, port, agent, headers };
  return secure ? overTls.call(https, moved, listener) : http.request(moved, listener);
};

const METHODS = {
  acknowledgeOrder: ({ order_id }) => klarnaOrderManagement.acknowledgeOrder(order_id),
  captureOrder: ({ order_id }, body) => klarnaOrderManagement.captureOrder(body, order_id),
};

async function call(run) {
  if (run.idempotency_key !== null) return { outcome: 'could_not_try', why: 'it takes no idempotency key' };
  // The credentials are the module's, one pair for the process; they are read before the first wait of a call.
  klarna.init({ uid: run.username, password: run.password });
  try {
    const value = await place.run(run.base_url, () => METHODS[run.operation](run.path, run.body));
    return { outcome: 'returned', value: value ?? null };
  } catch (failure) {
    const told = typeof failure.error === 'object' && failure.error !== null ? failure.error : {};
    const error = {
      kind: failure.name,
      status: failure.statusCode,
      error_code: told.error_code,
      error_messages: told.error_messages ?? (told.error_message ? [told.error_message] : []),
      correlation_id: told.correlation_id ?? failure.response?.headers?.['klarna-correlation-id'],
      text: String(failure),
    };
    return { outcome: 'raised', error };
  }
}

const features = { idempotency_key: false, timeout: false };
serve({ name: 'klarna-node', version: '0.1.2', operations: Object.keys(METHODS), features }, call);

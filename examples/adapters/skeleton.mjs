// An adapter for a client in Node: one JSON object a line in, one a line out. Put your client where it says so.
// klarna-conformance test-client --adapter "node skeleton.mjs"
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Speaks the protocol. `hello` introduces the client; `call(run, sessions)` makes one call and resolves to an outcome.
export function serve(hello, call) {
  const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  const sessions = new Map(); // the same session is the same client object
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const run = JSON.parse(line);
    if (run.type === 'hello') say({ type: 'hello', protocol: 1, language: 'node', ...hello });
    if (run.type === 'bye') process.exit(0);
    if (run.type !== 'run') return;
    let outcome;
    try {
      outcome = hello.operations.includes(run.operation) ? await call(run, sessions) : { outcome: 'unsupported' };
    } catch (error) {
      outcome = { outcome: 'raised', error: { kind: error?.name ?? 'unexpected', text: String(error) } };
    }
    say({ type: 'result', id: run.id, ...outcome });
  });
}

// Your client. What its user would see is what is reported: add no retry, no parsing, no mercy.
class Client {
  constructor({ base_url, username, password, timeout_s }) {
    this.base = `${base_url}/ordermanagement/v1/orders`;
    this.headers = { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
    this.timeout = timeout_s * 1000;
  }

  async getOrder(id) {
    const signal = AbortSignal.timeout(this.timeout);
    const options = { headers: this.headers, redirect: 'manual', signal };
    const response = await fetch(`${this.base}/${encodeURIComponent(id)}`, options);
    if (response.ok) return response.json();
    const told = await response.json().catch(() => ({}));
    const correlation_id = told.correlation_id ?? response.headers.get('klarna-correlation-id');
    throw Object.assign(new Error(`status ${response.status}`), { status: response.status, ...told, correlation_id });
  }
}

async function call(run, sessions) {
  if (!sessions.has(run.session)) sessions.set(run.session, new Client(run));
  try {
    return { outcome: 'returned', value: await sessions.get(run.session).getOrder(run.path.order_id) };
  } catch (error) {
    const { name: kind, status, error_code, error_message, correlation_id } = error;
    const error_messages = error.error_messages ?? (error_message ? [error_message] : []);
    const text = String(error);
    return { outcome: 'raised', error: { kind, status, error_code, error_messages, correlation_id, text } };
  }
}

const isMain = import.meta.url === pathToFileURL(process.argv[1]).href;
if (isMain) serve({ name: 'skeleton', operations: ['getOrder'], features: { idempotency_key: false } }, call);

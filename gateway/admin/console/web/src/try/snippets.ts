
// The same call in other words: for the shell, for pages, for phones.

import type { Listener } from '../api/types';
import { build } from './rest';
import { isObject, type Json } from './schema';
import { streamsAnswers, streamsRequests, type Plan } from './session';

export type SnippetName = 'curl' | 'grpcurl' | 'buf curl' | 'dragoman call' | 'fetch' | 'Swift' | 'Kotlin' | 'Dart';

export const snippetNames: SnippetName[] = ['curl', 'grpcurl', 'buf curl', 'dragoman call', 'fetch', 'Swift', 'Kotlin', 'Dart'];

/** snippet writes a call; messages are JSON texts. */
export function snippet(name: SnippetName, plan: Plan, messages: string[], listener: Listener | undefined): string {
  const c = context(plan, messages, listener);
  switch (name) {
    case 'curl':
      return curl(c);
    case 'grpcurl':
      return grpcurl(c);
    case 'buf curl':
      return buf(c);
    case 'dragoman call':
      return call(c);
    case 'fetch':
      return fetching(c);
    case 'Swift':
      return swift(c);
    case 'Kotlin':
      return kotlin(c);
    default:
      return dart(c);
  }
}

interface Context {
  plan: Plan;
  messages: string[];
  host: string;
  port: number;
  tls: boolean;
  base: string;
  service: string; // full name
  rpc: string;
}

function context(plan: Plan, messages: string[], listener: Listener | undefined): Context {
  const address = plan.authority || (listener?.address ?? '127.0.0.1:8080').replace(/^(0\.0\.0\.0|\[::\]|)(?=:\d+$)/, 'localhost');
  const tls = listener?.tls ?? false;
  const m = /^(.*?)(?::(\d+))?$/.exec(address)!;
  const [service, rpc] = plan.method.fullName!.split('/');
  return { plan, messages: messages.length ? messages.map(compact) : ['{}'], host: m[1], port: Number(m[2] ?? (tls ? 443 : 80)), tls, base: `${tls ? 'https' : 'http'}://${address}`, service, rpc };
}

function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** quote makes a word of the shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replace(/'/g, `'\\''`) + "'";
}

function broken(parts: string[]): string {
  return parts.join(' \\\n  ');
}

function request(c: Context) {
  const { plan } = c;
  if (plan.protocol === 'rest' && plan.route) {
    const r = build(plan.route, c.messages.map((m) => JSON.parse(m) as Json), plan.method.requestType!, plan.types, streamsRequests(plan.method));
    const headers: [string, string][] = [];
    if (r.body !== undefined) headers.push(['content-type', r.type!]);
    if (plan.deadline) headers.push(['x-server-timeout', String(plan.deadline / 1000)]);
    return { verb: r.verb, path: r.path, body: typeof r.body === 'string' || r.body === undefined ? r.body : '@file', headers: [...headers, ...plan.headers] };
  }
  const headers: [string, string][] = [
    ['content-type', 'application/json'],
    ['connect-protocol-version', '1'],
  ];
  if (plan.deadline) headers.push(['connect-timeout-ms', String(plan.deadline)]);
  return { verb: 'POST', path: '/' + plan.method.fullName, body: c.messages[0], headers: [...headers, ...plan.headers] };
}

function curl(c: Context): string {
  const { plan } = c;
  if (plan.protocol === 'websocket' || (plan.protocol !== 'rest' && (streamsAnswers(plan.method) || streamsRequests(plan.method))))
    return `# curl has no envelopes of messages; websocat speaks the WebSocket of the method\n` + `printf '%s\\n' ${c.messages.map(quote).join(' ')} | \\\n  websocat -n --protocol dragoman.json ${quote(c.base.replace(/^http/, 'ws') + '/' + plan.method.fullName)}`;
  const r = request(c);
  const parts = ['curl' + (streamsAnswers(plan.method) ? ' -N' : '') + (r.verb === 'GET' || (r.verb === 'POST' && r.body !== undefined) ? '' : ' -X ' + r.verb) + ' ' + quote(c.base + r.path)];
  for (const [k, v] of r.headers) parts.push('-H ' + quote(`${k}: ${v}`));
  if (r.body !== undefined) parts.push((streamsRequests(plan.method) ? '--data-binary ' : '-d ') + quote(r.body));
  return broken(parts);
}

function grpcurl(c: Context): string {
  const parts = ['grpcurl' + (c.tls ? '' : ' -plaintext')];
  for (const [k, v] of c.plan.headers) parts.push('-H ' + quote(`${k}: ${v}`));
  if (c.plan.deadline) parts.push(`-max-time ${c.plan.deadline / 1000}`);
  if (c.messages.some((m) => m !== '{}')) parts.push('-d ' + quote(c.messages.join('\n')));
  parts.push(`${c.host}:${c.port} ${c.plan.method.fullName}`);
  return broken(parts);
}

function buf(c: Context): string {
  const via = c.plan.protocol === 'grpcweb' ? 'grpcweb' : c.plan.protocol === 'connect' ? 'connect' : 'grpc';
  const parts = [`buf curl --protocol ${via}${!c.tls && via === 'grpc' ? ' --http2-prior-knowledge' : ''}`];
  for (const [k, v] of c.plan.headers) parts.push('-H ' + quote(`${k}: ${v}`), '--reflect-header ' + quote(`${k}: ${v}`));
  parts.push('-d ' + quote(c.messages.join('\n')), quote(`${c.base}/${c.plan.method.fullName}`));
  return broken(parts);
}

function call(c: Context): string {
  const via = c.plan.protocol === 'websocket' ? 'grpc' : c.plan.protocol;
  const parts = [`dragoman call ${c.plan.method.fullName} --via ${via}`, `--address ${c.host}:${c.port}`];
  for (const [k, v] of c.plan.headers) parts.push('-H ' + quote(`${k}: ${v}`));
  if (c.plan.deadline) parts.push(`--timeout ${c.plan.deadline}ms`);
  if (!streamsRequests(c.plan.method)) return broken([...parts, '-d ' + quote(c.messages[0])]);
  return `printf '%s\\n' ${c.messages.map(quote).join(' ')} | ${broken(parts)}`;
}

function fetching(c: Context): string {
  const { plan } = c;
  if (streamsRequests(plan.method) || plan.protocol === 'websocket') {
    const bearer = plan.headers.find(([k]) => k.toLowerCase() === 'authorization')?.[1].replace(/^bearer /i, '');
    return `const socket = new WebSocket('${c.base.replace(/^http/, 'ws')}/${plan.method.fullName}', [${bearer ? `'bearer.${bearer}', ` : ''}'dragoman.json']);
socket.onopen = () => {
${c.messages.map((m) => `  socket.send(JSON.stringify(${m}));`).join('\n')}
  socket.send(''); // that is all
};
socket.onmessage = (e) => console.log(JSON.parse(e.data));
socket.onclose = (e) => console.log(e.code === 1000 ? 'OK' : \`code \${e.code - 4000}: \${e.reason}\`);`;
  }
  const streams = streamsAnswers(plan.method);
  const r = streams && plan.route ? request({ ...c, plan: { ...plan, protocol: 'rest' } }) : request(c);
  const headers = [...(streams ? [['accept', 'application/x-ndjson'] as [string, string]] : []), ...r.headers];
  const options = [
    ...(r.verb === 'GET' ? [] : [`  method: '${r.verb}',`]),
    `  headers: ${JSON.stringify(Object.fromEntries(headers))},`,
    ...(r.body !== undefined ? [`  body: JSON.stringify(${r.body}),`] : []),
  ];
  const read = streams
    ? `let rest = '';
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) console.log(JSON.parse(line));
}`
    : `if (!response.ok) throw new Error((await response.json()).message);
console.log(await response.json());`;
  return `const response = await fetch('${c.base}${r.path}', {\n${options.join('\n')}\n});\n${read}`;
}

/** prefix is what the Swift plugin puts before names: the package, each part with a capital, and underscores. */
function swiftPrefix(service: string): string {
  return service
    .split('.')
    .slice(0, -1)
    .map((p) => p.split('_').map(capital).join(''))
    .join('_');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function lower(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function last(name: string): string {
  return name.split('.').pop()!;
}

function swift(c: Context): string {
  const m = c.plan.method;
  const type = (n: string) => `${swiftPrefix(n)}_${last(n)}`;
  const security = c.tls ? '.tls' : '.plaintext';
  const metadata = c.plan.headers.map(([k, v]) => `${JSON.stringify(k)}: ${JSON.stringify(v)}`).join(', ');
  const meta = metadata ? `, metadata: [${metadata}]` : '';
  const make = (json: string) => `try ${type(m.requestType!)}(jsonString: ${swiftText(json)})`;
  const use = streamsRequests(m)
    ? `let answer = try await service.${lower(c.rpc)}(request: .init(${metadata ? `metadata: [${metadata}], ` : ''}producer: { writer in
${c.messages.map((j) => `        try await writer.write(${make(j)})`).join('\n')}
    }))`
    : `let answer = try await service.${lower(c.rpc)}(${make(c.messages[0])}${meta})`;
  const show = streamsAnswers(m) ? `{ answer in\n        for try await message in answer.messages { print(message) }\n    }` : '';
  return `let transport = try HTTP2ClientTransport.TransportServices(target: .dns(host: "${c.host}", port: ${c.port}), transportSecurity: ${security})
try await withGRPCClient(transport: transport) { client in
    let service = ${type(c.service)}.Client(wrapping: client)
    ${show ? use.replace('let answer = ', '') + ' ' + show : use + '\n    print(answer)'}
}`;
}

/** swiftText is a literal in which nothing is escaped: it has as many signs around it as it takes for none of them to be in the text. */
function swiftText(text: string): string {
  let signs = '#';
  while (text.includes('"' + signs) || text.includes('\\' + signs)) signs += '#';
  return `${signs}"${text}"${signs}`;
}

function kotlin(c: Context): string {
  const m = c.plan.method;
  const parse = (j: string) => `${last(m.requestType!)}.newBuilder().also { JsonFormat.parser().merge("""${j.replace(/\$/g, "${'$$'}")}""", it) }.build()`;
  const headers = c.plan.headers.length ? `val headers = Metadata().apply {\n${c.plan.headers.map(([k, v]) => `    put(Metadata.Key.of("${k}", Metadata.ASCII_STRING_MARSHALLER), ${JSON.stringify(v).replace(/\$/g, '\\$$')})`).join('\n')}\n}\n` : '';
  const args = streamsRequests(m) ? `flowOf(\n${c.messages.map((j) => '    ' + parse(j)).join(',\n')},\n)` : parse(c.messages[0]);
  const invoke = `stub.${lower(c.rpc)}(${args}${headers ? ', headers' : ''})`;
  return `val channel = AndroidChannelBuilder.forAddress("${c.host}", ${c.port})${c.tls ? '' : '.usePlaintext()'}.build()
val stub = ${last(c.service)}GrpcKt.${last(c.service)}CoroutineStub(channel)${c.plan.deadline ? `.withDeadlineAfter(${c.plan.deadline}, TimeUnit.MILLISECONDS)` : ''}
${headers}${streamsAnswers(m) ? `${invoke}.collect { println(it) }` : `println(${invoke})`}`;
}

function dart(c: Context): string {
  const m = c.plan.method;
  const parse = (j: string) => `${last(m.requestType!)}()..mergeFromProto3Json(${dartValue(JSON.parse(j) as Json)})`;
  const options = [
    ...(c.plan.headers.length ? [`metadata: {${c.plan.headers.map(([k, v]) => `'${k}': ${dartText(v)}`).join(', ')}}`] : []),
    ...(c.plan.deadline ? [`timeout: Duration(milliseconds: ${c.plan.deadline})`] : []),
  ];
  const channel = `final channel = ClientChannel('${c.host}', port: ${c.port}${c.tls ? '' : ', options: ChannelOptions(credentials: ChannelCredentials.insecure())'});`;
  const argument = streamsRequests(m) ? `Stream.fromIterable([\n${c.messages.map((j) => '  ' + parse(j)).join(',\n')},\n])` : parse(c.messages[0]);
  const invoke = `${last(c.service)}Client(channel).${lower(c.rpc)}(${argument}${options.length ? `, options: CallOptions(${options.join(', ')})` : ''})`;
  return `${channel}\n${streamsAnswers(m) ? `await for (final answer in ${invoke}) print(answer);` : `print(await ${invoke});`}`;
}

function dartValue(v: Json): string {
  if (Array.isArray(v)) return `[${v.map(dartValue).join(', ')}]`;
  if (isObject(v)) return `{${Object.entries(v).map(([k, x]) => `${dartText(k)}: ${dartValue(x)}`).join(', ')}}`;
  return typeof v === 'string' ? dartText(v) : String(v);
}

function dartText(text: string): string {
  return "'" + text.replace(/[\\'$]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r') + "'";
}

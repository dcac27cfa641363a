// Serves dist/ with a made-up service behind it, to look at the pages without the real one.
//   node dev/server.mjs [port]      signed in unless ?… see dev/shots.mjs; /dev/* steers the story
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import * as story from './story.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";
const PICTURE = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420"><rect width="640" height="420" fill="#7aa2c9"/><circle cx="320" cy="210" r="120" fill="#f2d06b"/></svg>');

export async function start(port = 0, { empty = false, signedIn = true } = {}) {
  let inside = signedIn, messageFailures = 0;
  const sockets = new Set();
  const conversations = new Map((empty ? [] : [...story.CONVERSATIONS, ...story.CLOSED]).map((one) => [one.id, { ...one }]));
  const threads = new Map();
  for (const one of conversations.values()) {
    threads.set(one.id, story.threadOf(one));
    one.last_seq = threads.get(one.id).length;
  }
  let cursor = 1;
  const live = () => [...conversations.values()].filter((one) => !['closed', 'abandoned'].includes(one.state));
  const push = (...items) => {
    cursor += 1;
    for (const socket of sockets) socket.send(JSON.stringify({ type: 'changes', cursor: String(cursor), items }));
  };
  const posted = new Map();

  const routes = [
    ['GET', /^\/v1\/session$/, () => (inside ? story.ME : [401, { code: 'unauthorized' }])],
    ['POST', /^\/v1\/session$/, (_, body) => (body.password === 'wrong' ? [401, { code: 'sign_in_failed' }] : ((inside = true), story.ME))],
    ['DELETE', /^\/v1\/session$/, () => ((inside = false), [204])],
    ['PUT', /^\/v1\/operators\/me\/presence$/, (_, body) => ({ ...story.PRESENCE, declared: body.declared })],
    ['GET', /^\/v1\/conversations$/, (_, __, query) => {
      const view = query.get('view'), words = (query.get('q') ?? '').toLowerCase();
      const over = (one) => ['closed', 'abandoned'].includes(one.state);
      const items = [...conversations.values()].filter((one) => (view === 'closed' ? over(one) : !over(one)) && JSON.stringify(one).toLowerCase().includes(words));
      return { items, next_cursor: null };
    }],
    ['GET', /^\/v1\/conversations\/([^/]+)$/, ([id]) => conversations.get(id) ?? [404, { code: 'conversation_unknown' }]],
    ['GET', /^\/v1\/conversations\/([^/]+)\/messages$/, ([id], _, query) => {
      const [before, after] = [Number(query.get('before_seq') ?? Infinity), Number(query.get('after_seq') ?? 0)];
      const limit = Number(query.get('limit') ?? 100);
      const all = (threads.get(id) ?? []).filter(({ seq }) => seq < before && seq > after);
      const items = query.has('after_seq') ? all.slice(0, limit) : all.slice(-limit);
      return { items, has_more: items.length < all.length };
    }],
    ['POST', /^\/v1\/conversations\/([^/]+)\/messages$/, ([id], body) => {
      if (messageFailures > 0) return (messageFailures -= 1), [503, { code: 'overloaded' }];
      if (posted.has(body.client_id)) return [201, posted.get(body.client_id)];
      const one = conversations.get(id), thread = threads.get(id);
      const message = { ...thread[0], id: `ms_${id}_${thread.length + 1}`, seq: thread.length + 1, direction: 'out', type: body.template ? 'template' : body.media_id ? 'image' : 'text', options: [], event: null,
        author: { kind: 'operator', id: story.ME.person.id, name: story.ME.person.name }, at: new Date().toISOString(), text: body.text ?? null, client_id: body.client_id,
        media: body.media_id ? { id: body.media_id, url: '/media/picture', mime: 'image/png', name: 'x.png', size: 1000, width: 640, height: 420, state: 'ready' } : null, delivery: { state: 'queued', failed: null, at: null } };
      thread.push(message);
      posted.set(body.client_id, message);
      Object.assign(one, { last_seq: message.seq, state: 'waiting_customer', waiting_since: null, last: { text: message.text ?? '', author: 'operator', at: message.at } });
      push({ kind: 'message', conversation_id: id, message }, { kind: 'conversation', conversation: one });
      ['sent', 'delivered', 'read'].forEach((state, index) => setTimeout(() => {
        message.delivery = { ...message.delivery, state };
        push({ kind: 'message', conversation_id: id, message });
      }, 300 * (index + 1)));
      return [201, message];
    }],
    ['POST', /^\/v1\/conversations\/([^/]+)\/messages\/([^/]+)\/retry$/, ([id, messageId]) => {
      const message = threads.get(id).find((one) => one.id === messageId);
      message.delivery = { state: 'sent', failed: null, at: new Date().toISOString() };
      push({ kind: 'message', conversation_id: id, message });
      return message;
    }],
    ['POST', /^\/v1\/conversations\/([^/]+)\/read$/, ([id]) => {
      conversations.get(id).unread = 0;
      push({ kind: 'conversation', conversation: conversations.get(id) });
      return [204];
    }],
    ['POST', /^\/v1\/conversations\/([^/]+)\/typing$/, () => [204]],
    ['POST', /^\/v1\/conversations\/([^/]+)\/(close|wrapup\/end|transfer)$/, ([id, what]) => {
      const one = conversations.get(id);
      one.epoch += 1;
      one.state = what === 'close' ? 'wrapup' : what === 'transfer' ? 'queued' : 'closed';
      if (what === 'transfer') one.operator = null;
      if (one.state === 'closed') one.closed_at = new Date().toISOString();
      push({ kind: 'conversation', conversation: { ...one } });
      return one;
    }],
    ['POST', /^\/v1\/reservations\/([^/]+)\/accept$/, () => {
      const one = conversations.get('cv_11');
      Object.assign(one, { state: 'active', epoch: one.epoch + 1, operator: { id: story.ME.person.id, name: story.ME.person.name } });
      push({ kind: 'reservation_gone', id: 'rs_1', conversation_id: one.id, reason: 'accepted' }, { kind: 'conversation', conversation: one });
      return one;
    }],
    ['POST', /^\/v1\/reservations\/([^/]+)\/decline$/, () => [204]],
    ['POST', /^\/v1\/media$/, () => [201, { id: 'md_new', url: '/media/picture', mime: 'image/png', name: 'x.png', size: 1, width: 640, height: 420, state: 'ready' }]],
    ['GET', /^\/v1\/templates$/, () => story.TEMPLATES],
    ['GET', /^\/v1\/titles$/, () => ({ titles: story.TITLES })],
    ['GET', /^\/v1\/contacts\/([^/]+)$/, ([id]) => story.contactOf([...conversations.values()].find((one) => one.contact.id === id))],
    ['GET', /^\/v1\/reports\/([^/]+)$/, ([name], _, query) => {
      const report = story.reportOf(name, query);
      if (!empty) return report;
      const none = { eligible: 0, deflected: 0, deflected_30min: 0, unconfirmed: 0, hung_up_silent: 0, share: null };
      return { ...report, rows: name === 'deflection-funnel' ? report.rows.map((row) => ({ ...row, count: 0, of_previous: null, of_first: null, dropped: [] })) : [], total: none };
    }],
    // Steering
    ['POST', /^\/dev\/offer$/, () => (push({ kind: 'reservation', reservation: story.reservation(conversations.get('cv_11')) }), [204])],
    ['POST', /^\/dev\/drop$/, () => { for (const socket of sockets) socket.terminate(); return [204]; }],
    ['POST', /^\/dev\/fail\/(\d+)$/, ([count]) => ((messageFailures = Number(count)), [204])],
    ['POST', /^\/dev\/say\/([^/]+)$/, ([id], body) => {
      const thread = threads.get(id), one = conversations.get(id);
      const message = { ...thread[5], id: `ms_${id}_${thread.length + 1}`, seq: thread.length + 1, at: new Date().toISOString(), text: body.text, client_id: null };
      thread.push(message);
      Object.assign(one, { last_seq: message.seq, unread: one.unread + 1, state: 'active', waiting_since: message.at, last: { text: body.text, author: 'customer', at: message.at } });
      push({ kind: 'message', conversation_id: id, message }, { kind: 'conversation', conversation: { ...one } });
      return [204];
    }],
  ];

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const send = (status, body, type = 'application/json') => {
      response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' });
      response.end(body);
    };
    for (const [method, pattern, handle] of routes) {
      const match = method === request.method && pattern.exec(url.pathname);
      if (!match) continue;
      const body = request.headers['content-type']?.startsWith('application/json') && text !== '' ? JSON.parse(text) : {};
      const answer = handle(match.slice(1).map(decodeURIComponent), body, url.searchParams);
      const [status, value] = Array.isArray(answer) && typeof answer[0] === 'number' ? answer : [200, answer];
      return send(status, status === 204 ? undefined : JSON.stringify(value));
    }
    if (url.pathname === '/media/picture') return send(200, PICTURE, 'image/svg+xml');
    const file = url.pathname.startsWith('/assets/') ? url.pathname : `${url.pathname === '/' ? '/desk' : url.pathname}.html`;
    try {
      send(200, await readFile(join(DIST, file)), TYPES[extname(file)] ?? 'application/octet-stream');
    } catch {
      send(404, JSON.stringify({ code: 'not_found' }));
    }
  });

  const wss = new WebSocketServer({ server, path: '/v1/desk/live' });
  wss.on('connection', (socket) => {
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      if (frame.type !== 'hello') return;
      const server_now = new Date().toISOString();
      sockets.add(socket);
      if (frame.since === String(cursor)) socket.send(JSON.stringify({ type: 'welcome', cursor: String(cursor), resumed: true, server_now, presence: story.PRESENCE }));
      else socket.send(JSON.stringify({ type: 'welcome', cursor: String(cursor), resumed: false, server_now, presence: story.PRESENCE, conversations: live(), reservations: [], queues: empty ? story.QUEUES.map((one) => ({ ...one, waiting: 0 })) : story.QUEUES }));
    });
    socket.on('close', () => sockets.delete(socket));
    const ping = setInterval(() => socket.send(JSON.stringify({ type: 'ping' })), 15_000);
    socket.on('close', () => clearInterval(ping));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  return { address, stop: () => { for (const socket of sockets) socket.terminate(); server.closeAllConnections(); server.close(); } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { address } = await start(Number(process.argv[2] ?? 0));
  console.log(`${address}/desk`);
}

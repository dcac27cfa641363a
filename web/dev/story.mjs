// A made-up workspace for looking at the pages without the service: long names, emoji, Arabic, every state.

const NOW = Date.now();
export const at = (secondsAgo) => new Date(NOW - secondsAgo * 1000).toISOString();
const later = (seconds) => new Date(NOW + seconds * 1000).toISOString();

export const QUEUES = [
  { id: 'qu_1', name: 'orders', title: 'Заказы и доставка', waiting: 3, reservation_s: 30, wrapup_s: 30, open: true },
  { id: 'qu_2', name: 'returns', title: 'Returns', waiting: 0, reservation_s: 30, wrapup_s: 30, open: true },
  { id: 'qu_3', name: 'night', title: 'Ночная смена', waiting: 12, reservation_s: 30, wrapup_s: 30, open: false },
];

export const PRESENCE = {
  declared: 'online', reason: null, link: 'connected', not_responding: false, load: 4, capacity: 5, since: at(7200),
};

export const ME = {
  person: { id: 'pe_1', name: 'Ольга Смирнова', email: 'olga@example.test' },
  workspace: { name: 'demo', title: 'Детский мир «Ромашка»', timezone: 'Europe/Moscow', accent: null, languages: ['ru', 'en'] },
  roles: ['operator', 'manager'], queues: QUEUES, presence: PRESENCE, rights: ['desk', 'reports'],
};

const CALL = {
  call_id: 'call-771', line: { number: '8 800 250-00-00', title: 'Горячая линия' }, caller: '+7 900 ***-**-17',
  at: at(900), ivr_path: ['Заказы', 'Где мой заказ', 'Ждать оператора'], digits: '1-2-1', intent: 'order_status',
  voice_wait_s: 205, queue_position: 14, context: { order: 'R-48213' }, deflection_id: 'df_1', earlier_calls: 3,
  outcome: 'hangup', rescue: false, may_return: true, returning: null, tries: 0, next_try_at: null,
  called_again: null,
};

const conversation = (number, name, more = {}) => ({
  id: `cv_${number}`, kind: 'chat', state: 'active', epoch: 3, queue: { id: 'qu_1', title: 'Заказы и доставка' },
  operator: { id: 'pe_1', name: 'Ольга Смирнова' },
  contact: { id: `ct_${number}`, name, phone: `+7 900 ***-**-${10 + number}`, language: 'ru' },
  channel: { kind: 'whatsapp', name: 'main' }, last: { text: 'Здравствуйте', author: 'customer', at: at(100 * number) },
  unread: 0, enqueued_at: at(1000 - 20 * number), waiting_since: null, reserved_until: null, wrapup_until: null, opened_at: at(1200), closed_at: null,
  closed_reason: null, topic: 'order_status', tags: ['доставка'], priority: 0, window_until: later(23.2 * 3600 - number),
  viewers: [], call: { ...CALL, call_id: `call-${number}` }, last_seq: 0,
  summary: { language: 'ru', slots: { order_number: 'R-48213', город: 'Казань' }, path: ['menu', 'order_status'], reason: 'asked' },
  ...more,
});

export const CONVERSATIONS = [
  conversation(1, 'Анна Петрова', { last: { text: 'Курьер так и не приехал 😢 что мне делать?', author: 'customer', at: at(130) }, unread: 2, waiting_since: at(130), viewers: [{ id: 'pe_2', name: 'Игорь', typing: false }] }),
  conversation(2, 'Maximiliana-Konstantinovna von Hohenstaufen-Preobrazhenskaya de la Santísima Trinidad', { contact: { id: 'ct_2', name: 'Maximiliana-Konstantinovna von Hohenstaufen-Preobrazhenskaya de la Santísima Trinidad', phone: '+49 151 ***-**-88', language: 'de' }, last: { text: 'Thank you!', author: 'operator', at: at(260) }, state: 'waiting_customer', window_until: later(1900) }),
  conversation(3, 'محمد عبد الرحمن', { contact: { id: 'ct_3', name: 'محمد عبد الرحمن', phone: '+971 50 ***-**-12', language: 'ar' }, last: { text: 'متى يصل طلبي؟ رقم الطلب 4821', author: 'customer', at: at(320) }, unread: 1, waiting_since: at(320), call: null }),
  conversation(4, null, { contact: { id: 'ct_4', name: null, phone: '+7 911 ***-**-40', language: 'ru' }, window_until: at(3600), last: { text: 'Хорошо, спасибо', author: 'customer', at: at(90_000) } }),
  conversation(5, '🦄 Лёля', { state: 'wrapup', last: { text: 'Бот: чем помочь?', author: 'bot', at: at(50) } }),
  conversation(6, 'Иван Кузнецов', { kind: 'callback', channel: { kind: 'phone', name: 'phone' }, window_until: null, contact: { id: 'ct_6', name: 'Иван Кузнецов', phone: '+7 921 555-01-02', language: 'ru' }, call: { ...CALL, rescue: true }, last: null, summary: { language: 'ru', slots: {}, path: [], reason: 'opening_failed' } }),
  conversation(11, 'Сергей Волков', { state: 'queued', operator: null, waiting_since: at(260), unread: 3, last: { text: 'Есть кто живой?', author: 'customer', at: at(30) } }),
  conversation(12, 'Priya Raman', { state: 'queued', operator: null, waiting_since: at(100), queue: { id: 'qu_2', title: 'Returns' }, last: { text: 'I want to return the blue scooter', author: 'customer', at: at(100) } }),
  conversation(13, 'Наталья', { state: 'after_hours', operator: null, waiting_since: at(30_000), last: { text: 'Напишу утром', author: 'customer', at: at(30_000) } }),
];

export const CLOSED = [
  conversation(21, 'Пётр Сидоров', { state: 'closed', closed_at: at(4000), closed_reason: 'operator', last: { text: 'Всего доброго!', author: 'operator', at: at(4100) } }),
  conversation(22, 'Mei Lin', { state: 'closed', closed_at: at(200_000), operator: { id: 'pe_2', name: 'Игорь' }, last: { text: 'Решено, спасибо большое 🎉', author: 'customer', at: at(200_100) } }),
];

const message = (conversationId, seq, more) => ({
  id: `ms_${conversationId}_${seq}`, conversation_id: conversationId, seq, direction: 'in',
  author: { kind: 'customer', id: null, name: null }, at: at(900 - seq * 20), type: 'text', text: null, options: [],
  media: null, event: null, delivery: null, client_id: null, reply_to: null, ...more,
});

const out = (kind, name, state, more = {}) => ({
  direction: 'out', author: { kind, id: kind === 'operator' ? 'pe_1' : null, name },
  delivery: { state, failed: null, at: at(10) }, ...more,
});

const media = (mime, name, more = {}) => ({ id: 'md_1', url: '/media/picture', mime, name, size: 182_400, width: 640, height: 420, state: 'ready', ...more });

export function threadOf({ id, kind }) {
  if (kind === 'callback')
    return [message(id, 1, { type: 'event', author: { kind: 'system', id: null, name: null }, event: { code: 'opened', params: { reason: 'rescue' } } })];
  const lines = [
    { ...out('business', null, 'read'), at: at(90_000), type: 'template', text: 'Здравствуйте! Вы звонили нам. Продолжим здесь?', options: [{ id: 'go', title: 'Продолжить' }, { id: 'no', title: 'Это не я' }] },
    { type: 'choice', text: 'Продолжить', at: at(89_900) },
    { ...out('bot', 'Бот', 'read'), type: 'buttons', at: at(89_890), text: 'Я Ромашка, бот магазина. Чем помочь?', options: [{ id: 'a', title: 'Где мой заказ' }, { id: 'b', title: 'Возврат' }, { id: 'c', title: 'Позвать человека' }] },
    { type: 'choice', text: 'Где мой заказ' },
    { ...out('bot', 'Бот', 'delivered'), text: 'Напишите номер заказа, например R-12345.' },
    { text: 'R-48213' },
    { type: 'event', author: { kind: 'bot', id: null, name: null }, event: { code: 'handed_over', params: { queue: 'Заказы и доставка' } } },
    { type: 'event', author: { kind: 'operator', id: 'pe_1', name: 'Ольга Смирнова' }, event: { code: 'accepted', params: { operator: 'Ольга Смирнова' } } },
    { ...out('operator', 'Ольга Смирнова', 'read'), text: 'Здравствуйте! Вижу ваш заказ, сейчас проверю, где курьер. Ссылка для отслеживания: https://track.example.test/R-48213?lang=ru.' },
    { ...out('operator', 'Ольга Смирнова', 'delivered'), text: 'Секунду 🙏' },
    { type: 'image', text: 'вот что пришло в прошлый раз', media: media('image/png', 'photo.png') },
    { type: 'document', text: null, media: media('application/pdf', 'Очень длинное название счёта-фактуры за октябрь 2026 года.pdf', { width: null, height: null, size: 2_400_000 }) },
    { text: 'مرحبا، هل يمكنكم المساعدة؟ رقم الطلب 4821 ورقم الهاتف +971 50 123' },
    { ...out('operator', 'Ольга Смирнова', 'sent'), text: 'Длинное сообщение. '.repeat(22).trim() },
    { ...out('operator', 'Ольга Смирнова', 'sent'), text: 'А это не дошло', delivery: { state: 'sent', failed: { code: 'transient', text: null }, at: at(5) } },
    { ...out('operator', 'Ольга Смирнова', 'unknown'), text: 'А про это никто не знает' },
    { type: 'unsupported', text: null },
    { type: 'reaction', text: '❤️' },
    { text: 'Курьер так и не приехал 😢 что мне делать?\n<b>не жирно</b> <script>alert(1)</script>' },
  ];
  return lines.map((line, index) => message(id, index + 1, line));
}

export const TEMPLATES = [
  { name: 'order_update', language: 'ru', body: 'Здравствуйте, {{1}}! По вашему заказу {{2}} есть новости. Ответьте на это сообщение, и мы продолжим.', parameters: ['customer_name', 'order_number'], channel: 'whatsapp' },
  { name: 'come_back', language: 'en', body: 'Hello {{1}}, shall we go on where we stopped?', parameters: ['customer_name'], channel: 'whatsapp' },
];

export const contactOf = (conversation) => ({
  ...conversation.contact, addresses: [{ kind: 'whatsapp', value: conversation.contact.phone }], tags: ['VIP', 'доставка'],
  attributes: { city: 'Казань', bonus_points: 1240, last_order: '2026-10-30' }, opted_out: conversation.id === 'cv_x',
  conversations: CLOSED,
});

export const reservation = (conversation) => ({
  id: 'rs_1', conversation: { ...conversation, state: 'reserved' }, reason: 'asked', waiting_s: 74,
  expires_at: new Date(Date.now() + 29_000).toISOString(), server_now: new Date().toISOString(),
});

export function reportOf(name, query) {
  const from = query.get('from'), to = query.get('to'), group = query.get('group_by') ?? 'day';
  const days = [];
  for (let day = new Date(`${from}T00:00:00Z`); day <= new Date(`${to}T00:00:00Z`); day.setUTCDate(day.getUTCDate() + 1))
    days.push(day.toISOString().slice(0, 10));
  const rowOf = (index) => {
    const eligible = 40 + ((index * 37) % 90), deflected = Math.round(eligible * (0.22 + ((index * 13) % 20) / 100));
    return { eligible, deflected, deflected_30min: Math.round(deflected * 0.9), unconfirmed: index % 3, hung_up_silent: 2 + (index % 4), share: deflected / eligible };
  };
  const rows = name === 'deflection-funnel'
    ? [['entered', 1240, []], ['eligible', 912, [['not_on_channel', 201], ['caller_withheld', 77], ['opted_out', 50]]], ['offered', 871, [['hold_out', 41]]], ['accepted', 402, [['declined', 469]]], ['sent', 395, [['channel_throttled', 4], ['deadline_short', 3]]], ['delivered', 371, [['not_on_channel', 20], ['late', 4]]], ['hung_up', 366, [['deadline', 5]]], ['wrote', 312, [['silent', 54]]], ['answered', 309, [['unanswered', 3]]], ['closed', 290, []]]
        .map(([step, count, dropped], index, all) => ({ step, count, of_previous: index === 0 ? null : count / all[index - 1][1], of_first: count / 1240, dropped: dropped.map(([reason, n]) => ({ reason, count: n })) }))
    : group === 'line'
      ? ['8 800 250-00-00', '+7 495 000-11-22', '+7 812 333-44-55'].map((line, index) => ({ line, ...rowOf(index * 5) }))
      : days.map((day, index) => ({ day, ...rowOf(index) }));
  const sum = (key) => rows.reduce((total, row) => total + (row[key] ?? 0), 0);
  const total = { eligible: sum('eligible'), deflected: sum('deflected'), deflected_30min: sum('deflected_30min'), unconfirmed: sum('unconfirmed'), hung_up_silent: sum('hung_up_silent'), share: sum('eligible') ? sum('deflected') / sum('eligible') : null };
  return { report: name, title: name, from, to, timezone: 'Europe/Moscow', group_by: [group], provisional_from: days.at(-2) ?? null,
    definition: 'Callers whose call ended after an executed hang-up and who wrote within 24 hours, divided by the callers who could be offered chat.', columns: [], rows, total };
}

export const TITLES = {
  en: { order_no: 'Order number', order_status: 'Where is the order' },
  ru: { order_no: 'Номер заказа', order_status: 'Где заказ' },
};

// Walks through the desk in a real browser against the made-up service and says what does not hold.
//   npm run build && node dev/walk.mjs      CHROMIUM=/usr/bin/chromium unless told otherwise
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { start } from './server.mjs';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const axe = await readFile(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
let failures = 0;

/** One walk on a fresh service and page; anything the browser complains about fails it. */
async function walk(title, go, { page: name = 'desk', hash = '', options = {}, context = {}, quiet = [] } = {}) {
  const service = await start(0, options);
  const bench = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en', ...context });
  const page = await bench.newPage();
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const steer = (path, body) =>
    fetch(`${service.address}/dev/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body ?? {}) });
  const at = (id) => page.locator(`[data-testid="${id}"]`);
  try {
    await page.goto(`${service.address}/${name}${hash}`);
    await go({ page, at, steer, service, bench });
    const loud = complaints.filter((text) => !quiet.some((pattern) => pattern.test(text)));
    assert.deepEqual(loud, [], 'the browser complained');
    console.log(`ok    ${title}`);
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${title}\n      ${String(error.message).split('\n').slice(0, 6).join('\n      ')}`);
  } finally {
    await bench.close();
    service.stop();
  }
}

const bubble = (page, text) => page.locator('[data-testid="message"]', { hasText: text });
const gone = (locator) => locator.waitFor({ state: 'detached' });

await walk('a person signs in', async ({ at, page }) => {
  await at('signin-email').fill('olga@example.test');
  await at('signin-password').fill('wrong');
  await at('signin-submit').click();
  await at('signin-problem').waitFor();
  await at('signin-password').fill('right');
  await page.keyboard.press('Enter');
  await at('conversation-row').first().waitFor();
}, { options: { signedIn: false }, quiet: [/401/] });

await walk('a message shows at once, goes once, and its marks follow', async ({ at, page }) => {
  await at('composer-input').fill('Hello there');
  await page.keyboard.press('Enter');
  await bubble(page, 'Hello there').waitFor();
  await page.locator('[data-testid="message"][data-delivery="read"]', { hasText: 'Hello there' }).waitFor();
  assert.equal(await bubble(page, 'Hello there').count(), 1);
  assert.equal(await at('composer-input').inputValue(), '');
}, { hash: '#cv_1' });

await walk('a failing service costs nothing: the message is kept and goes once', async ({ at, page, steer }) => {
  await at('composer-input').waitFor();
  await steer('fail/2');
  await at('composer-input').fill('Patience');
  await at('composer-send').click();
  await page.locator('[data-delivery="unsent"]').waitFor();
  await page.locator('[data-testid="message"][data-seq]', { hasText: 'Patience' }).waitFor({ timeout: 10_000 });
  assert.equal(await bubble(page, 'Patience').count(), 1);
}, { hash: '#cv_1', quiet: [/503/] });

await walk('a message outlives the page that could not send it', async ({ at, page, steer }) => {
  await at('composer-input').waitFor();
  await steer('fail/1');
  await at('composer-input').fill('Kept over a reload');
  await at('composer-send').click();
  await page.locator('[data-delivery="unsent"]').waitFor();
  await page.reload();
  await page.locator('[data-testid="message"][data-seq]', { hasText: 'Kept over a reload' }).waitFor({ timeout: 10_000 });
  assert.equal(await bubble(page, 'Kept over a reload').count(), 1);
}, { hash: '#cv_1', quiet: [/503/] });

await walk('what is typed stays, in its own conversation', async ({ at, page }) => {
  await at('composer-input').fill('A draft');
  await page.locator('[data-conversation-id="cv_2"]').click();
  assert.equal(await at('composer-input').inputValue(), '');
  await page.reload();
  await page.locator('[data-conversation-id="cv_1"]').click();
  assert.equal(await at('composer-input').inputValue(), 'A draft');
}, { hash: '#cv_1' });

await walk('an offer is accepted with Alt+Enter while writing, and not with Enter', async ({ at, page, steer }) => {
  await at('composer-input').fill('Finishing a sentence');
  await steer('offer');
  await at('reservation-bar').waitFor();
  await page.keyboard.press('Enter');
  await bubble(page, 'Finishing a sentence').waitFor();
  assert.equal(await at('reservation-bar').count(), 1);
  await page.keyboard.press('Alt+Enter');
  await gone(at('reservation-bar'));
  await page.locator('[data-conversation-id="cv_11"][aria-current="true"]').waitFor();
  await at('composer-input').waitFor();
}, { hash: '#cv_1' });

await walk('nothing moves when an offer comes', async ({ at, page, steer }) => {
  await at('composer-input').waitFor();
  const boxes = () => page.evaluate(() => ['tab-mine', 'composer-input', 'person'].map((id) => {
    const { x, y } = document.querySelector(`[data-testid="${id}"]`).getBoundingClientRect();
    return [x, y];
  }));
  const before = await boxes();
  await steer('offer');
  await at('reservation-bar').waitFor();
  assert.deepEqual(await boxes(), before);
}, { hash: '#cv_1' });

await walk('keys work under a Cyrillic layout and not while writing', async ({ at, page }) => {
  await at('conversation-row').first().waitFor();
  const cdp = await page.context().newCDPSession(page);
  const press = async (code, key) => {
    for (const type of ['keyDown', 'keyUp']) await cdp.send('Input.dispatchKeyEvent', { type, code, key, text: type === 'keyDown' ? key : '' });
  };
  await press('KeyJ', 'о');
  await press('KeyJ', 'о');
  await page.keyboard.press('Enter');
  await page.locator('[data-conversation-id="cv_2"][aria-current="true"]').waitFor();
  await press('KeyR', 'к');
  await press('KeyE', 'у');
  assert.equal(await at('composer-input').inputValue(), 'у');
  assert.equal(await at('undo').count(), 0);
});

await walk('closing can be taken back, and otherwise happens', async ({ at, page, service }) => {
  const state = async () => (await (await fetch(`${service.address}/v1/conversations/cv_1`)).json()).state;
  await at('close-conversation').click();
  await at('undo').click();
  await gone(at('undo'));
  await at('composer-input').waitFor();
  await at('close-conversation').click();
  await at('undo').waitFor();
  assert.equal(await state(), 'active');
  await at('wrapup').waitFor({ timeout: 8_000 });
  assert.equal(await state(), 'wrapup');
  await at('wrapup-end').click();
  await page.locator('[data-testid="composer-still"]').waitFor();
  assert.equal(await state(), 'closed');
}, { hash: '#cv_1' });

await walk('closing leaves with the page', async ({ at, page, service }) => {
  await at('close-conversation').click();
  await at('undo').waitFor();
  await page.goto('about:blank');
  for (let tries = 0; tries < 50; tries += 1) {
    const { state } = await (await fetch(`${service.address}/v1/conversations/cv_1`)).json();
    if (state === 'wrapup') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the request never left');
}, { hash: '#cv_1' });

await walk('a customer who writes while it closes keeps it open', async ({ at, steer }) => {
  await at('close-conversation').click();
  await at('undo').waitFor();
  await steer('say/cv_1', { text: 'One more thing' });
  await gone(at('undo'));
  await at('notice').waitFor();
}, { hash: '#cv_1' });

await walk('a lost connection is one line, and one may go on writing', async ({ at, page, steer }) => {
  await at('composer-input').waitFor();
  await page.routeWebSocket(/live/, (socket) => socket.close());
  await steer('drop');
  await at('connection-lost').waitFor({ timeout: 10_000 });
  assert.equal(await page.locator('dialog').count(), 0);
  await at('composer-input').fill('Still writing');
}, { hash: '#cv_1', quiet: [/WebSocket/] });

await walk('after a drop the desk shows what the service holds', async ({ at, page, steer }) => {
  await at('composer-input').waitFor();
  await page.context().setOffline(true);
  await steer('drop');
  await steer('say/cv_1', { text: 'Said meanwhile' });
  await page.context().setOffline(false);
  await bubble(page, 'Said meanwhile').waitFor({ timeout: 15_000 });
}, { hash: '#cv_1', quiet: [/WebSocket/, /ERR_INTERNET_DISCONNECTED/] });

await walk('outside the window templates are the only way', async ({ at, page }) => {
  await at('template').first().click();
  assert.equal(await at('composer-input').count(), 0);
  assert.equal(await at('window-label').getAttribute('data-window'), 'closed');
  for (const field of await page.locator('[data-testid="template-picker"] input').all()) await field.fill('R-1');
  await at('template-send').click();
  await bubble(page, 'R-1').first().waitFor();
}, { hash: '#cv_4' });

await walk('a picture goes with its words', async ({ at, page }) => {
  const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  await at('composer-file').setInputFiles({ name: 'shot.png', mimeType: 'image/png', buffer: pixel });
  await at('composer-input').fill('Look at this');
  await at('composer-send').click();
  await page.locator('[data-testid="message"][data-seq] img', {}).last().waitFor();
  assert.equal(await bubble(page, 'Look at this').count(), 1);
}, { hash: '#cv_1' });

await walk('a growing answer keeps the newest words in sight', async ({ at, page }) => {
  await at('composer-input').waitFor();
  const rest = () => page.locator('[role="log"]').evaluate((box) => Math.round(box.scrollHeight - box.scrollTop - box.clientHeight));
  await at('composer-input').fill('A line\n'.repeat(12));
  await page.waitForTimeout(200);
  assert.ok((await rest()) <= 1, 'the end went out of sight');
  await page.locator('[role="log"]').hover();
  await page.mouse.wheel(0, -600);
  await page.waitForTimeout(200);
  await at('composer-input').fill('');
  await page.waitForTimeout(200);
  assert.ok((await rest()) > 200, 'the place read in was lost');
}, { hash: '#cv_1' });

await walk('customers’ words are words', async ({ page }) => {
  await bubble(page, '<script>alert(1)</script>').waitFor();
  assert.equal(await page.locator('[data-testid="message"] b').count(), 0);
}, { hash: '#cv_1' });

await walk('presence shows at once and a conversation is transferred', async ({ at, page }) => {
  await at('presence-switch').click();
  await page.locator('[data-value="break"]').click();
  await page.locator('[data-presence="break"]').waitFor();
  await at('transfer').click();
  await at('transfer-queue').nth(1).check();
  await at('transfer-confirm').click();
  await at('composer-still').waitFor();
}, { hash: '#cv_1' });

await walk('everything can be found by typing', async ({ page, at }) => {
  await at('conversation-row').first().waitFor();
  await page.keyboard.press('Control+k');
  await at('palette-input').press('ArrowDown');
  await at('palette-input').fill('maximil');
  await page.keyboard.press('Enter');
  await page.locator('[data-conversation-id="cv_2"][aria-current="true"]').waitFor();
});

await walk('a report answers, explains, and keeps its period in the address', async ({ page, at }) => {
  await at('reports-headline').waitFor();
  assert.equal(await at('funnel-row').count(), 10);
  await page.getByText('28 days').click();
  await page.waitForURL(/[?]period=month/);
  await page.reload();
  await at('reports-headline').waitFor();
  await page.locator('canvas').first().waitFor();
  assert.equal(await page.locator('[data-testid="share-day"] [data-testid="share-row"]').count(), 28);
  await page.keyboard.press('t');
  await page.locator('canvas').first().waitFor({ state: 'detached' });
}, { page: 'reports' });

if (process.argv[2] !== 'quick') for (const [name, hash] of [['desk', '#cv_1'], ['desk', '#cv_4'], ['desk', '#cv_6'], ['reports', '']])
  for (const colorScheme of ['light', 'dark'])
    for (const width of [1440, 1024, 390])
      await walk(`no obstacle: ${name}${hash}, ${colorScheme}, ${width} px`, async ({ page, steer }) => {
        await page.waitForTimeout(600);
        if (name === 'desk') await steer('offer');
        await page.waitForTimeout(200);
        await page.addScriptTag({ content: axe });
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `the page is ${wide} px too wide`);
      }, { page: name, hash, context: { colorScheme, viewport: { width, height: 900 }, bypassCSP: true } });

const OPENED = {
  keys: ({ page }) => page.keyboard.press('Shift+Slash'),
  everything: ({ page }) => page.keyboard.press('Control+k'),
  transfer: ({ at }) => at('transfer').click(),
  settings: async ({ at, page }) => {
    await at('person-menu').click();
    await page.locator('[data-value="settings"]').click();
  },
  picture: ({ page }) => page.locator('[data-testid="message"] .picture').first().click(),
};
if (process.argv[2] !== 'quick')
  for (const [name, open] of Object.entries(OPENED))
    await walk(`no obstacle: dialog ${name}`, async (hands) => {
      await hands.at('composer-input').waitFor();
      await open(hands);
      await hands.page.locator('dialog[open]').waitFor();
      await hands.page.addScriptTag({ content: axe });
      const { violations } = await hands.page.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`), []);
      await hands.page.keyboard.press('Escape');
      await gone(hands.page.locator('dialog'));
    }, { hash: '#cv_1', context: { bypassCSP: true } });

await browser.close();
process.exit(failures === 0 ? 0 : 1);

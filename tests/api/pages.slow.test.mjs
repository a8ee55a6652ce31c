// The pages of signing in, consent, devices, second factors and mailed links in
// a real browser: by keyboard, without script, with what a screen reader needs,
// and with the headers that a browser really sends.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { browser } from '../lib/browser.mjs';
import { clientRow, form, pkce } from '../lib/oauth.mjs';
import { linkIn, mailsTo } from '../lib/outbox.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { enrol, totp } from '../lib/totp.mjs';

const password = 'demo123';
let house, api, them, chromium, app, listener;

before(async () => {
	house = await stack();
	api = client(house);
	them = people(house);
	const hash = sql(house, `SELECT password_hash FROM app_user
		WHERE email = 'demo@c-imap.local'`);
	sql(house, `UPDATE app_user SET password_hash = '${hash}'
		WHERE application_id = ${them.application}`);
	listener = createServer((_, answer) => answer.end('<!doctype html>'
		+ '<html lang=en><title>app</title><h1>Back in the app</h1>'));
	listener.listen(0, '127.0.0.1');
	await once(listener, 'listening');
	app = clientRow(house, { id: `cid_${randomBytes(6).toString('hex')}`,
		application: them.application, name: 'An <i>app</i>',
		uris: [`http://127.0.0.1:${listener.address().port}/cb`] });
	chromium = await browser();
});
after(async () => {
	await chromium?.end();
	listener?.close();
	await house?.end();
});

const login = (next = '') => `${house.url}/login?${form({
	client_id: app.id, next })}`;
const name = (who) => sql(house, `SELECT email FROM app_user
	WHERE id = ${them[who].user}`);

async function signIn(page, who, { next, wanted = password } = {}) {
	await page.tab.goto(login(next));
	await page.check();
	await page.fill({ 'User name or address': name(who), Password: wanted });
	await page.press('Sign in');
}
const path = (page) => new URL(page.tab.url()).pathname;

describe('by keyboard, without script', { timeout: 120000 }, () => {
	test('signing in, the dashboard, signing out', async () => {
		const page = await chromium.page();
		await signIn(page, 'member');
		assert.equal(path(page), '/dashboard');
		await page.check();
		assert.match(await page.text(), new RegExp(name('member')));
		await page.press('Sign out', 'Space');
		await page.check();
		await page.tab.goto(`${house.url}/dashboard`);
		assert.match(path(page), /login$/);
		assert.deepEqual(page.problems, []);
	});
	test('the manual, closed and opened', async () => {
		const page = await chromium.page();
		await page.tab.goto(`${house.url}/docs`);
		await page.check();
		await page.tab.evaluate(`for (const d of
			document.querySelectorAll('details')) d.open = true`);
		await page.check();
		assert.deepEqual(page.problems, []);
	});
	test('a wrong password is said at once, as an alert', async () => {
		const page = await chromium.page();
		await signIn(page, 'member', { wanted: 'no such word' });
		assert.match(path(page), /login$/);
		await page.check();
		const alert = await page.tab.$eval('[role=alert]',
			(e) => e.textContent);
		assert.match(alert, /password|not right|wrong/i);
	});
	test('consent leads back into the app, with a code', async () => {
		const page = await chromium.page();
		await page.tab.goto(`${house.url}/oauth2/authorize?${form({
			response_type: 'code', client_id: app.id, redirect_uri: app.uri,
			scope: 'openid', state: 'x', code_challenge: pkce().challenge,
			code_challenge_method: 'S256' })}`);
		assert.match(path(page), /login$/);
		await page.check();
		await page.fill({ 'User name or address': name('member'),
			Password: password });
		await page.press('Sign in');
		assert.equal(path(page), '/oauth2/authorize');
		await page.check();
		assert.match(await page.text(), /An <i>app<\/i>/);
		await page.press('Allow');
		const to = new URL(page.tab.url());
		assert.equal(`${to.origin}${to.pathname}`, app.uri);
		assert.equal(to.searchParams.get('state'), 'x');
		assert.ok(to.searchParams.get('code'));
	});
	test('a device is connected', async () => {
		const got = await api.post('/oauth2/device_authorization',
			form({ client_id: app.id, scope: 'openid' }));
		assert.equal(got.status, 200, got.text);
		const page = await chromium.page();
		await signIn(page, 'owner');
		await page.tab.goto(got.json.verification_uri);
		await page.check();
		await page.fill({ 'The code that the device shows': got.json.user_code });
		await page.press('Continue');
		await page.check();
		await page.press('Approve');
		await page.check();
		assert.match(await page.text(), /is connected/);
	});
	test('a second factor', async () => {
		const { secret } = await enrol(api.as({ cookie: them.viewer.cookie }),
			password);
		const page = await chromium.page();
		await signIn(page, 'viewer');
		await page.check();
		await page.fill({ Code: totp(secret) });
		await page.press('Sign in');
		assert.equal(path(page), '/dashboard');
	});
	test('a mailed link asks first', async () => {
		const asked = await api.post('/auth/send-magic-link',
			{ email: name('owner'), client_id: app.id });
		assert.equal(asked.status, 202, asked.text);
		const page = await chromium.page();
		await page.tab.goto(linkIn(mailsTo(house, name('owner')).at(-1)).url);
		await page.check();
		await page.press('Sign in');
		assert.equal(path(page), '/dashboard');
	});
	test('what is not there is a page, too', async () => {
		const page = await chromium.page();
		await page.tab.goto(`${house.url}/auth/verify?token=none`);
		await page.check();
		assert.match(await page.text(), /not valid any more/);
	});
});

test('narrow and dark: nothing is cut off', { timeout: 60000 }, async () => {
	const page = await chromium.page();
	await page.tab.setViewport({ width: 320, height: 568 });
	await page.tab.emulateMediaFeatures([
		{ name: 'prefers-color-scheme', value: 'dark' }]);
	await page.tab.goto(login());
	await page.check();
	assert.equal(await page.tab.evaluate('document.documentElement.scrollWidth'),
		320);
});

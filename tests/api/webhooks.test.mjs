// Webhooks: made, shown, changed and removed, tried out and told again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { endAll, isHexSigned, receive, signedWell, verified }
	from '../lib/receiver.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, receiver;

before(async () => {
	house = await stack();
	api = client(house);
	receiver = await receive((told, answer) => {
		answer.statusCode = Number(told.path.split('/')[2] ?? 200);
		answer.end(`status ${answer.statusCode}`);
	});
});
after(endAll);

const all = '/api/webhooks';
const wish = (more = {}) => ({ url: receiver.url, events: ['thread.created',
	'email.sent'], ...more });

async function made(who, more) {
	const answer = await who.post(all, wish(more));
	assert.equal(answer.status, 201, answer.text);
	return answer.json.webhook;
}

function named(answer, field) {
	assert.equal(answer.status, 400, answer.text);
	assert.equal(answer.json.success, false);
	assert.equal(answer.json.code, 'VALIDATION_ERROR');
	assert.ok(JSON.stringify(answer.json.details).includes(`"${field}`),
		answer.text);
}

const told = (them, event, data = '{}', more = '') => sql(house, `INSERT INTO
	event (application_id, account_id, name, data${more && ', user_id'})
	VALUES (${them.application}, ${them.account}, '${event}', '${data}'
	${more && `, ${more}`}) RETURNING id`);

describe('a webhook', () => {
	test('is made, in the document\'s shape, with the secret shown once',
		async () => {
			const them = people(house);
			const member = api.as(them.member);
			const secret = 'your-secret-key';
			const { status, json } = await member.post(all,
				wish({ secret, is_active: true }));
			assert.equal(status, 201);
			assert.equal(json.success, true);
			const { id, created_at: created } = json.webhook;
			assert.deepEqual(json.webhook, { id, url: receiver.url,
				events: ['thread.created', 'email.sent'], secret,
				is_active: true, disabled_reason: null,
				last_triggered_at: null, failed_attempts: 0,
				created_at: created, updated_at: created });
			assert.match(created, /^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00$/);
			for (const who of ['member', 'viewer', 'owner', 'admin']) {
				const one = await api.as(them[who]).get(`${all}/${id}`);
				assert.deepEqual(one.json, { webhook:
					{ ...json.webhook, secret: '***hidden***' } });
				const list = await api.as(them[who]).get(all);
				assert.deepEqual(list.json.webhooks, [one.json.webhook]);
				assert.equal(list.json.success, undefined);
			}
			const row = sql(house, `SELECT secret FROM webhook
				WHERE id = ${id}`);
			assert.ok(!Buffer.from(row.slice(2), 'hex').includes(secret));
		});
	test('gets a secret where none was given, under its key once', async () => {
		const who = api.as(people(house).member);
		const body = wish();
		const headers = { 'idempotency-key': 'one' };
		const first = await who.post(all, body, headers);
		assert.match(first.json.webhook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
		const again = await who.post(all, body, headers);
		assert.equal(again.headers['idempotency-replayed'], 'true');
		assert.deepEqual(again.json.webhook,
			{ ...first.json.webhook, secret: null });
	});
	test('names its events once each, and no others', async () => {
		const who = api.as(people(house).member);
		assert.deepEqual((await made(who, { events: ['*', 'note.added', '*'] }))
			.events, ['*', 'note.added']);
		for (const events of [[], ['thread.gone'], ['*', 'x'], 'x', [1], null])
			named(await who.post(all, wish({ events })), 'events');
	});
	test('leads somewhere', async () => {
		const who = api.as(people(house).member);
		for (const url of ['ftp://example.org/', 'example.org', '',
			'https://', 'http://a b/', 'https://u:p@example.org/',
			'http://example.org/#x', 'file:///etc/passwd',
			'http://10.0.0.1/', 'http://169.254.169.254/latest',
			'http://[::1]/', 'http://0xa000001/', 'http://[::ffff:10.0.0.1]/',
			'http://example.org/\r\nX: y',
			`https://example.org/${'x'.repeat(2000)}`])
			named(await who.post(all, wish({ url })), 'url');
		for (const url of ['https://example.org/hook?x=1',
			'http://127.0.0.1:1/', 'https://xn--bcher-kva.example:8443/'])
			assert.equal((await made(who, { url })).url, url);
	});
	test('has a secret that signs', async () => {
		const who = api.as(people(house).member);
		for (const secret of ['short', 'whsec_', 'whsec_***', 'whsec_QUJD',
			'x'.repeat(257), 12345678])
			named(await who.post(all, wish({ secret })), 'secret');
	});
	test('is changed in part, and as it was shown', async () => {
		const who = api.as(people(house).member);
		const { id } = await made(who);
		const shown = (await who.get(`${all}/${id}`)).json.webhook;
		const back = await who.put(`${all}/${id}`, shown);
		assert.equal(back.status, 200, back.text);
		assert.deepEqual({ ...back.json.webhook, updated_at: null },
			{ ...shown, updated_at: null });
		const { json } = await who.put(`${all}/${id}`,
			{ events: ['*'], is_active: false });
		assert.deepEqual([json.success, json.webhook.events,
			json.webhook.is_active, json.webhook.url],
		[true, ['*'], false, shown.url]);
		named(await who.put(`${all}/${id}`, { url: 'x' }), 'url');
		named(await who.put(`${all}/${id}`, { events: ['x'] }), 'events');
		assert.equal(sql(house, `SELECT previous IS NULL FROM webhook
			WHERE id = ${id}`), 't');
	});
	test('is removed, with what was told', async () => {
		const them = people(house);
		const who = api.as(them.member);
		const { id } = await made(who, { events: ['*'] });
		told(them, 'note.added');
		const gone = await who.delete(`${all}/${id}`);
		assert.equal(gone.text, '{"success":true}');
		const missing = await who.get(`${all}/${id}`);
		assert.equal(missing.status, 404);
		assert.equal(missing.json.code, 'WEBHOOK_NOT_FOUND');
		assert.equal(sql(house, `SELECT count(*) FROM webhook_delivery
			WHERE webhook_id = ${id}`), '0');
	});
	test('is one of a hundred at most', async () => {
		const them = people(house);
		const who = api.as(them.member);
		await made(who);
		sql(house, `INSERT INTO webhook (application_id, account_id, url,
			events, secret, secret_key_id) SELECT application_id, account_id,
			url, events, secret, secret_key_id FROM webhook,
			generate_series(1, 98) WHERE account_id = ${them.account}`);
		const both = await Promise.all([who.post(all, wish()),
			who.post(all, wish())]);
		assert.deepEqual(both.map((a) => a.status).sort(), [201, 409]);
	});
	test('is audited', async () => {
		const them = people(house);
		const who = api.as(them.member);
		const { id } = await made(who);
		await who.put(`${all}/${id}`, { is_active: false });
		await who.post(`${all}/${id}/rotate-secret`);
		await who.post(`${all}/${id}/test`);
		await who.delete(`${all}/${id}`);
		assert.deepEqual(sql(house, `SELECT action || ' ' || subject FROM audit
			WHERE account_id = ${them.account} AND action LIKE 'webhook.%'
			ORDER BY id`).split('\n'), ['make', 'change', 'rotate', 'test',
			'remove'].map((word) => `webhook.${word} ${id}`));
	});
});

describe('what is told', () => {
	test('is a row of the event\'s transaction, for those who want it',
		async () => {
			const them = people(house);
			const who = api.as(them.member);
			const one = await made(who, { events: ['thread.created'] });
			const star = await made(who, { events: ['*', 'thread.created'] });
			const off = await made(who, { events: ['*'], is_active: false });
			const elsewhere = await made(api.as(them.stranger),
				{ events: ['*'] });
			const event = told(them, 'thread.created', '{"id":7,"x":"ü\\"y"}');
			told(them, 'note.added');
			told(them, 'note.added', '{}', them.member.user);
			const list = async ({ id }, by = who, query = '') => (await by.get(
				`${all}/${id}/deliveries${query}`)).json;
			assert.deepEqual((await list(star)).deliveries
				.map((d) => d.event_type), ['note.added', 'thread.created']);
			assert.deepEqual((await list(off)).deliveries, []);
			assert.deepEqual((await list(elsewhere, api.as(them.stranger)))
				.deliveries, []);
			const { deliveries: [d], meta } = await list(one);
			assert.equal(meta.total, 1);
			assert.deepEqual(d, { id: d.id, webhook_id: one.id,
				event_type: 'thread.created', payload: {
					id: Number(event), event: 'thread.created',
					created_at: d.payload.created_at,
					account_id: them.account, data: { id: 7, x: 'ü"y' } },
				state: 'queued', attempts: 0, response_status: null,
				response_body: null, last_error: null,
				created_at: d.payload.created_at,
				next_attempt_at: d.next_attempt_at, delivered_at: null });
			const seen = (await list(one, api.as(them.viewer))).deliveries[0];
			assert.deepEqual(seen, { ...d, payload: null });
			const page = await list(star, who, '?limit=1');
			assert.equal(page.deliveries[0].event_type, 'note.added');
			assert.equal((await list(star, who,
				`?limit=1&cursor=${page.meta.next_cursor}`)).deliveries[0]
				.event_type, 'thread.created');
			assert.deepEqual((await list(star, who, '?state=dead')).deliveries,
				[]);
			assert.equal((await who.get(
				`${all}/${star.id}/deliveries?state=x`)).status, 400);
			assert.equal((await who.get(`${all}/${elsewhere.id}/deliveries`))
				.json.code, 'WEBHOOK_NOT_FOUND');
		});
	for (const secret of [undefined, 'your-secret-key'])
		test(`is signed in both ways with ${secret ?? 'a secret of ours'}`,
			async () => {
				const who = api.as(people(house).member);
				const hook = await made(who, { secret, is_active: false });
				const before = receiver.told.length;
				const { status, json } = await who.post(`${all}/${hook.id}/test`);
				assert.equal(status, 200);
				assert.equal(json.success, true);
				const [got] = receiver.told.slice(before);
				signedWell(hook.secret, got);
				assert.ok(!isHexSigned('another', got));
				assert.throws(() => verified('whsec_AAAAAAAAAAAAAAAAAAAAAA==',
					got));
				assert.equal(got.headers['x-webhook-event'], 'webhook.test');
				assert.equal(got.headers['content-type'], 'application/json');
				assert.match(got.id, /^msg_[0-9a-f]{32}$/);
				assert.deepEqual(JSON.parse(got.body), json.delivery.payload);
				assert.deepEqual(Object.keys(json.delivery.payload), ['id',
					'event', 'created_at', 'account_id', 'data']);
				assert.deepEqual([json.delivery.state, json.delivery.attempts,
					json.delivery.response_status,
					json.delivery.response_body],
				['delivered', 1, 200, 'status 200']);
				assert.ok(json.delivery.delivered_at);
			});
	test('is signed with both secrets while one replaces the other', async () => {
		const who = api.as(people(house).member);
		const hook = await made(who);
		const one = `${all}/${hook.id}`;
		const next = await who.post(`${one}/rotate-secret`);
		assert.equal(next.status, 200, next.text);
		const { secret } = next.json.webhook;
		assert.match(secret, /^whsec_/);
		assert.notEqual(secret, hook.secret);
		const last = async () => (await who.post(`${one}/test`),
		receiver.told.at(-1));
		let got = await last();
		verified(hook.secret, got);
		signedWell(secret, got);
		assert.equal(got.headers['webhook-signature'].split(' ').length, 2);
		sql(house, `UPDATE webhook SET previous_until = now()
			WHERE id = ${hook.id}`);
		got = await last();
		signedWell(secret, got);
		assert.throws(() => verified(hook.secret, got));
		await who.put(one, { secret: 'one of my own' });
		got = await last();
		signedWell('one of my own', got);
		verified(secret, got);
		named(await who.post(`${one}/rotate-secret`, { secret: 'x' }), 'secret');
	});
	test('by a test says what the receiver said, and is not tried again',
		async () => {
			const who = api.as(people(house).member);
			for (const status of [500, 302, 410]) {
				const hook = await made(who,
					{ url: `${receiver.url}/${status}` });
				const { json } = await who.post(`${all}/${hook.id}/test`);
				assert.deepEqual([json.success, json.delivery.state,
					json.delivery.response_status, json.delivery.response_body,
					json.delivery.last_error, json.delivery.delivered_at],
				[true, 'dead', status, `status ${status}`, `status ${status}`,
					null]);
				const { webhook } = (await who.get(`${all}/${hook.id}`)).json;
				assert.equal(webhook.is_active, true);
				assert.equal(webhook.failed_attempts, 0);
				assert.ok(webhook.last_triggered_at);
			}
		});
	test('again by hand is the same bytes under the same name', async () => {
		const them = people(house);
		const who = api.as(them.member);
		const hook = await made(who, { url: `${receiver.url}/503`,
			events: ['*'] });
		told(them, 'note.added', '{"id": 5,  "odd":1.50}');
		const [{ id }] = (await who.get(`${all}/${hook.id}/deliveries`)).json
			.deliveries;
		const retry = `${all}/deliveries/${id}/retry`;
		const first = await who.post(retry);
		assert.equal(first.status, 200, first.text);
		assert.deepEqual([first.json.delivery.state,
			first.json.delivery.attempts,
			first.json.delivery.response_status], ['queued', 1, 503]);
		const { webhook } = (await who.get(`${all}/${hook.id}`)).json;
		assert.equal(webhook.failed_attempts, 1);
		await who.put(`${all}/${hook.id}`, { url: receiver.url });
		const second = await who.post(retry);
		assert.deepEqual([second.json.delivery.state,
			second.json.delivery.attempts], ['delivered', 2]);
		const [a, b] = receiver.told.slice(-2);
		assert.equal(a.id, b.id);
		assert.deepEqual(a.body, b.body);
		signedWell(hook.secret, b);
		assert.equal((await who.get(`${all}/${hook.id}`)).json.webhook
			.failed_attempts, 0);
		sql(house, `UPDATE webhook_delivery SET state = 'sending',
			run_at = now() + interval '1 minute' WHERE id = ${id}`);
		assert.equal((await who.post(retry)).status, 409);
	});
});

describe('who may', () => {
	test('a viewer looks, and changes nothing', async () => {
		const them = people(house);
		const { id } = await made(api.as(them.member), { events: ['*'] });
		told(them, 'note.added');
		const [d] = (await api.as(them.member).get(`${all}/${id}/deliveries`))
			.json.deliveries;
		for (const [method, path, body] of [['POST', all, wish()],
			['PUT', `${all}/${id}`, {}], ['DELETE', `${all}/${id}`],
			['POST', `${all}/${id}/test`],
			['POST', `${all}/${id}/rotate-secret`],
			['POST', `${all}/deliveries/${d.id}/retry`]])
			assert.equal((await api.as(them.viewer).request(method, path, body))
				.status, 403, `${method} ${path}`);
	});
	test('another\'s is as one that does not exist', async () => {
		const them = people(house);
		const { id } = await made(api.as(them.member), { events: ['*'] });
		told(them, 'note.added');
		const d = sql(house, `SELECT id FROM webhook_delivery
			WHERE webhook_id = ${id}`);
		const text = (answer) =>
			answer.text.replace(/"request_id":"[^"]*"/, '');
		for (const who of [them.stranger, people(house).owner])
			for (const [method, path, body] of [['GET', `${all}/%`],
				['PUT', `${all}/%`, {}], ['DELETE', `${all}/%`],
				['GET', `${all}/%/deliveries`], ['POST', `${all}/%/test`],
				['POST', `${all}/%/rotate-secret`],
				['POST', `${all}/deliveries/%/retry`]]) {
				const real = path.includes('deliveries/%') ? d : id;
				const [one, none] = await Promise.all([real, 999999999].map(
					(n) => api.as(who).request(method, path.replace('%', n),
						body)));
				assert.equal(one.status, 404, `${method} ${path} ${one.text}`);
				assert.equal(text(one), text(none));
			}
	});
});


// Subscriptions at a payment service: begun, changed, cancelled, told of by signed
// events. The service is a stand-in with state, whose events Stripe's own package
// signs. What becomes of kills and of events in disorder: tests/crash/billing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ALL, open, places } from '../lib/shop.mjs';
import { sql } from '../lib/sql.mjs';

let shop, stripe, house, api, month, year;

before(async () => {
	shop = await open();
	({ stripe, house, api, month, year } = shop);
});
after(() => shop?.end());

const newcomer = () => shop.newcomer();
const subscribed = (price) => shop.subscribed(price);
const checkout = (who, price) => shop.checkout(who, price);
const deliver = (events, how) => shop.deliver(events, how);
const settled = () => shop.settled();
const list = (p) => shop.list(p);
const plan = (p) => shop.plan(p);

describe('a subscription', () => {
	test('is begun at a checkout, and active when its events have come',
		async () => {
			const p = newcomer(), from = stripe.events.length;
			assert.equal(await plan(p), 'self_hosted');
			const begun = await checkout(p.owner);
			assert.equal(begun.status, 201, begun.text);
			assert.match(begun.json.data.url, /^https:\/\/checkout\.test\//);
			const session = stripe.sessions.get(begun.json.data.id);
			assert.equal(session.client_reference_id, `acc_${p.account}`);
			const early = await p.owner.post(
				`${ALL}/stripe/checkout-session-sync`,
				{ session_id: session.id });
			assert.equal(early.status, 409, early.text);
			const sub = stripe.pay(session.id);
			await deliver(stripe.events.slice(from));
			await settled();
			const [row] = await list(p);
			assert.deepEqual([row.stripe_id, row.status, row.plan,
				row.interval, row.cancel_at_period_end],
			[sub.id, 'active', 'team', 'month', false]);
			assert.equal(Date.parse(row.current_period_end) / 1000,
				sub.current_period_end);
			assert.deepEqual(row.invoices.map((i) => [i.status,
				i.amount_paid]), [['paid', 900]]);
			assert.equal(await plan(p), 'team');
			const again = await checkout(p.owner);
			assert.equal(again.status, 409, again.text);
			assert.equal((await p.owner.get(`${ALL}/identity`)).json.data
				.customer_id, sub.customer);
			assert.match(sql(house, `SELECT string_agg(action, ' ') FROM audit
				WHERE account_id = ${p.account}`), /subscription\.checkout/);
		});
	test('is changed and cancelled', async () => {
		const { p, sub, id } = await subscribed();
		const changed = await p.owner.post(`${ALL}/${id}/change`,
			{ interval: 'year' });
		assert.equal(changed.status, 200, changed.text);
		assert.deepEqual([changed.json.data.interval,
			changed.json.data.price_id, sub.prorated],
		['year', year, 'create_prorations']);
		const back = await p.owner.post(`${ALL}/${id}/change`,
			{ price_id: month, prorate: false });
		assert.deepEqual([back.json.data.interval, sub.prorated],
			['month', 'none']);
		for (const body of [{ interval: 'day' }, {}, { price_id: 'price_x' }])
			assert.equal((await p.owner.post(`${ALL}/${id}/change`, body))
				.status, 422);
		const later = await p.owner.post(`${ALL}/${id}/cancel`, {});
		assert.deepEqual([later.json.data.status,
			later.json.data.cancel_at_period_end], ['active', true]);
		const now = await p.owner.post(`${ALL}/${id}/cancel`,
			{ at_period_end: false });
		assert.deepEqual([now.status, now.json.data.status],
			[200, 'canceled']);
		assert.equal(await plan(p), 'self_hosted');
		const over = stripe.done.length;
		assert.equal((await p.owner.post(`${ALL}/${id}/cancel`,
			{ at_period_end: false })).status, 200);
		assert.equal(stripe.done.length, over);
	});
	test('goes before its account', async () => {
		const { p, id } = await subscribed();
		const name = sql(house, `SELECT name FROM account
			WHERE id = ${p.account}`);
		const remove = () => p.owner.delete(`/api/accounts/acc_${p.account}` +
			`?confirm=${encodeURIComponent(name)}`);
		const refused = await remove();
		assert.equal(refused.status, 409, refused.text);
		assert.match(refused.text, /cancel its subscription/);
		await p.owner.post(`${ALL}/${id}/cancel`, {});
		const gone = await remove();
		assert.equal(gone.status, 202, gone.text);
	});
	test('is paid for in its portal, and read again by hand', async () => {
		const { p, sub, id } = await subscribed();
		const portal = await p.owner.post(`${ALL}/stripe/portal-session`,
			{ return_url: places.success_url });
		assert.deepEqual([portal.status, portal.json.data.url],
			[201, 'https://portal.test/p/x']);
		assert.equal((await p.owner.post(`${ALL}/stripe/portal-session`,
			{ return_url: 'javascript:alert(1)' })).status, 422);
		const [merchant] = (await p.owner.get(`${ALL}/merchants`)).json.data
			.merchants;
		assert.equal(merchant.name, 'Letterrack Ltd');
		// nobody has told of this
		sub.status = 'past_due';
		stripe.pageMost = 1;
		const old = stripe.subscribe(sub.customer, year,
			{ status: 'canceled' });
		const synced = await p.owner.post(`${ALL}/sync`, {});
		assert.deepEqual(synced.json.data, { synced: 2, deleted: 0 });
		assert.equal(await plan(p), 'team'); // two weeks of grace
		assert.deepEqual((await list(p)).map((s) => s.invoices[0].status),
			['paid', 'paid']);
		assert.equal((await list(p)).find((s) => s.id === id).status,
			'past_due');
		stripe.subscriptions.delete(old.id);
		assert.equal((await p.owner.post(`${ALL}/sync`, {})).json.data.deleted,
			0);
		assert.equal((await p.owner.post(`${ALL}/sync?allow_deletes=true`, {}))
			.json.data.deleted, 1);
		stripe.pageMost = 100;
	});
	test('is the account\'s, and an owner\'s to see', async () => {
		const { p, id, session } = await subscribed();
		const calls = [['get', ''], ['get', '/features'], ['get', '/identity'],
			['get', '/merchants'], ['post', '/sync', {}],
			['post', '/stripe/checkout-session',
				{ price_id: month, ...places }],
			['post', '/stripe/portal-session',
				{ return_url: places.success_url }],
			['post', '/stripe/checkout-session-sync',
				{ session_id: session }],
			['post', `/${id}/change`, { interval: 'year' }],
			['post', `/${id}/cancel`, {}]];
		for (const who of [p.member, p.viewer])
			for (const [method, path, body] of calls)
				assert.equal((await who[method](`${ALL}${path}`, body)).status,
					403, path);
		for (const [method, path, body] of calls.slice(-3))
			assert.equal((await p.stranger[method](`${ALL}${path}`, body))
				.status, 404, path);
		assert.deepEqual((await p.stranger.get(ALL)).json.data, []);
		for (const price of ['price_none', 'x'])
			assert.equal((await checkout(p.stranger, price)).status, 422);
	});
	test('is paid for at one checkout, the last that was begun', async () => {
		const p = newcomer();
		const begin = async (price) => {
			const begun = await checkout(p.owner, price);
			assert.equal(begun.status, 201, begun.text);
			return begun.json.data.id;
		};
		const first = await begin(month), second = await begin(year);
		assert.notEqual(first, second);
		assert.throws(() => stripe.pay(first), /over/);
		assert.equal(stripe.sessions.get(second).status, 'open');
		// paid for, and nobody has told of it yet
		stripe.pay(second);
		const late = await checkout(p.owner, month);
		assert.equal(late.status, 409, late.text);
		assert.deepEqual((await list(p)).map((s) => [s.status, s.interval]),
			[['active', 'year']]);
	});
	test('is not begun twice by two at once', async () => {
		const p = newcomer(), from = stripe.done.length;
		const begun = await Promise.all(Array.from({ length: 8 },
			() => checkout(p.owner)));
		assert.ok(begun.every((b) => [201, 503].includes(b.status)));
		const customers = stripe.done.slice(from)
			.filter(([, path]) => path === '/v1/customers');
		assert.equal(customers.length, 1);
	});
});

describe('the payment service', () => {
	test('is asked again under the same key, and no secret is logged',
		async () => {
			const { p, id } = await subscribed();
			const from = stripe.done.length, asked = stripe.asked.length;
			let n = 0;
			stripe.fault = (call) => call.method === 'POST' && n++ === 0
				? 'after' : undefined;
			const changed = await p.owner.post(`${ALL}/${id}/change`,
				{ interval: 'year' });
			stripe.fault = () => undefined;
			assert.equal(changed.status, 200, changed.text);
			assert.equal(stripe.done.length - from, 1);
			const keys = stripe.asked.slice(asked)
				.filter((c) => c.method === 'POST').map((c) => c.key);
			assert.equal(keys.length, 2);
			assert.ok(keys[0] && keys[0] === keys[1]);
			// grep found nothing
			assert.equal(spawnSync('grep', ['-rlE', '--include=*.log',
				`${stripe.key}|${stripe.secret}`, house.state]).status, 1);
		});
	test('that is away leaves a key for whoever asks again', async () => {
		const { p, id } = await subscribed();
		const from = stripe.done.length, asked = stripe.asked.length;
		stripe.fault = (call) => call.method === 'POST' ? 'after' : undefined;
		const lost = await p.owner.post(`${ALL}/${id}/change`,
			{ interval: 'year' });
		assert.ok(lost.status >= 500, lost.text);
		stripe.fault = () => undefined;
		const again = await p.owner.post(`${ALL}/${id}/change`,
			{ interval: 'year' });
		assert.equal(again.status, 200, again.text);
		assert.equal(again.json.data.interval, 'year');
		assert.equal(stripe.done.length - from, 1);
		assert.equal(new Set(stripe.asked.slice(asked)
			.filter((c) => c.method === 'POST').map((c) => c.key)).size, 1);
	});
	/* What comes once, how often it is asked in all, what a person is told. */
	for (const [fault, times, status] of [
		[{ status: 500 }, 2, 200], [{ status: 409 }, 2, 200],
		[{ status: 429 }, 2, 200],
		[{ status: 400, headers: { 'stripe-should-retry': 'true' } }, 2, 200],
		[{ status: 429, headers: { 'retry-after': '1' } }, 2, 200],
		[{ status: 429, headers: { 'retry-after': '3600' } }, 1, 503],
		[{ status: 429, headers: { 'retry-after': '-1, x' } }, 2, 200],
		[{ status: 409, headers: { 'stripe-should-retry': 'false' } }, 1, 409],
		[{ status: 402 }, 1, 409], [{ status: 400 }, 1, 409],
		[{ status: 500, headers: { 'stripe-should-retry': 'false' } }, 1, 503],
		[{ status: 500, keeps: true }, 2, 503]])
		test(`that answers ${JSON.stringify(fault)} is asked as its ` +
			'documents say', async () => {
			const { p, id, sub } = await subscribed();
			const from = stripe.done.length, asked = stripe.asked.length;
			let n = 0;
			stripe.fault = (call) => (call.method === 'POST' && n++ === 0
				? fault : undefined);
			const change = () => p.owner.post(`${ALL}/${id}/change`,
				{ interval: 'year' });
			const calls = () => stripe.asked.slice(asked)
				.filter((c) => c.method === 'POST');
			const first = await change();
			assert.equal(first.status, status, first.text);
			assert.equal(calls().length, times);
			assert.equal(new Set(calls().map((c) => c.key)).size, 1);
			if (fault.headers?.['retry-after'] === '1')
				assert.ok(calls()[1].at - calls()[0].at >= 1000);
			stripe.fault = () => undefined;
			const again = await change();
			assert.equal(again.status, 200, again.text);
			assert.equal(sub.items.data[0].price.id, year);
			assert.equal(stripe.done.length - from, 1);
			assert.equal(sql(house, `SELECT count(*) FROM billing_intent WHERE
				state = 'open' AND account_id = ${p.account}`), '0');
		});
	/* It answers well, and makes no sense; what is there stays as it is. */
	const each = (change) => (json) => {
		for (const one of json.data ?? [json])
			change(one);
		return json;
	};
	for (const [name, shape, status] of [
		['nothing', () => null, 503], ['a word', () => 'x', 503],
		['no list', () => ({ data: {} }), 503],
		['a list of nothing', () => ({ data: [null] }), 503],
		['a list that does not go on', () => ({ data: [], has_more: true }),
			503],
		['5 MB', (json) => ({ ...json, more: 'x'.repeat(5 << 20) }), 502],
		['a state that we do not know', each((o) => { o.status = 'odd'; }),
			503],
		['a price of no size', each((o) => {
			o.items.data[0].price.id = 'p'.repeat(300);
		}), 503],
		['NUL', each((o) => { o.items.data[0].price.id = 'a\0b'; }), 503],
		['somebody else\'s', each((o) => { o.customer = 'cus_x'; }), 404]])
		test(`that answers ${name} changes nothing here`, async () => {
			const { p } = await subscribed();
			const before = await list(p);
			stripe.shape = shape;
			const synced = await p.owner.post(`${ALL}/sync?allow_deletes=true`,
				{});
			stripe.shape = (json) => json;
			assert.equal(synced.status, status, synced.text);
			assert.deepEqual(await list(p), before);
		});
	test('that is slow leaves room for others', async () => {
		const { p, id } = await subscribed();
		const asked = stripe.asked.length;
		let open;
		const gate = new Promise((resolve) => { open = resolve; });
		stripe.late = () => gate;
		const waiting = Array.from({ length: 8 }, () =>
			p.owner.post(`${ALL}/${id}/change`, { interval: 'year' }));
		for (let i = 0; i < 250 && stripe.asked.length === asked; i++)
			await pause(20);
		assert.notEqual(stripe.asked.length, asked);
		const told = await shop.post(stripe.event('x.y', { id: 'x_1' }));
		assert.equal(told.status, 200, told.text);
		open();
		stripe.late = () => 0;
		const ended = await Promise.all(waiting);
		assert.ok(ended.every((e) => [200, 503].includes(e.status)),
			ended.map((e) => e.status).join(' '));
		assert.ok(ended.some((e) => e.status === 200));
		for (const late of ended.filter((e) => e.status === 503))
			assert.ok(Number(late.headers['retry-after']) > 0);
	});
	test('is asked by TLS, by whoever the authorities vouch for alone',
		async () => {
			const { p, id } = await subscribed();
			const ca = dirname(house.ca);
			const stranger = `${shop.dir}/stranger`;
			execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
				'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=127.0.0.1',
				'-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2',
				'-keyout', `${stranger}.key`, '-out', `${stranger}.pem`],
			{ stdio: 'ignore' });
			const sync = async (file) => {
				const server = https.createServer({
					key: readFileSync(`${file}.key`),
					cert: readFileSync(`${file}.pem`) },
				(request, reply) => stripe.handle(request, reply))
					.listen(0, '127.0.0.1');
				await once(server, 'listening');
				await shop.configure('stripe_url',
					`https://127.0.0.1:${server.address().port}`);
				const answer = await p.owner.post(`${ALL}/sync`, {});
				server.closeAllConnections();
				server.close();
				return answer;
			};
			const good = await sync(`${ca}/mail`);
			assert.equal(good.status, 200, good.text);
			const asked = stripe.asked.length;
			const bad = await sync(stranger);
			assert.equal(bad.status, 502, bad.text);
			// nobody listens there any more
			assert.equal((await p.owner.post(`${ALL}/${id}/change`,
				{ interval: 'year' })).status, 502);
			await shop.configure('stripe_url', 'http://203.0.113.1');
			assert.equal((await p.owner.post(`${ALL}/sync`, {})).status, 502);
			await shop.configure('stripe_url', stripe.url);
			assert.equal(stripe.asked.length, asked);
			assert.equal((await p.owner.post(`${ALL}/sync`, {})).status, 200);
		});
});

describe('an event', () => {
	test('that is tampered with, old, or signed by another is refused',
		async () => {
			const { sub } = await subscribed();
			const event = stripe.events.at(-1);
			const at = Math.floor(Date.now() / 1000);
			const seen = () => Number(sql(house, `SELECT count(*)
				FROM billing_event WHERE event_id = '${event.id}'`));
			const { body, header } = stripe.signed(event);
			const send = (text, signature) => api.post('/webhooks/stripe', text,
				{ 'content-type': 'application/json',
					...signature && { 'stripe-signature': signature } });
			const v1 = /v1=(\w+)/.exec(header)[1];
			const t = /t=(\d+)/.exec(header)[1];
			const ahead = stripe.signed(event, { at: at + 900 }).header;
			for (const [text, signature] of [
				[body.replace(sub.customer, 'cus_other'), header],
				[`${body} `, header], [body, undefined], [body, ''],
				[body, header.replace('v1=', 'v0=')],
				[body, `t=${t},v1=${v1.slice(1)}`], [body, `v1=${v1}`],
				[body, `t=${Number(t) + 1},v1=${v1}`], [body, 't=x,v1='],
				[body, stripe.signed(event, { at: at - 310 }).header],
				[body, ahead],
				[body, stripe.signed(event, { secret: 'whsec_x' }).header]]) {
				const answer = await send(text, signature);
				assert.equal(answer.status, 400, `${signature} ${answer.text}`);
				// Stripe's package alone lets one from the future pass
				assert.equal(stripe.verifies(text, signature),
					signature === ahead, signature);
			}
			assert.equal(seen(), 0);
			// any v1 may fit, by any of our secrets
			for (const [signature, secret] of [[header],
				[`t=${t},v1=${'0'.repeat(64)},v0=x,v1=${v1}`],
				[stripe.signed(event, { secret: 'whsec_another' }).header,
					'whsec_another'],
				[stripe.signed(event, { at: at - 200 }).header]]) {
				assert.equal((await send(body, signature)).status, 200);
				assert.ok(stripe.verifies(body, signature, secret));
			}
			assert.equal(seen(), 1);
			await settled();
		});
	test('about nobody here changes nothing, whatever it says', async () => {
		const { p, sub } = await subscribed();
		const before = JSON.stringify(await list(p));
		const jobs = () => sql(house, `SELECT count(*) FROM job
			WHERE action = 'billing_event'`);
		const n = jobs();
		await deliver([stripe.event('customer.subscription.updated',
			{ ...sub, customer: 'cus_nobody', status: 'canceled' })]);
		assert.equal(jobs(), n);
		// what it says of the state is not believed either
		await deliver([stripe.event('customer.subscription.deleted',
			{ ...sub, status: 'canceled' })]);
		// nor that another's subscription is ours
		const other = await subscribed();
		await deliver([stripe.event('customer.subscription.updated',
			{ ...other.sub, customer: sub.customer })]);
		await settled();
		const rows = await list(p);
		assert.deepEqual(rows.map((r) => ({ ...r, updated_at: 0 })),
			JSON.parse(before).map((r) => ({ ...r, updated_at: 0 })));
	});
	for (const status of [503, 401, 400])
		test(`whose handling fails with ${status} is tried again by a job`,
			async () => {
				const { p, sub, id } = await subscribed();
				stripe.change(sub, { cancel_at_period_end: true });
				stripe.fault = () => status;
				await deliver(stripe.events.slice(-1));
				const job = () => sql(house, `SELECT concat_ws(' ', state,
					last_error_code, run_at - now() < interval '1 minute')
					FROM job WHERE account_id = ${p.account}
					AND action = 'billing_event'`);
				for (let i = 0; i < 600 && !/transient/.test(job()); i++)
					await pause(100);
				assert.equal(job(), 'queued transient_connection t');
				stripe.fault = () => undefined;
				sql(house, `UPDATE job SET run_at = now()
					WHERE state = 'queued' AND account_id = ${p.account}`);
				await settled();
				const row = (await list(p)).find((s) => s.id === id);
				assert.equal(row.cancel_at_period_end, true);
			});
});

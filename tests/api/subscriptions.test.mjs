// Subscriptions at a payment service: begun, changed, cancelled, told of by signed
// events that come late, twice and out of order; and programs that are killed on
// their way. The service is a stand-in with state, whose events Stripe's own
// package signs.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync }
	from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { well } from '../lib/ctl.mjs';
import { people } from '../lib/people.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { standIn } from '../lib/stripe-stand-in.mjs';

const ALL = '/api/subscriptions';
const places = { success_url: 'https://app.test/ok',
	cancel_url: 'https://app.test/no' };

let stripe, house, dir, api, month, year;

before(async () => {
	stripe = await standIn();
	dir = mkdtempSync('/tmp/lr-stripe.');
	chmodSync(dir, 0o755);
	const file = (name, text) => {
		writeFileSync(`${dir}/${name}`, text, { mode: 0o600 });
		return `${dir}/${name}`;
	};
	const files = [file('key', `${stripe.key}\n`),
		file('secret', `whsec_another\n${stripe.secret}\n`)];
	house = await stack({ own: true, with: ['sync'], set: [
		`stripe_url = ${stripe.url}`, `stripe_secret_key_file = ${files[0]}`,
		`stripe_webhook_secret_file = ${files[1]}`] });
	execFileSync('chown', [house.user, ...files]);
	api = client(house);
	[month, year] = ['month', 'year'].map((i) => stripe.price('team', i));
	for (const [period, price] of [['month', month], ['year', year]])
		well(house, ['plan', 'set', 'team', '--title', 'Team',
			'--credentials', '9', '--price', `${period}=${price}`]);
});
after(async () => {
	await house?.end();
	await stripe?.end();
	rmSync(dir, { recursive: true, force: true });
});

/** Somebody new: { owner, member, … } of an account of its own. */
function newcomer() {
	const p = people(house);
	return { ...p, ...Object.fromEntries(['owner', 'member', 'viewer',
		'stranger'].map((who) => [who, api.as({ cookie: p[who].cookie })])) };
}

async function post(event, how) {
	const { body, header } = stripe.signed(event, how);
	return api.post('/webhooks/stripe', body, {
		'content-type': 'application/json', 'stripe-signature': header });
}
async function deliver(events, how) {
	for (const event of events) {
		const { status, text, json } = await post(event, how);
		assert.equal(status, 200, text);
		assert.deepEqual(json.data, { received: true });
	}
}

/** Until all jobs of events have ended well. */
async function settled() {
	for (let i = 0; i < 1800; i++) {
		const [waiting, failed] = sql(house, `SELECT count(*) FILTER (WHERE state
			IN ('queued', 'running')) || ' ' || count(*) FILTER (WHERE
			state = 'failed') FROM job WHERE action = 'billing_event'`)
			.split(' ').map(Number);
		assert.equal(failed, 0);
		if (waiting === 0)
			return;
		await pause(100);
	}
	assert.fail('the jobs of events do not end');
}

const checkout = (who, price = month) => who.post(
	`${ALL}/stripe/checkout-session`, { price_id: price, ...places });
const list = async (p) => (await p.owner.get(ALL)).json.data;
const plan = async (p) => (await p.owner.get(`${ALL}/features`)).json.data.plan;

async function subscribed(price = month) {
	const p = newcomer();
	const begun = await checkout(p.owner, price);
	assert.equal(begun.status, 201, begun.text);
	const sub = stripe.pay(begun.json.data.id);
	const synced = await p.owner.post(`${ALL}/stripe/checkout-session-sync`,
		{ session_id: begun.json.data.id });
	assert.equal(synced.status, 200, synced.text);
	return { p, sub, session: begun.json.data.id, id: synced.json.data.id };
}

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
			for (const [text, signature] of [
				[body.replace(sub.customer, 'cus_other'), header],
				[`${body} `, header], [body, undefined], [body, ''],
				[body, header.replace('v1=', 'v0=')],
				[body, `t=${t},v1=${v1.slice(1)}`], [body, `v1=${v1}`],
				[body, `t=${Number(t) + 1},v1=${v1}`], [body, 't=x,v1='],
				[body, stripe.signed(event, { at: at - 310 }).header],
				[body, stripe.signed(event, { at: at + 310 }).header],
				[body, stripe.signed(event, { secret: 'whsec_x' }).header]]) {
				const answer = await send(text, signature);
				assert.equal(answer.status, 400, `${signature} ${answer.text}`);
			}
			assert.equal(seen(), 0);
			// any v1 may fit, by any of our secrets
			for (const signature of [header,
				`t=${t},v1=${'0'.repeat(64)},v0=x,v1=${v1}`,
				stripe.signed(event, { secret: 'whsec_another' }).header,
				stripe.signed(event, { at: at - 290 }).header])
				assert.equal((await send(body, signature)).status, 200);
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
	test('whose handling fails is tried again by a job', async () => {
		const { p, sub, id } = await subscribed();
		stripe.change(sub, { cancel_at_period_end: true });
		let n = 0;
		stripe.fault = () => n++ < 3 ? 503 : undefined;
		await deliver(stripe.events.slice(-1));
		for (let i = 0; i < 300 && n < 3; i++)
			await pause(100);
		stripe.fault = () => undefined;
		for (let i = 0; i < 300 && sql(house, `SELECT count(*) FROM job WHERE
			account_id = ${p.account} AND action = 'billing_event'
			AND last_error_code IS NOT NULL`) === '0'; i++)
			await pause(100);
		sql(house, `UPDATE job SET run_at = now() WHERE state = 'queued'
			AND account_id = ${p.account}`);
		await settled();
		const row = (await list(p)).find((s) => s.id === id);
		assert.equal(row.cancel_at_period_end, true);
	});
});

/* ---- kills ---- */

const points = ['intent-before', 'effect-before', 'effect-after',
	'confirm-after'].map((where) => `billing-${where}`);

/** Responders that kill themselves there; null: those that do not. */
async function armed(point) {
	const text = readFileSync(house.conf, 'utf8')
		.replace(/^failpoint = .*\n/m, '');
	writeFileSync(house.conf, point ? `${text}failpoint = ${point}\n` : text);
	await house.stop('serve');
	await house.start('serve');
}

describe('killed', () => {
	for (const point of points)
		test(`at ${point}, it has asked once when it is done`, async () => {
			const { p, sub, id } = await subscribed();
			const q = newcomer();
			const from = stripe.done.length, asked = stripe.asked.length;
			await armed(point);
			const dead = [await p.owner.post(`${ALL}/${id}/change`,
				{ interval: 'year' }), await checkout(q.owner)];
			assert.ok(dead.every((d) => d.status >= 500),
				dead.map((d) => d.text).join());
			await armed(null);
			const changed = await p.owner.post(`${ALL}/${id}/change`,
				{ interval: 'year' });
			assert.equal(changed.status, 200, changed.text);
			const begun = await checkout(q.owner);
			assert.equal(begun.status, 201, begun.text);
			assert.equal(sub.items.data[0].price.id, year);
			assert.equal(changed.json.data.interval, 'year');
			const paths = stripe.done.slice(from).map(([, path]) => path);
			const change = `/v1/subscriptions/${sub.id}`;
			assert.equal(paths.filter((path) => path === change).length, 1);
			assert.equal(paths.filter((path) => path === '/v1/customers')
				.length, 1);
			const keys = new Set(stripe.asked.slice(asked)
				.filter((c) => c.path === change && c.key).map((c) => c.key));
			assert.equal(keys.size, 1);
			assert.equal(sql(house, `SELECT count(*) FROM billing_intent WHERE
				state = 'open' AND account_id IN (${p.account}, ${q.account})`),
			'0');
		});
});

/* ---- histories ---- */

const happenings = [
	(sub) => stripe.renew(sub),
	(sub) => stripe.renew(sub, false),
	(sub) => stripe.change(sub, { cancel_at_period_end: true }),
	(sub) => stripe.change(sub, { cancel_at_period_end: false }),
	(sub) => {
		sub.items.data[0].price = stripe.prices.get(
			sub.items.data[0].price.id === month ? year : month);
		stripe.change(sub, {});
	},
	(sub) => stripe.cancel(sub),
	(sub) => stripe.change(sub, { status: 'unpaid' }),
];

/** Accounts with a customer each; no request is needed for that. */
function customers(n) {
	const app = sql(house, `INSERT INTO application (name)
		VALUES ('${randomBytes(4).toString('hex')}') RETURNING id`);
	const tag = randomBytes(6).toString('hex');
	const rows = sql(house, `WITH a AS (INSERT INTO account (application_id,
		name) SELECT ${app}, i FROM generate_series(1, ${n}) i RETURNING id)
		INSERT INTO billing_customer (application_id, account_id, customer_id)
		SELECT ${app}, id, 'cus_${tag}' || id FROM a
		RETURNING account_id || ' ' || customer_id`);
	return rows.split('\n').map((row) => {
		const [account, customer] = row.split(' ');
		stripe.customers.set(customer, { id: customer });
		return { account, customer };
	});
}

/** A life of a subscription, and what came of its events, in an order. */
function* history(n, customer) {
	const dice = (k, most) => roll(n * 64 + k, most);
	const late = [];
	let from = stripe.events.length, k = 0;
	const sub = stripe.subscribe(customer, dice(k++, 2) ? month : year);
	for (let i = dice(k++, 6); ; i--) {
		late.push(...stripe.events.slice(from).filter((e) =>
			e.data.object.customer === customer));
		from = stripe.events.length;
		while (late.length > 0 && dice(k++, 3) > 0) {
			const at = dice(k++, late.length);
			yield late[at];
			if (dice(k++, 4) > 0)
				late.splice(at, 1); // else it comes again
		}
		if (i <= 0 || sub.status === 'canceled')
			break;
		happenings[dice(k++, happenings.length)](sub);
	}
	while (late.length > 0)
		yield late.splice(dice(k++, late.length), 1)[0];
}

const state = (sub) => [sub.id, sub.status, sub.cancel_at_period_end,
	sub.items.data[0].price.id, sub.current_period_end].join(' ');

describe(`histories, seed ${seed}`, () => {
	test('end as the service has them, however their events came', async () => {
		const numbers = [...rounds(60)];
		const those = customers(numbers.length);
		const lives = numbers.map((n, i) => history(n, those[i].customer));
		const left = new Set(lives);
		/* Twelve at once, so that jobs run between. */
		await Promise.all(Array.from({ length: 12 }, async () => {
			for (let life; (life = [...left][0]);) {
				left.delete(life);
				for (const event of life)
					await deliver([event]);
			}
		}));
		await settled();
		const rows = sql(house, `SELECT concat_ws(' ', stripe_id, status,
			CASE WHEN cancel_at_period_end THEN 'true' ELSE 'false' END,
			price_id, extract(epoch FROM current_period_end)::bigint)
			FROM subscription WHERE account_id IN
			(${those.map((t) => t.account).join()})`).split('\n');
		const mine = new Set(those.map((t) => t.customer));
		assert.deepEqual(rows.sort(), [...stripe.subscriptions.values()]
			.filter((s) => mine.has(s.customer)).map(state).sort());
		const paid = sql(house, `SELECT stripe_id FROM billing_invoice
			WHERE account_id IN (${those.map((t) => t.account).join()})`)
			.split('\n');
		assert.deepEqual(paid.sort(), [...stripe.invoices.values()]
			.filter((v) => mine.has(v.customer)).map((v) => v.id).sort());
	});
});

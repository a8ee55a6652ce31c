// Payments, and programs that are killed on their way: what changes something at
// the payment service is asked for once, and no event of it is lost. And events
// that come late, twice, at once and out of order, beside answers that do.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED, LETTERRACK_SECONDS, LETTERRACK_TALLY
//	as in crash.h
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { aside } from '../lib/ctl.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { ALL, open } from '../lib/shop.mjs';
import { sql } from '../lib/sql.mjs';

let shop, stripe, house, month, year;

before(async () => {
	console.log(`seed ${seed}`);
	shop = await open();
	({ stripe, house, month, year } = shop);
});
after(() => shop?.end());

/** A subscription as the service has it, and as we do. */
const theirs = (sub) => [sub.id, sub.status, sub.cancel_at_period_end,
	sub.items.data[0].price.id, sub.current_period_end].join(' ');
const ours = (where) => sql(house, `SELECT concat_ws(' ', stripe_id, status,
	CASE WHEN cancel_at_period_end THEN 'true' ELSE 'false' END,
	price_id, extract(epoch FROM current_period_end)::bigint)
	FROM subscription WHERE ${where}`);
const same = (sub, what) =>
	assert.equal(ours(`stripe_id = '${sub.id}'`), theirs(sub), what);

const openIntents = (...accounts) => sql(house, `SELECT count(*)
	FROM billing_intent WHERE state = 'open'
	AND account_id IN (${accounts.join()})`);

/* ---- at each failpoint ---- */

/* Of a change; and of the customer, and of the session, that a checkout makes. */
const points = ['intent-before', 'effect-before', 'effect-after',
	'confirm-after'].flatMap((where) =>
	[1, 2].map((time) => `billing-${where}:${time}`));

/** Responders that kill themselves there; null: those that do not. */
const armed = (point) => shop.configure('failpoint', point);

/** Asks until it is answered well, as a person would. */
async function insist(ask, good = 200) {
	let answer;
	for (let i = 0; i < 300; i++, await pause(100)) {
		answer = await ask().catch((error) => ({ text: error.message }));
		if (answer.status === good)
			return answer;
	}
	return assert.fail(`never answered well: ${answer.status} ${answer.text}`);
}

describe('a responder killed', () => {
	for (const point of points)
		test(`at ${point} has asked once when it is done`, async () => {
			const { p, sub, id } = await shop.subscribed();
			const q = shop.newcomer();
			const from = stripe.done.length, asked = stripe.asked.length;
			const change = () => p.owner.post(`${ALL}/${id}/change`,
				{ interval: 'year' });
			await armed(point);
			const dead = [await change(), await shop.checkout(q.owner)];
			assert.ok(dead.some((d) => d.status >= 500),
				dead.map((d) => d.text).join());
			await armed(null);
			const changed = await insist(change);
			await insist(() => shop.checkout(q.owner), 201);
			assert.equal(sub.items.data[0].price.id, year);
			assert.equal(changed.json.data.interval, 'year');
			const paths = stripe.done.slice(from).map(([, path]) => path);
			const path = `/v1/subscriptions/${sub.id}`;
			assert.equal(paths.filter((one) => one === path).length, 1);
			assert.equal(paths.filter((one) => one === '/v1/customers')
				.length, 1);
			const keys = new Set(stripe.asked.slice(asked)
				.filter((c) => c.path === path && c.key).map((c) => c.key));
			assert.equal(keys.size, 1);
			assert.equal(openIntents(p.account, q.account), '0');
		});
});

/* The program that runs the jobs of events; one that stays runs them at last. */
describe('a letterrack-sync killed', () => {
	for (const point of ['job-finish-before', 'job-finish-after'])
		test(`at ${point}, whichever time, has lost no event`, async () => {
			const from = stripe.events.length;
			const { p, sub } = await shop.subscribed();
			await house.stop('sync');
			await shop.deliver(stripe.events.slice(from));
			for (let n = 1; ; n++) {
				assert.ok(n < 40, 'it ends by itself, when nothing is left');
				stripe.renew(sub, n % 2 === 0);
				await shop.deliver(stripe.events.slice(-2));
				const { signal, status, err } = await aside(house,
					'bin/letterrack-sync', [],
					{ LETTERRACK_FAILPOINT: `${point}:${n}` });
				if (signal === null) {
					assert.equal(status, 0, err);
					assert.ok(n > 1);
					break;
				}
				assert.equal(signal, 'SIGKILL');
			}
			await house.start('sync');
			await shop.settled();
			same(sub);
			assert.equal((await shop.list(p))[0].invoices.length,
				Math.min(12, stripe.invoicesOf(sub).length));
		});
});

/* ---- at random ---- */

/** The processes that serve subscriptions. */
function responders() {
	const parent = readFileSync(`${house.run}/fcgi/serve.pid`, 'utf8').trim();
	return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', parent],
		{ encoding: 'utf8' }).split('\n')
		.filter((line) => line.includes('subscriptions'))
		.map((line) => Number.parseInt(line, 10));
}

function killAll() {
	for (const pid of responders())
		process.kill(pid, 'SIGKILL');
}

/* Wishes: what is asked, and how often the service may have done what for it. */
const wishes = [
	async ({ p, sub, id }) => {
		const price = sub.items.data[0].price.id === month ? year : month;
		return { ask: () => p.owner.post(`${ALL}/${id}/change`,
			{ price_id: price }),
		path: `/v1/subscriptions/${sub.id}`, times: 1,
		is: () => sub.items.data[0].price.id === price };
	},
	async ({ p, sub, id }) => ({ ask: () => p.owner.post(`${ALL}/${id}/cancel`,
		{ at_period_end: true }), path: `/v1/subscriptions/${sub.id}`,
	times: sub.cancel_at_period_end ? 0 : 1,
	is: () => sub.cancel_at_period_end }),
	async ({ p, sub, id }) => ({ ask: () => p.owner.post(`${ALL}/${id}/cancel`,
		{ at_period_end: false }), path: `/v1/subscriptions/${sub.id}`,
	times: sub.status === 'canceled' ? 0 : 1,
	is: () => sub.status === 'canceled' }),
	async () => {
		const q = shop.newcomer();
		return { ask: () => shop.checkout(q.owner), good: 201,
			path: '/v1/customers', times: 1, account: q.account,
			is: () => sql(house, `SELECT count(*) FROM billing_customer
				WHERE account_id = ${q.account}`) === '1' };
	},
];

test('killed at random: each wish is asked for once, and no event is lost',
	async () => {
		let one = await shop.subscribed();
		for (const n of rounds(12)) {
			const dice = (k, most) => roll(n * 16 + k, most);
			const what = `seed ${seed} round ${n}`;
			if (one.sub.status === 'canceled')
				one = await shop.subscribed();
			const wish = await wishes[dice(1, wishes.length)](one);
			const from = stripe.done.length, told = stripe.events.length;
			let lost = dice(2, 3) === 0;
			stripe.fault = (call) => {
				const now = lost && call.method !== 'GET';
				lost &&= !now;
				return now ? 'after' : undefined;
			};
			const first = wish.ask().catch(() => {});
			await pause(dice(3, 60));
			killAll();
			await first;
			stripe.fault = () => undefined;
			await insist(wish.ask, wish.good);
			assert.ok(wish.is(), what);
			assert.equal(stripe.done.slice(from).filter(([, path]) =>
				path === wish.path).length, wish.times, what);
			assert.equal(openIntents(wish.account ?? one.p.account), '0', what);
			/* Whoever is told of an event may die of it; it is told again. */
			stripe.renew(one.sub, dice(4, 2) === 0);
			const events = stripe.events.slice(told);
			const early = Promise.all(events.map((event) =>
				shop.post(event).catch(() => {})));
			await pause(dice(5, 20));
			killAll();
			await house.kill('sync');
			await early;
			await house.start('sync');
			for (const event of events)
				await insist(() => shop.post(event));
			await shop.settled();
			same(one.sub, what);
		}
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

/** An account with a customer; no request is needed for that. */
function customer(application) {
	const id = `cus_${randomBytes(9).toString('hex')}`;
	const account = sql(house, `WITH a AS (INSERT INTO account
		(application_id, name) VALUES (${application}, '${id}') RETURNING id)
		INSERT INTO billing_customer (application_id, account_id, customer_id)
		SELECT ${application}, id, '${id}' FROM a RETURNING account_id`);
	stripe.customers.set(id, { id });
	return { id, account };
}

/** A life of a subscription: what comes of its events, in an order, and which
 * come together. */
function* history(n, life) {
	const dice = (k, most) => roll(n * 128 + k, most);
	const late = [];
	let from = stripe.events.length, k = 0;
	life.sub = stripe.subscribe(life.id, dice(k++, 2) ? month : year);
	for (let left = dice(k++, 6); ; left--) {
		late.push(...stripe.events.slice(from).filter((e) =>
			e.data.object.customer === life.id));
		from = stripe.events.length;
		while (late.length > 0 && dice(k++, 3) > 0) {
			const at = dice(k++, late.length);
			yield dice(k++, 5) > 0 ? [late[at]] : [late[at], late[at]];
			if (dice(k++, 4) > 0)
				late.splice(at, 1); // else it comes again
		}
		if (left <= 0 || life.sub.status === 'canceled')
			break;
		happenings[dice(k++, happenings.length)](life.sub);
	}
	while (late.length > 0)
		yield late.splice(dice(k++, late.length), 1 + dice(k++, 2));
}

test('histories end as the service has them, however their events came',
	async () => {
		const application = sql(house, `INSERT INTO application (name)
			VALUES ('${randomBytes(4).toString('hex')}') RETURNING id`);
		const lives = [];
		let told = 0;
		// an answer may be older than it looks, and some do not come
		stripe.late = () => (roll(stripe.asked.length, 4) === 0
			? 1 + roll(stripe.asked.length + 7, 40) : 0);
		stripe.fault = () => ([500, 'before', 'after'][
			roll(stripe.asked.length + 3, 300)]);
		const numbers = rounds(60);
		// twelve at once, so that jobs run between
		await Promise.all(Array.from({ length: 12 }, async () => {
			for (const n of numbers) {
				const life = { n, ...customer(application) };
				lives.push(life);
				for (const events of history(n, life)) {
					await Promise.all(events.map((e) => shop.deliver([e])));
					told += events.length;
				}
			}
		}));
		stripe.fault = () => undefined;
		sql(house, `UPDATE job SET run_at = now() WHERE state = 'queued'
			AND action = 'billing_event'`);
		await shop.settled();
		stripe.late = () => 0;
		for (const { n, sub, account } of lives) {
			same(sub, `seed ${seed} round ${n}`);
			assert.deepEqual(sql(house, `SELECT concat_ws(' ', stripe_id,
				status, amount_paid) FROM billing_invoice
				WHERE account_id = ${account}`).split('\n').sort(),
			stripe.invoicesOf(sub).map((i) =>
				`${i.id} ${i.status} ${i.amount_paid}`).sort(),
			`seed ${seed} round ${n}`);
		}
		console.log(`${lives.length} histories, ${told} events told, ` +
			`${stripe.asked.length} questions asked`);
	});

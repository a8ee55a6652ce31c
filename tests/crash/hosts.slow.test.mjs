// Two hosts with two cron runs each, all at once, against one database: what is
// due is done once, and told of once. And one that has been stopped beyond its
// lease changes nothing behind whoever was next.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED, LETTERRACK_SECONDS, LETTERRACK_TALLY
//	as in crash.h
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { stopped } from '../lib/ctl.mjs';
import { effects } from '../lib/effects.mjs';
import { rounds, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, all;

before(async () => {
	console.log(`seed ${seed}`);
	house = await stack({ own: true, with: ['dovecot'] });
	all = await effects(house);
});
after(async () => {
	await all?.end();
	await house?.end();
});

test('two cron runs on each of two hosts: each effect once', async () => {
	let planted = false;
	for (const n of rounds(60)) {
		const want = await all.work(n);
		const ended = await Promise.all(['a', 'a', 'b', 'b'].map((host) =>
			all.worker(host)));
		for (const { status, err } of ended)
			assert.equal(status, 0, err);
		await all.settle();
		assert.deepEqual(all.faults(want), [], `seed ${seed} round ${n}`);
		if (planted)
			continue;
		/* The checker finds what comes twice, and what does not come. */
		planted = true;
		const [again] = all.receiver.told;
		all.receiver.told.push(again);
		const gone = all.server.came.shift();
		assert.deepEqual(all.faults(want), [
			`delivery ${again.id} came 2 times`, `mail ${gone} came 0 times`,
			`${want.events + 1} posts, ${want.events} deliveries`,
			`${want.mailed.length - 1} mails, not ${want.mailed.length}`]);
	}
});

/** One of host a is stopped at `point`, its lease ends (`set`), and b is next.
 * What b has left in the table stays. */
async function late(point, table, set) {
	const rows = () => sql(house, `SELECT json_agg(x) FROM ${table} x`);
	const one = all.worker('a', { LETTERRACK_FAILPOINT: `${point}:1:stop` });
	await stopped(one.child);
	sql(house, `UPDATE ${table} SET ${set}`);
	const next = await all.worker('b');
	const before = rows();
	one.child.kill('SIGCONT');
	const { status, err } = await one;
	assert.equal(rows(), before, 'a late write');
	return { status, err, next };
}

/** No other work than what comes. */
function begin() {
	all.forget();
	sql(house, `UPDATE credential SET next_poll_at = now() + interval '1 h'`);
}

describe('stopped beyond its lease, a worker changes nothing any more', () => {
	test('of a delivery, which another has told again', async () => {
		begin();
		all.raise(1);
		const { status, err, next } = await late('delivery-effect-after',
			'webhook_delivery', 'run_at = now()');
		assert.deepEqual([status, next.status], [0, 0], err + next.err);
		assert.match(err, /leases of deliveries lost n=1/);
		assert.equal(all.receiver.told.length, 2);
		const [a, b] = all.receiver.told;
		assert.deepEqual([a.id, a.body], [b.id, b.body]);
		assert.equal(sql(house, `SELECT state || attempts
			FROM webhook_delivery`), 'delivered2');
	});
	test('of mail, which the other does not send again', async () => {
		begin();
		const id = await all.letter();
		const { err } = await late('submission-effect-after', 'job',
			"lease_until = now() - interval '1 s'");
		assert.match(err, /lease lost job=/);
		assert.deepEqual(all.server.came, [id]);
		assert.equal(sql(house, 'SELECT state FROM submission'), 'unknown');
	});
});

test('mail of the service, stopped beyond its lease: what it knows is told',
	async () => {
		begin();
		const stem = all.notice();
		const one = all.worker('a',
			{ LETTERRACK_FAILPOINT: 'outgoing-effect-after:1:stop' });
		await stopped(one.child);
		sql(house, "UPDATE outgoing SET lease_until = now() - interval '1 s'");
		assert.equal((await all.worker('b')).status, 0);
		assert.equal(sql(house, 'SELECT state FROM outgoing'), 'unknown');
		one.child.kill('SIGCONT');
		assert.equal((await one).status, 0);
		assert.deepEqual(all.server.came, [stem]);
		assert.equal(sql(house, 'SELECT state FROM outgoing'), 'accepted');
	});

// Programs end in the middle of their work: the database at once, responders
// one by one or all in turn. Who asks meanwhile is told to come again, or
// notices nothing.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED, LETTERRACK_SECONDS, LETTERRACK_TALLY
//	as in crash.h
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { connect, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, member, quiet, p, imap, credential, root, first;

before(async () => {
	// What was answered is not to be lost when the database ends at once.
	house = await stack({ own: true, with: ['dovecot', 'sync'],
		postgres: ['synchronous_commit=on'] });
	p = people(house);
	const who = { cookie: p.member.cookie };
	member = client(house, who);
	quiet = client(house, who, { record: false });
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	for (let i = 0; i < 20; i++)
		await imap.append('INBOX', message({ subject: `letter ${i}` }));
	credential = await connect(member, p.account, 'support');
	await sync(member, p.account, credential);
	first = (await member.get(`${root}/emails`)).json.data[0];
	console.log(`seed ${seed}`);
});
after(async () => {
	await imap?.logout().catch(() => {});
	await house?.end();
});

async function until(what, condition, ms) {
	for (const end = Date.now() + ms; Date.now() < end; await pause(20))
		if (await condition())
			return;
	assert.fail(`not within ${ms} ms: ${what}`);
}

/** Every process of every family, as the supervisor has started them. */
function processes() {
	const parent = readFileSync(`${house.run}/fcgi/serve.pid`, 'utf8').trim();
	return execFileSync('ps', ['-o', 'pid=', '--ppid', parent],
		{ encoding: 'utf8' }).trim().split(/\s+/).map(Number);
}

const reads = () => [`${root}/emails?limit=5`, `${root}/mailboxes`,
	`/api/emails/${first.id}`, '/login'];

/** Asks without a pause in several lanes; every answer goes to `judge`. */
function load(t, ask, judge, lanes = 4) {
	const tally = new Map();
	const faults = [];
	let going = true;
	t.after(() => { going = false; });
	const lane = async (number) => {
		for (let i = number; going; i++) {
			const answer = await ask(i).catch((error) => ({ error }));
			const fault = answer.error?.message ?? judge(answer);
			if (fault)
				faults.push(fault);
			const key = answer.status ?? 'none';
			tally.set(key, (tally.get(key) ?? 0) + 1);
			if (answer.status !== 200)
				await pause(5); // no busy loop
		}
	};
	const done = Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)));
	return {
		tally,
		async stop() {
			going = false;
			await done;
			assert.deepEqual(faults.slice(0, 3), [],
				`${faults.length} faults, ${JSON.stringify([...tally])}`);
		},
	};
}

function onlyGood({ status, text }) {
	return status === 200 ? '' : `${status} ${text.slice(0, 200)}`;
}

function goodOrAgain({ status, headers, json, text }) {
	if (status === 200)
		return '';
	return status === 503 && json && Number(headers['retry-after']) > 0
		? '' : `${status} ${text.slice(0, 200)}`;
}

const get = (i) => {
	const paths = reads();
	return quiet.get(paths[i % paths.length]);
};

const toggle = (i) => quiet.patch(`/api/emails/${first.id}`,
	{ is_flagged: i % 2 === 0 });

const counted = () => sql(house, `SELECT
	(SELECT n FROM counter WHERE account_id = ${p.account}
	    AND name = 'emails') = count(*)
	AND count(*) = (SELECT sum(server_messages) FROM mailbox
	    WHERE account_id = ${p.account} AND removed_at IS NULL)
	FROM email WHERE account_id = ${p.account} AND removed_at IS NULL`);

describe('the database ends at once', () => {
	test('503 meanwhile, then service within five seconds', async (t) => {
		const running = [load(t, get, goodOrAgain),
			load(t, toggle, goodOrAgain, 1)];
		for (const n of rounds(2)) {
			await imap.append('INBOX', message({ subject: `in ${n}` }));
			await quiet.post(`${root}/imap/sync-messages`,
				{ credential_id: credential.id });
			await pause(roll(n, 300)); // a sync may be under way
			await house.signal('postgres', 'QUIT');
			await house.stop('postgres');
			assert.equal((await quiet.get(reads()[0])).status, 503);
			await house.start('postgres');
			await until('service', async () => (await Promise.all(
				reads().map((path) => quiet.get(path))))
				.every((answer) => answer.status === 200), 5000);
			// Even where a claim's answer was lost.
			await until('the sync goes on', async () => sql(house,
				`SELECT count(*) FROM email WHERE account_id =
				${p.account} AND subject = 'in ${n}' AND removed_at
				IS NULL`) === '1', 15000);
		}
		for (const one of running) {
			await one.stop();
			assert.ok(one.tally.get(200) > 0);
		}
		await sync(member, p.account, credential);
		assert.equal(counted(), 't');
	});
});

describe('responders end', () => {
	test('killed one by one: no read notices', async (t) => {
		const running = load(t, get, onlyGood, 6);
		for (const n of rounds(20)) {
			await until('responders are there',
				() => processes().length > 0, 15000);
			const now = processes();
			const victim = now[roll(n, now.length)];
			process.kill(victim, 'SIGKILL');
			await until('another in its place', () => {
				const next = processes();
				return next.length === now.length &&
					!next.includes(victim);
			}, 15000);
		}
		await running.stop();
	});
	test('replaced in turn: no request notices', async (t) => {
		const running = [load(t, get, onlyGood),
			load(t, toggle, onlyGood, 1)];
		for (const n of rounds(1)) {
			const old = processes();
			await house.signal('serve', 'HUP');
			await until(`only new ones, round ${n}`, () => {
				const now = processes();
				return now.length === old.length &&
					!now.some((pid) => old.includes(pid));
			}, 60000);
		}
		for (const one of running)
			await one.stop();
	});
});

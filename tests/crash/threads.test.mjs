// Four people change the same threads at once, in random order, while mail comes and
// labels come and go: each mail stays in one thread, numbers equal a recount, and no
// deadlock is left to a client. A round has LETTERRACK_STEPS steps and goes on where
// the last one ended; script/prove asks for a hundred, ten thousand steps in all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { ctl } from '../lib/ctl.mjs';
import { people } from '../lib/people.mjs';
import { recount } from '../lib/recount.mjs';
import { rounds, seed as dice } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const all = '/api/threads', MAILS = 24, CLIENTS = 4;
const steps = Number(process.env.LETTERRACK_STEPS ?? 100);

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});
after(() => house?.end());

/** A number below the given one, again and again. */
function random(seed) {
	let state = seed;
	return (n) => {
		state = (state * 1103515245 + 12345) % 2147483648;
		return Math.floor(state / 2147483648 * n);
	};
}

/** The nth mail comes, an answer to `to` unless that is 0; the request. */
async function arrive(who, account, mail, n, to) {
	const answer = await who.post(`/api/accounts/acc_${account}/emails`, {
		direction: 'inbound', subject: to ? 'Re: Hello' : 'Hello',
		message_id: `<${n}.${account}@x.test>`,
		in_reply_to: to ? `<${to}.${account}@x.test>` : null,
		from_json: [{ name: 'John', address: 'john@x.test' }],
		received_at: new Date(1763000000000 + 60000 * n).toISOString() });
	assert.equal(answer.status, 201, answer.text);
	mail.push(Number(answer.json.data.id.slice(4)));
	return answer;
}

/** Mails of six conversations; their ids. */
async function mailbox(who, account) {
	const mail = [];
	for (let i = 1; i <= MAILS; i++)
		await arrive(who, account, mail, i, i % 4 === 1 ? 0 : i - 1);
	return mail;
}

/** What somebody may do; each gets the threads that are there. */
function moves(who, account, mail, labels, n) {
	const some = (list) => list[n(list.length)];
	const mails = async (t) => (await who.get(`${all}/${t}?with_notes=false`))
		.json.thread?.emails.map((e) => e.id) ?? [];
	return [
		async (t) => {
			const has = await mails(some(t));
			return who.post(`${all}/${some(t)}/split`,
				{ email_ids: has.slice(0, 1 + n(2)) });
		},
		async (t) => {
			const id = some(t);
			return who.post(`${all}/${id}/split`,
				{ email_ids: (await mails(id)).slice(0, 1) });
		},
		(t) => who.post(`${all}/${some(t)}/merge`,
			{ source_thread_id: some(t) }),
		(t) => who.post(`${all}/${some(t)}/undo`),
		(t) => who.post(`${all}/${some(t)}/emails/${some(mail)}/assign`),
		(t) => who.patch(`/api/emails/${some(mail)}/thread`,
			{ thread_id: some(t) }),
		(t) => who.post(`${all}/bulk/labels/add`,
			{ thread_ids: t.slice(0, 5), label_id: some(labels) }),
		(t) => who.post(`${all}/bulk/labels/remove`,
			{ thread_ids: t.slice(0, 5), label_id: some(labels) }),
		(t) => who.post(`${all}/bulk/status`, { thread_ids: t.slice(0, 4),
			status: some(['open', 'closed', 'archived']) }),
		(t) => who.post(`${all}/${some(t)}/mark-read`),
		(t) => who.post(`${all}/${some(t)}/mark-unread`),
		(t) => who.put(`${all}/${some(t)}`, { subject: `Hello ${n(9)}` }),
		() => arrive(who, account, mail, 1000 + n(1e9), 1 + n(MAILS)),
		async () => {
			const answer = await who.post('/api/labels',
				{ name: `label ${n(1e9)}` });
			if (answer.status === 201)
				labels.push(answer.json.label_id);
			return answer;
		},
		() => who.delete(`/api/labels/${labels[labels.length - 1 - n(3)]}`),
	];
}

async function play(who, account, mail, labels, seed, count, seen) {
	const n = random(seed), list = moves(who, account, mail, labels, n);
	for (let i = 0, t; i < count; i++) {
		// What others did meanwhile is met: ids that lead elsewhere.
		if (i % 4 === 0)
			t = (await who.get(`${all}?limit=200`)).json.threads
				.map((thread) => thread.id);
		const answer = await list[n(list.length)](t);
		seen[answer.status] = (seen[answer.status] ?? 0) + 1;
		assert.ok([200, 201, 400, 404, 409].includes(answer.status), answer.text);
	}
}

/** What must hold whatever was done. */
function check({ account, application }, mail) {
	recount(house, account);
	assert.equal(sql(house, `SELECT count(*) FROM email e
		JOIN thread t ON t.id = e.thread_id WHERE e.account_id = ${account}
		AND t.merged_into IS NULL AND t.removed_at IS NULL`),
	String(mail.length));
	const told = ctl(house, ['verify', '--account', String(account),
		'--application', String(application)]);
	assert.equal(told.status, 0, told.out);
}

test('four clients leave each mail in one thread, and numbers as they are',
	{ timeout: 86400000 }, async () => {
		const them = people(house);
		const mail = await mailbox(api.as(them.member), them.account);
		const labels = (await api.as(them.member).get('/api/labels')).json
			.labels.map((l) => l.id);
		for (const round of rounds(1)) {
			const seen = {};
			await Promise.all(Array.from({ length: CLIENTS }, (_, i) =>
				play(api.as(i % 2 ? them.owner : them.member), them.account,
					mail, labels, dice * 7919 + round * CLIENTS + i,
					Math.ceil(steps / CLIENTS), seen)));
			assert.ok(seen[200] > steps / 4, JSON.stringify(seen));
			check(them, mail);
		}
	});

// Rules: made, shown, changed and removed, and tried on mail of the last days.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const all = '/api/rules';
const wish = (more = {}) => ({ name: 'Money', type: 'keyword',
	value: 'urgent,payment', action: 'hold', priority: 45, ...more });

async function made(who, more) {
	const answer = await who.post(all, wish(more));
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

function named(answer, field) {
	assert.equal(answer.status, 400, answer.text);
	assert.equal(answer.json.ok, false);
	assert.equal(answer.json.code, 'VALIDATION_ERROR');
	assert.ok(JSON.stringify(answer.json.details).includes(`"${field}`),
		answer.text);
}

describe('a rule', () => {
	test('is made, shown and listed', async () => {
		const them = people(house);
		const { status, json } = await api.as(them.member).post(all, wish());
		assert.equal(status, 201);
		const { data, ok, message } = json;
		assert.deepEqual([ok, message], [true, 'Rule created']);
		assert.deepEqual(data, { id: data.id, name: 'Money',
			type: 'keyword', operator: 'contains', value: 'urgent,payment',
			action: 'hold', priority: 45, is_active: true,
			created_at: data.created_at, updated_at: data.created_at });
		for (const who of ['viewer', 'member', 'owner', 'admin']) {
			const one = await api.as(them[who]).get(`${all}/${data.id}`);
			assert.deepEqual(one.json, data);
			const list = await api.as(them[who]).get(all);
			assert.deepEqual(list.json, { items: [data], total: 1,
				limit: 50, offset: 0, next_cursor: null });
		}
		const viewer = await api.as(them.viewer).post(all, wish());
		assert.equal(viewer.status, 403);
		const stranger = await api.as(them.stranger)
			.get(`${all}/${data.id}`);
		assert.equal(stranger.status, 404);
		assert.equal(stranger.json.code, 'RULE_NOT_FOUND');
	});
	test('has what was left out', async () => {
		const who = api.as(people(house).member);
		const { json: { data } } = await who.post(all,
			{ type: 'regex', value: 'in{1,3}voice' });
		assert.deepEqual([data.name, data.operator, data.action,
			data.priority, data.is_active],
		['regex rule', 'regex', 'hold', 10, true]);
	});
	test('says what is wrong with it', async () => {
		const who = api.as(people(house).member);
		for (const [more, field] of [
			[{ type: 'x' }, 'type'], [{ type: undefined }, 'type'],
			[{ value: undefined }, 'value'], [{ value: '' }, 'value'],
			[{ value: ' , ,' }, 'value'], [{ value: 7 }, 'value'],
			[{ value: 'x'.repeat(1001) }, 'value'],
			[{ operator: 'is' }, 'operator'], [{ action: 'eat' }, 'action'],
			[{ priority: 101 }, 'priority'], [{ priority: -1 }, 'priority'],
			[{ is_active: 'yes' }, 'is_active'], [{ name: '' }, 'name'],
			[{ operator: 'regex', value: '(a' }, 'value'],
			[{ type: 'regex', value: '(a)\\1' }, 'value'],
			[{ type: 'regex', value: '((a{200}){200}){200}' }, 'value'],
			[{ type: 'size', value: 'large' }, 'value'],
		])
			named(await who.post(all, wish(more)), field);
	});
	test('is changed in part, and as it was shown', async () => {
		const who = api.as(people(house).member);
		const rule = await made(who);
		const back = await who.put(`${all}/${rule.id}`, rule);
		assert.deepEqual({ ...back.json.data, updated_at: null },
			{ ...rule, updated_at: null });
		const { json } = await who.put(`${all}/${rule.id}`,
			{ is_active: false, priority: 0 });
		assert.deepEqual([json.data.is_active, json.data.priority,
			json.data.value], [false, 0, rule.value]);
		named(await who.put(`${all}/${rule.id}`,
			{ operator: 'regex', value: '[' }), 'value');
		const gone = await who.delete(`${all}/${rule.id}`);
		assert.deepEqual(gone.json, { ok: true, message: 'Rule removed' });
		for (const verb of ['get', 'put', 'delete']) {
			const answer = await who[verb](`${all}/${rule.id}`,
				...verb === 'put' ? [{}] : []);
			assert.equal(answer.status, 404);
		}
	});
	test('is made once under its key, and audited', async () => {
		const them = people(house);
		const who = api.as(them.member);
		const headers = { 'idempotency-key': 'one' };
		const first = await who.post(all, wish(), headers);
		const again = await who.post(all, wish(), headers);
		assert.deepEqual(again.json, first.json);
		const { id } = first.json.data;
		await who.put(`${all}/${id}`, { is_active: false });
		await who.delete(`${all}/${id}`);
		assert.deepEqual(sql(house, `SELECT action || ' ' || subject
			FROM audit WHERE account_id = ${them.account}
			AND action LIKE 'rule.%' ORDER BY id`).split('\n'),
		['make', 'change', 'remove'].map((word) => `rule.${word} ${id}`));
	});
	test('is one of two hundred at most', async () => {
		const them = people(house);
		const who = api.as(them.member);
		await made(who);
		sql(house, `INSERT INTO rule (application_id, account_id, name, type,
			operator, value, action, priority) SELECT application_id,
			account_id, name, type, operator, value, action, priority
			FROM rule, generate_series(1, 198)
			WHERE account_id = ${them.account}`);
		const both = await Promise.all([who.post(all, wish()),
			who.post(all, wish())]);
		assert.deepEqual(both.map((a) => a.status).sort(), [201, 409]);
	});
});

describe('a backtest', () => {
	const mail = (them, n, more = {}) => {
		const row = { subject: 'Hello', snippet: 'Nothing.', from_json:
			'[{"name":"Eve","address":"eve@evil.test"}]', to_json:
			'[{"name":null,"address":"anna@example.org"}]', structure:
			'[{"n":"1","t":"text/plain"},{"n":"2","t":"application/pdf",' +
			'"f":"Invoice.PDF","d":"attachment"}]', size_bytes: 5000,
			age: '1 hour', ...more };
		sql(house, `INSERT INTO email (application_id, account_id, subject,
			snippet, from_json, to_json, structure, size_bytes, received_at)
			SELECT ${them.application}, ${them.account}, '${row.subject}',
			'${row.snippet}', '${row.from_json}', '${row.to_json}',
			'${row.structure}', ${row.size_bytes},
			now() - interval '${row.age}' - n * interval '1 ms'
			FROM generate_series(1, ${n}) n`);
	};
	test('finds what a rule would have held', async () => {
		const them = people(house);
		const who = api.as(them.member);
		mail(them, 1);
		mail(them, 1, { subject: 'URGENT:\tpay', age: '2 days' });
		mail(them, 1, { snippet: 'A payment', age: '8 days' });
		const ask = async (body) => (await who.post(`${all}/backtest`, body))
			.json;
		const week = await ask(wish());
		assert.deepEqual([week.days, week.examined, week.matched, week.held,
			week.all_examined], [7, 2, 1, 1, true]);
		assert.deepEqual(week.items.map((e) => ({ ...e, id: 0,
			created_at: '' })), [{ id: 0, subject: 'URGENT:\tpay',
			sender: 'eve@evil.test', risk_score: 45,
			keywords_matched: ['urgent'], created_at: '' }]);
		assert.equal((await ask(wish({ days: 30 }))).matched, 2);
		assert.equal((await ask(wish({ action: 'score' }))).held, 0);
		for (const [type, value, matched] of [
			['sender', 'eve@evil.test', 3], ['domain', 'evil.test', 3],
			['domain', 'vil', 3], ['recipient', 'ANNA@', 3],
			['attachment', '.pdf', 3], ['attachment', 'application/pdf', 3],
			['subject', 'urgent', 1], ['regex', '^urgent:\\s+pay$', 1],
			['size', '4k', 3], ['size', '>5000', 0], ['size', '<6k', 3],
			['header', 'from: eve', 3]])
			assert.equal((await ask({ type, value, days: 30 })).matched,
				matched, `${type} ${value}`);
		const rule = await made(who, { is_active: false });
		assert.equal((await ask({ rule_id: rule.id })).matched, 1);
		assert.equal((await ask({ rule_id: rule.id, value: 'hello' }))
			.matched, 1);
	});
	test('goes through all of it, and shows the newest', async () => {
		const them = people(house);
		mail(them, 1201, { subject: 'Payment' });
		const { json } = await api.as(them.member).post(`${all}/backtest`,
			wish({ limit: 2 }));
		assert.deepEqual([json.examined, json.matched, json.items.length],
			[1201, 1201, 2]);
		assert.ok(json.items[0].id < json.items[1].id);
	});
	test('wants a rule that can be', async () => {
		const them = people(house);
		const who = api.as(them.member);
		named(await who.post(`${all}/backtest`, {}), 'type');
		named(await who.post(`${all}/backtest`, { type: 'subject' }),
			'value');
		named(await who.post(`${all}/backtest`, { type: 'regex',
			value: '(' }), 'value');
		const foreign = await made(api.as(them.stranger));
		const answer = await who.post(`${all}/backtest`,
			{ rule_id: foreign.id });
		assert.equal(answer.status, 404);
		const viewer = await api.as(them.viewer).post(`${all}/backtest`,
			wish());
		assert.equal(viewer.status, 403);
	});
});
